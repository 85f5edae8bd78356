import NIOCore
import SynqServer

/// How a socket is served at its path.
public struct MountOptions: Sendable {
  /// Which pages may connect. A request without an `Origin` comes from a program and always may.
  public enum Origins: Sendable {
    /// Pages of the host that the request names.
    case sameHost
    /// Pages of everywhere.
    case any
    /// Pages of these origins: `https://example.com`, `//example.com` (any scheme), `//*.example.com` (subdomains too).
    case list([String])
    /// Pages for whose origin this says yes. Called on the thread that serves the connection; it must not block.
    case check(@Sendable (String) -> Bool)
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

  /// Makes options; each has the default of its property.
  public init(
    origins: Origins = .sameHost, subprotocols: [String] = [], longPoll: Bool = true,
    longPollWindow: Duration = .seconds(10), pattern: String = "websocket"
  ) {
    self.origins = origins
    self.subprotocols = subprotocols
    self.longPoll = longPoll
    self.longPollWindow = longPollWindow
    self.pattern = pattern
  }

  func mount(at path: String) -> SocketMount {
    var mount = SocketMount(path: path)
    mount.origins =
      switch origins {
      case .sameHost: .sameHost
      case .any: .any
      case .list(let origins): .list(origins)
      case .check(let isAllowed): .check(isAllowed)
      }
    mount.subprotocols = subprotocols
    if !longPoll { mount.longPollPath = nil }
    mount.longPoll.window = TimeAmount(clamping: longPollWindow)
    mount.webSocketPath = pattern
    return mount
  }
}
