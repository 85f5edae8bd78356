import NIOCore
import SynqNetwork
import SynqWebSocket

/// How a socket is served at its path.
public struct MountOptions: Sendable {
  /// Which pages may connect. A request without an `Origin` comes from a program and always may.
  public enum Origins: Sendable {
    /// Pages of the host and port that the request names, if it is one of the server's allowed hosts.
    case sameHost
    /// Pages of everywhere.
    case any
    /// Pages of these origins: `https://example.com`, `//example.com` (any scheme), `//*.example.com` (subdomains too).
    case list([String])
    /// Pages for whose origin, as the browser sent it (`https://example.com`), this says yes. It may await, and is asked
    /// before `connect`; for long poll when the session begins. What names no host (`null`, `file://`) is refused
    /// without asking. The log has what was refused.
    case check(@Sendable (_ origin: String) async -> Bool)
  }

  /// Which pages may connect. Default: those of the host that the request names.
  public var origins: Origins
  /// Offered to clients that ask for one. Default: none.
  public var subprotocols: [String]
  /// Whether clients may use long poll instead of a WebSocket. Default true.
  public var longPoll: Bool
  /// How long a poll waits for something to send. Default 10 s.
  public var longPollWindow: Duration
  /// What follows the path for a WebSocket; may have parameters, `custom/:id/ws`. Default `websocket`.
  public var pattern: String
  /// Whether messages are compressed (permessage-deflate, RFC 7692) for WebSocket clients that offer it: fewer bytes for more
  /// CPU time. Default false.
  public var compress: Bool
  /// Limits of the connections here; those of all connections, of memory, of handshakes and of a stop are the server's alone.
  /// Default: the server's.
  public var limits: Limits?

  /// Makes options; each has the default of its property.
  public init(
    origins: Origins = .sameHost, subprotocols: [String] = [], longPoll: Bool = true,
    longPollWindow: Duration = .seconds(10), pattern: String = "websocket", compress: Bool = false,
    limits: Limits? = nil
  ) {
    self.compress = compress
    self.limits = limits
    self.origins = origins
    self.subprotocols = subprotocols
    self.longPoll = longPoll
    self.longPollWindow = longPollWindow
    self.pattern = pattern
  }

  /// What decides about origins, if it is not the server itself.
  var originCheck: (@Sendable (String) async -> Bool)? {
    if case .check(let isAllowed) = origins { isAllowed } else { nil }
  }

  func mount(at path: String) -> SocketMount {
    var mount = SocketMount(path: path)
    mount.origins =
      switch origins {
      case .sameHost: .sameHost
      case .any: .any
      case .list(let origins): .list(origins)
      case .check: .askHost
      }
    mount.subprotocols = subprotocols
    if !longPoll { mount.longPollPath = nil }
    if compress { mount.compression = CompressionOptions() }
    mount.longPoll.window = TimeAmount(clamping: longPollWindow)
    mount.webSocketPath = pattern
    return mount
  }
}
