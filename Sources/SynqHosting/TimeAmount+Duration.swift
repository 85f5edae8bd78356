import NIOCore

extension TimeAmount {
  /// The longest time that a host can mean, well within what can be added to a point in time.
  private static let century = Duration.seconds(100 * 365 * 24 * 3600)

  /// A duration in nanoseconds; none, if it is negative, and a century at most.
  package init(clamping duration: Duration) {
    let (seconds, attoseconds) = min(max(duration, .zero), Self.century).components
    self = .nanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
  }
}
