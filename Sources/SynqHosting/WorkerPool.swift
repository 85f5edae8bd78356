import Glibc
import SynqChannels
import Synchronization

/// What one connection has of a pool's threads: so that it cannot have them all.
///
/// `@unchecked Sendable`: touched under the pool's lock only.
final class WorkerShare: @unchecked Sendable {
  /// Its callbacks that run.
  fileprivate var running = 0
  /// Its callbacks that are due and wait until fewer of them run.
  fileprivate var waiting = CallQueue()
}

extension PendingCall {
  /// What the connection that it is for has of the threads; nil where it is for none.
  fileprivate var workerShare: WorkerShare? {
    if case .channel(let context, _) = self { context.driver?.workerShare } else { nil }
  }
}

/// Threads of the library that run callbacks, one callback each at a time, whichever is due first.
///
/// The callbacks of one connection run on at most half of the threads. Where the pool may grow, threads are added while
/// all are blocked, and end when they were idle for a while.
///
/// `@unchecked Sendable`: what follows the lock is touched under it only.
package final class WorkerPool: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let isDue = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  /// The threads that are always there.
  private let usualCount: Int
  private let maxCount: Int
  private var queue = CallQueue()
  private var sleeping = 0
  private var isStopping = false
  private var threads: [pthread_t] = []
  /// Threads that ended because they were not needed, to be joined.
  private var ended: [pthread_t] = []
  /// Callbacks that have returned, and how many had when `growIfBlocked` looked last.
  private var finished = 0
  private var finishedBefore = 0

  /// After so many idle seconds a thread beyond the usual number ends.
  private static let idleSeconds = 10

  /// Starts the threads: all of them, or none and an error of code `io`.
  ///
  /// - Parameters:
  ///   - count: the threads that are always there.
  ///   - limit: how many there may be while all are blocked; no more than `count` if nil.
  package init(threads count: Int, growingTo limit: Int? = nil) throws(HostError) {
    usualCount = count
    maxCount = max(limit ?? count, count)
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(isDue, nil)
    for _ in 0..<count {
      let status = locked { startThread() }
      guard status == 0 else {
        let made = threads.count
        stop()
        throw HostError(
          .io, "workers: thread \(made + 1) of \(count) cannot be made: \(String(cString: strerror(status)))")
      }
    }
  }

  deinit {
    pthread_cond_destroy(isDue)
    pthread_mutex_destroy(mutex)
    isDue.deallocate()
    mutex.deallocate()
  }

  private func locked<Result>(_ body: () -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body()
  }

  /// Under the lock.
  private func startThread() -> Int32 {
    var thread = pthread_t()
    let pool = Unmanaged.passRetained(self)
    let status = BlockedSignals.during {
      pthread_create(
        &thread, nil,
        { raw in
          guard let raw else { return nil }
          Unmanaged<WorkerPool>.fromOpaque(raw).takeRetainedValue().work()
          return nil
        }, pool.toOpaque())
    }
    if status == 0 { threads.append(thread) } else { pool.release() }
    return status
  }

  /// Takes callbacks. True if no thread was free for them and the pool may grow: then `growIfBlocked` should be called
  /// some milliseconds later.
  @discardableResult
  func submit(_ calls: [PendingCall]) -> Bool {
    pthread_mutex_lock(mutex)
    queue.append(calls)
    // One is woken; it wakes the next if there is more to do, so a burst costs no more wake-ups than it needs.
    let mustWake = sleeping > 0
    pthread_mutex_unlock(mutex)
    if mustWake { pthread_cond_signal(isDue) }
    return !mustWake && maxCount > usualCount
  }

  /// Adds threads if all are busy, and no callback has returned since the last call. True if it should be called again.
  func growIfBlocked() -> Bool {
    locked {
      guard !queue.isEmpty, sleeping == 0, !isStopping else { return false }
      defer { finishedBefore = finished }
      guard finished == finishedBefore else { return true }
      // A half more at a time: many clients may block, and each call here costs who waits a few milliseconds.
      for _ in 0..<min(queue.count, max(1, threads.count / 2), maxCount - threads.count) {
        // None left in this process: those that there are must do.
        if startThread() != 0 { return false }
      }
      return threads.count < maxCount
    }
  }

  private func work() {
    pthread_mutex_lock(mutex)
    while true {
      let call = pop()
      guard let call else {
        if isStopping || !waitForCalls() { break }
        continue
      }
      let mustWake = !queue.isEmpty && sleeping > 0
      pthread_mutex_unlock(mutex)
      if mustWake { pthread_cond_signal(isDue) }
      call.run()
      pthread_mutex_lock(mutex)
      finish(call.workerShare)
    }
    pthread_mutex_unlock(mutex)
  }

  /// The next callback whose connection has not got its share of the threads. Under the lock.
  private func pop() -> PendingCall? {
    let share = max(1, threads.count / 2)
    while let call = queue.popFirst() {
      guard let connection = call.workerShare else { return call }
      guard connection.running < share else {
        connection.waiting.append([call])
        continue
      }
      connection.running += 1
      return call
    }
    return nil
  }

  /// Under the lock.
  private func finish(_ connection: WorkerShare?) {
    finished &+= 1
    guard let connection else { return }
    connection.running -= 1
    if let next = connection.waiting.popFirst() { queue.append([next]) }
  }

  /// Waits, under the lock. False if the thread is not needed any more, which then is not in `threads`.
  private func waitForCalls() -> Bool {
    sleeping += 1
    defer { sleeping -= 1 }
    guard threads.count > usualCount else {
      pthread_cond_wait(isDue, mutex)
      return true
    }
    var deadline = timespec()
    clock_gettime(CLOCK_REALTIME, &deadline)
    deadline.tv_sec += Self.idleSeconds
    guard pthread_cond_timedwait(isDue, mutex, &deadline) == ETIMEDOUT else { return true }
    guard threads.count > usualCount, queue.isEmpty, !isStopping else { return true }
    let this = pthread_self()
    threads.removeAll { pthread_equal($0, this) != 0 }
    // The one before has long returned: at most one waits to be joined.
    for thread in ended { pthread_join(thread, nil) }
    ended = [this]
    return false
  }

  /// Ends the threads once the queue is empty, and waits for them. Not from one of them.
  package func stop() {
    let all = locked {
      isStopping = true
      return threads + ended
    }
    pthread_cond_broadcast(isDue)
    for thread in all { pthread_join(thread, nil) }
    locked {
      threads = []
      ended = []
    }
  }

  /// Whether the current thread is one of the pool's.
  package var isCurrentThread: Bool {
    let this = pthread_self()
    return locked { threads.contains { pthread_equal($0, this) != 0 } }
  }
}
