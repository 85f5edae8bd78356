import NIOCore

/// Where Redis is and how it is spoken to.
package struct RedisConfiguration: Sendable {
  package var url: RedisURL
  /// How long a connection may take to be made. Default 5 s.
  package var connectTimeout = TimeAmount.seconds(5)
  /// How often a connection is asked whether it is alive; a subscriber that has gone silent looks like an idle one.
  /// Default 10 s.
  package var pingInterval = TimeAmount.seconds(10)
  /// How long an answer may take before the connection counts as dead. Default 7 s.
  package var answerTimeout = TimeAmount.seconds(7)
  /// The pause before the first new attempt; each one that fails doubles it. Default 100 ms.
  package var firstPause = TimeAmount.milliseconds(100)
  /// The longest pause between two attempts. Default 5 s.
  package var longestPause = TimeAmount.seconds(5)
  /// Bytes of commands that may wait for their answers. Default 64 MB.
  package var maxWaitingBytes = 64 * 1024 * 1024

  package init(url: RedisURL) { self.url = url }
}
