#if MetricsSupport
import Metrics
import NIOCore
import SynqChannels
import SynqHosting
import Synchronization

/// Measures the callbacks of one topic pattern, once the server reports metrics.
final class CallbackMeter: Sendable {
  private struct Timers {
    let duration: Timer
    let wait: Timer
  }

  private let pattern: String
  /// By the callback's name; empty while nothing is measured, and not changed after the start of the server.
  // canonical: the names are our own.
  private let timers = Mutex<[String: Timers]>([:])
  private let isOn = Atomic<Bool>(false)

  init(pattern: String) { self.pattern = pattern }

  /// Whether the channel asks since when a callback has been due.
  var isMeasuring: Bool { isOn.load(ordering: .relaxed) }

  func start(_ factory: any MetricsFactory) {
    timers.withLock { timers in
      for callback in ["authorize", "init", "handle_event", "handle_message", "before_close"] {
        let dimensions = [("channel", pattern), ("callback", callback)]
        timers[callback] = Timers(
          duration: Timer(label: "synq.callback.duration", dimensions: dimensions, factory: factory),
          wait: Timer(label: "synq.callback.wait", dimensions: dimensions, factory: factory))
      }
    }
    isOn.store(true, ordering: .relaxed)
  }

  /// A callback begins: its wait is over. Nil while nothing is measured.
  func begin(_ cause: Invocation.Cause, on context: ChannelContext) -> Measurement? {
    guard isMeasuring, let timers = timers.withLock({ $0[cause.callbackName] }) else { return nil }
    let now = NIODeadline.now()
    if let due = context.dueSince { timers.wait.recordNanoseconds((now - due).nanoseconds) }
    return Measurement(timer: timers.duration, start: now)
  }

  /// A callback that runs.
  struct Measurement: Sendable {
    fileprivate let timer: Timer
    fileprivate let start: NIODeadline

    /// It has returned or, where it awaits, answered.
    func end() { timer.recordNanoseconds((NIODeadline.now() - start).nanoseconds) }
  }
}
#else
import SynqChannels
import SynqHosting

/// Measures nothing: the trait `MetricsSupport` is not enabled.
struct CallbackMeter: Sendable {
  struct Measurement: Sendable {
    func end() {}
  }

  init(pattern: String) {}

  var isMeasuring: Bool { false }

  func begin(_ cause: Invocation.Cause, on context: ChannelContext) -> Measurement? { nil }
}
#endif
