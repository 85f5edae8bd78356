/* What the thread sanitizer must be told of Swift's Mutex. Preloaded: scripts/run-sanitizers.
 *
 * An uncontended lock is an atomic operation in the code of who uses it, where the sanitizer sees it. A contended one goes
 * through these two functions of libswiftSynchronization.so, which is not instrumented: without a word the sanitizer takes
 * the two sides of such a lock for a race. Both are methods of the mutex's handle, which is its first argument.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context))

/* In the programs that are sanitized. */
extern void __tsan_acquire(void *address) __attribute__((weak));
extern void __tsan_release(void *address) __attribute__((weak));

/* _MutexHandle._lockSlow(UInt32) and _MutexHandle._unlockSlow() */
SWIFT void lock_slow(uint32_t thread,
                     SELF void *handle) __asm__("$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF");
SWIFT void unlock_slow(SELF void *handle) __asm__("$s15Synchronization12_MutexHandleV11_unlockSlowyyF");

static void *next(const char *symbol) {
  void *function = dlsym(RTLD_NEXT, symbol);
  if (function == NULL) abort();
  return function;
}

SWIFT void lock_slow(uint32_t thread, SELF void *handle) {
  SWIFT void (*lock)(uint32_t, SELF void *) = next("$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF");
  lock(thread, handle);
  if (__tsan_acquire) __tsan_acquire(handle);
}

SWIFT void unlock_slow(SELF void *handle) {
  SWIFT void (*unlock)(SELF void *) = next("$s15Synchronization12_MutexHandleV11_unlockSlowyyF");
  if (__tsan_release) __tsan_release(handle);
  unlock(handle);
}
