import NIOCore

/// How long poll works for a mounted socket, and what one of its clients may cost.
package struct LongPollLimits: Sendable {
  /// How long a poll waits for messages before it is answered with 204. Default 10 s, as in Phoenix; proxies must
  /// allow it.
  package var window = TimeAmount.seconds(10)
  /// How long a session lives without any request. Stops clients that went away without a word, which all do, from
  /// being kept. Default 20 s: twice the window.
  package var sessionTimeout = TimeAmount.seconds(20)
  /// Sessions of the mount at a time. Stops a flood of GETs, which cost a session each, from filling memory. Beyond
  /// it a new session is refused with 429. Default 10,000. `NetworkLimits.maxConnectionsPerAddress` bounds the share of
  /// one address.
  package var maxSessions = 10_000
  /// Bytes of messages that wait for a session's next poll. Stops a client that does not poll from filling memory
  /// by what others cause. Beyond it the session ends. Default 1 MiB.
  package var maxQueuedBytes = 1 << 20
  /// Messages of one request, and empty lines between them. Stops a small body from costing much work. Beyond it 413,
  /// and none is taken. Default 100, as many as Phoenix reads.
  package var maxBatchMessages = 100
  /// Bytes of one request's body. Stops a body from filling memory. Beyond it 413. Default 1,000,000, an eighth of Plug's.
  package var maxBodyBytes = 1_000_000

  package init() {}
}
