import Dispatch
import Glibc
import NIOCore
import Synchronization

/// An event loop without a thread and with a clock of its own: whoever hands it a task runs it, and what that task hands it
/// in turn, unless another thread is at that already. So a test of synchronous channels runs on the test's thread alone.
///
/// `@unchecked Sendable`: `whenQuiet` is set once, before the loop is used.
final class TestLoop: EventLoop, @unchecked Sendable {
  private struct Timer {
    var deadline: NIODeadline
    var number: Int
    var task: @Sendable () -> Void
    var cancel: @Sendable () -> Void
  }

  private struct State {
    var tasks: [@Sendable () -> Void] = []
    var timers: [Timer] = []
    var timersMade = 0
    var now = NIODeadline.uptimeNanoseconds(0)
    /// The thread that runs tasks.
    var owner: pthread_t?
  }

  private let state = Mutex(State())
  /// Called on the loop when its tasks are done.
  var whenQuiet: () -> Void = {}

  // MARK: Tasks

  var inEventLoop: Bool {
    state.withLock { $0.owner.map { pthread_equal($0, pthread_self()) != 0 } ?? false }
  }

  func execute(_ task: @escaping @Sendable () -> Void) {
    let isFree = state.withLock { state in
      state.tasks.append(task)
      guard state.owner == nil else { return false }
      state.owner = pthread_self()
      return true
    }
    if isFree { runTasks() }
  }

  private func runTasks() {
    repeat {
      while true {
        let tasks = state.withLock { state in
          defer { state.tasks = [] }
          return state.tasks
        }
        if tasks.isEmpty { break }
        for task in tasks { task() }
      }
      whenQuiet()
    } while !giveUpIfEmpty()
  }

  private func giveUpIfEmpty() -> Bool {
    state.withLock { state in
      guard state.tasks.isEmpty else { return false }
      state.owner = nil
      return true
    }
  }

  /// Runs `body` on the loop.
  func run<T: Sendable>(_ body: @escaping @Sendable () -> T) async -> T {
    await withCheckedContinuation { continuation in execute { continuation.resume(returning: body()) } }
  }

  // MARK: Time

  var now: NIODeadline { state.withLock { $0.now } }

  @discardableResult
  func scheduleTask<T>(
    deadline: NIODeadline, _ task: @escaping @Sendable () throws -> T
  ) -> Scheduled<T> {
    let promise = makePromise(of: T.self)
    let number = state.withLock { state in
      state.timersMade += 1
      let number = state.timersMade
      state.timers.append(
        Timer(
          deadline: deadline, number: number,
          task: {
            do {
              promise.assumeIsolated().succeed(try task())
            } catch {
              promise.fail(error)
            }
          }, cancel: { promise.fail(EventLoopError.cancelled) }))
      return number
    }
    return Scheduled(promise: promise) { [weak self] in
      self?.state.withLock { $0.timers.removeAll { $0.number == number } }
    }
  }

  @discardableResult
  func scheduleTask<T>(in delay: TimeAmount, _ task: @escaping @Sendable () throws -> T) -> Scheduled<T> {
    scheduleTask(deadline: now + delay, task)
  }

  /// Forgets the timers that are left, which refer to the loop.
  func cancelTimers() {
    let timers = state.withLock { state in
      defer { state.timers = [] }
      return state.timers
    }
    for timer in timers { timer.cancel() }
  }

  /// Moves the clock on; timers run in the order of their deadlines, and `settle` after each.
  func advance(by amount: TimeAmount, settle: () async throws -> Void) async rethrows {
    let end = now + amount
    while let timer = nextTimer(until: end) {
      execute(timer)
      try await settle()
    }
    state.withLock { $0.now = end }
  }

  private func nextTimer(until end: NIODeadline) -> (@Sendable () -> Void)? {
    state.withLock { state in
      let due = state.timers.indices.filter { state.timers[$0].deadline <= end }
      let first = due.min { a, b in
        let (a, b) = (state.timers[a], state.timers[b])
        return (a.deadline, a.number) < (b.deadline, b.number)
      }
      guard let first else { return nil }
      let timer = state.timers.remove(at: first)
      state.now = max(state.now, timer.deadline)
      return timer.task
    }
  }

  func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
    queue.async { callback(nil) }
  }
}
