import NIOCore
import SynqChannels
import Synchronization

/// How long something took, counted by upper bounds in seconds. Any thread may add to it; no lock.
package final class Histogram: Sendable {
  /// The upper bounds, as text and in nanoseconds; what is longer than the last counts for no bound.
  static let bounds: [(text: String, nanoseconds: Int64)] = [
    ("0.0001", 100_000), ("0.0005", 500_000), ("0.001", 1_000_000), ("0.005", 5_000_000),
    ("0.01", 10_000_000),
    ("0.05", 50_000_000), ("0.1", 100_000_000), ("0.5", 500_000_000), ("1.0", 1_000_000_000),
    ("5.0", 5_000_000_000),
  ]

  private final class Bucket: Sendable {
    let count = Counter()
  }

  /// One for each bound, and one for what is longer.
  private let buckets = (0...Histogram.bounds.count).map { _ in Bucket() }
  private let nanoseconds = Counter()

  package init() {}

  /// Counts a time.
  package func add(_ time: TimeAmount) {
    let place = Self.bounds.firstIndex { time.nanoseconds <= $0.nanoseconds } ?? Self.bounds.count
    buckets[place].count.add()
    nanoseconds.add(Int(clamping: time.nanoseconds))
  }

  /// How often each bound was not exceeded, the count of all, and their sum in seconds.
  var snapshot: (cumulative: [Int], count: Int, seconds: Double) {
    var sum = 0
    let cumulative = buckets.map { bucket in
      sum += bucket.count.current
      return sum
    }
    return (cumulative, sum, Double(nanoseconds.current) / 1e9)
  }
}

/// What is measured of the callbacks of one topic pattern, where the server reports metrics.
package final class CallbackMetrics: Sendable {
  static let callbacks = [
    "authorize", "init", "handle_event", "handle_message", "before_close", "update", "open_topic",
    "close_topic",
    "new_state", "update_state",
  ]

  /// In the order of `callbacks`.
  let durations = CallbackMetrics.callbacks.map { _ in Histogram() }
  let events = Counter()
  let crashes = Counter()

  /// Counts a callback that has returned on its thread.
  func add(_ cause: Invocation.Cause, _ time: TimeAmount, _ outcome: Outcome) {
    if let place = Self.callbacks.firstIndex(of: cause.callbackName) { durations[place].add(time) }
    if case .event = cause { events.add() }
    if case .crashed = outcome { crashes.add() }
  }
}
