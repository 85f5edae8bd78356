/// Why a channel ends, as `before_close` is told (docs/specification.md, section 3).
public struct CloseReason: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  public var rawValue: String
  public init(rawValue: String) { self.rawValue = rawValue }

  /// The host ended the channel, all is well.
  public static let normal = CloseReason(rawValue: "normal")
  /// The host ended the channel because something else ends.
  public static let shutdown = CloseReason(rawValue: "shutdown")
  /// The client left.
  public static let left = CloseReason(rawValue: "shutdown:left")
  /// The connection is lost.
  public static let closed = CloseReason(rawValue: "shutdown:closed")
  /// The client joined the topic again on the same connection.
  public static let duplicateJoin = CloseReason(rawValue: "shutdown:duplicate_join")
  /// The server stops.
  public static let draining = CloseReason(rawValue: "shutdown:draining")
  /// A callback failed.
  public static let crashed = CloseReason(rawValue: "crashed")

  /// A reason of the host's own, as "shutdown:TERM".
  public static func shutdown(_ term: String) -> CloseReason { CloseReason(rawValue: "shutdown:\(term)") }

  /// Whether the client sees `phx_close` and stays away; else it sees `phx_error` and rejoins (`wire/channel_stops`).
  public var isOrderly: Bool {
    self == .normal || self == .shutdown || rawValue.utf8.starts(with: "shutdown:".utf8)
  }

  public var description: String { rawValue }
}
