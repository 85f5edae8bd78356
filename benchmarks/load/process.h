/* What another process has used, from /proc. */
#ifndef LOAD_PROCESS_H
#define LOAD_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

typedef struct {
  /* Time on a CPU, of all threads that live, to the nanosecond (schedstat). */
  uint64_t cpu_ns;
  /* The same in clock ticks (stat), which only serve to split it: at 100 ticks a second they say little
   * about a short run. */
  uint64_t user_ticks;
  uint64_t system_ticks;
} process_cpu_t;

typedef struct {
  uint64_t resident_kb;
  uint64_t anonymous_kb; /* heap and stacks: what is not mapped from a file */
} process_memory_t;

/* All zero when `pid` is 0; a process that is gone ends the program. */
process_cpu_t process_cpu(pid_t pid);
/* Counted page by page (smaps_rollup): VmRSS lags behind by up to some hundred kB. */
process_memory_t process_memory(pid_t pid);
/* Time on a CPU of this process. */
uint64_t own_cpu_ns(void);

#endif
