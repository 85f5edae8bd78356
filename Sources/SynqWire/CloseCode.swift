/// A WebSocket close code (RFC 6455, section 7.4; 1012 and 1013: the IANA registry).
package struct CloseCode: RawRepresentable, Hashable, Sendable {
  package var rawValue: UInt16
  package init(rawValue: UInt16) { self.rawValue = rawValue }

  /// The purpose of the connection is fulfilled.
  package static let normal = CloseCode(rawValue: 1000)
  /// The server ends the connection and the client may come back: a host's disconnect.
  package static let goingAway = CloseCode(rawValue: 1001)
  /// A frame that breaks RFC 6455; a connection that was idle for too long (as Phoenix does, `wire/idle_timeout`).
  package static let protocolError = CloseCode(rawValue: 1002)
  /// Text that is not UTF-8.
  package static let invalidData = CloseCode(rawValue: 1007)
  /// The client went over a rate or a count.
  package static let policyViolation = CloseCode(rawValue: 1008)
  /// A frame or a message over its limit.
  package static let tooBig = CloseCode(rawValue: 1009)
  /// A message that cannot be decoded (as Phoenix does, `wire/text_notjson`).
  package static let internalError = CloseCode(rawValue: 1011)
  /// The server is stopping.
  package static let serviceRestart = CloseCode(rawValue: 1012)
  /// The client does not read and its queue is full.
  package static let tryAgainLater = CloseCode(rawValue: 1013)
}
