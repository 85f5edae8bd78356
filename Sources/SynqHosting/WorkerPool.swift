import Glibc
import SynqChannels
import Synchronization

/// Threads of the library that run callbacks, one callback each at a time, whichever is due first.
///
/// `@unchecked Sendable`: the queue is touched under `mutex` only.
package final class WorkerPool: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let isDue = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var queue = CallQueue()
  private var sleeping = 0
  private var isStopping = false
  private var threads: [pthread_t] = []

  /// Starts the threads: all of them, or none and an error of code `io`.
  package init(threads count: Int) throws(HostError) {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(isDue, nil)
    for _ in 0..<count {
      var thread = pthread_t()
      let pool = Unmanaged.passRetained(self)
      let status = pthread_create(
        &thread, nil,
        { raw in
          guard let raw else { return nil }
          Unmanaged<WorkerPool>.fromOpaque(raw).takeRetainedValue().work()
          return nil
        }, pool.toOpaque())
      guard status == 0 else {
        pool.release()
        let made = threads.count
        stop()
        throw HostError(
          .io, "workers: thread \(made + 1) of \(count) cannot be made: \(String(cString: strerror(status)))")
      }
      threads.append(thread)
    }
  }

  deinit {
    pthread_cond_destroy(isDue)
    pthread_mutex_destroy(mutex)
    isDue.deallocate()
    mutex.deallocate()
  }

  func submit(_ calls: [PendingCall]) {
    pthread_mutex_lock(mutex)
    queue.append(calls)
    // One is woken; it wakes the next if there is more to do, so a burst costs no more wake-ups than it needs.
    let mustWake = sleeping > 0
    pthread_mutex_unlock(mutex)
    if mustWake { pthread_cond_signal(isDue) }
  }

  private func work() {
    pthread_mutex_lock(mutex)
    while true {
      while queue.isEmpty, !isStopping {
        sleeping += 1
        pthread_cond_wait(isDue, mutex)
        sleeping -= 1
      }
      guard let call = queue.popFirst() else { break }
      let mustWake = !queue.isEmpty && sleeping > 0
      pthread_mutex_unlock(mutex)
      if mustWake { pthread_cond_signal(isDue) }
      call.run()
      pthread_mutex_lock(mutex)
    }
    pthread_mutex_unlock(mutex)
  }

  /// Ends the threads once the queue is empty, and waits for them. Not from one of them.
  package func stop() {
    pthread_mutex_lock(mutex)
    isStopping = true
    pthread_mutex_unlock(mutex)
    pthread_cond_broadcast(isDue)
    for thread in threads { pthread_join(thread, nil) }
    threads = []
  }

  /// Whether the current thread is one of the pool's.
  package var isCurrentThread: Bool { threads.contains { pthread_equal($0, pthread_self()) != 0 } }
}
