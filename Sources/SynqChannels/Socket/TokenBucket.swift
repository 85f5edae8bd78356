/// An average rate with room for a burst of one second.
struct TokenBucket: Sendable {
  /// Tokens a second; also the most that are kept.
  private let rate: Double
  private var tokens: Double
  private var last: UInt64?

  /// Nil for no limit.
  init?(perSecond: Int) {
    guard perSecond > 0 else { return nil }
    rate = Double(perSecond)
    tokens = rate
  }

  /// Takes a token at `now`, in nanoseconds of a clock that does not go back; false when there is none.
  mutating func take(at now: UInt64) -> Bool {
    if let last, now > last { tokens = min(rate, tokens + Double(now - last) / 1e9 * rate) }
    last = now
    guard tokens >= 1 else { return false }
    tokens -= 1
    return true
  }
}
