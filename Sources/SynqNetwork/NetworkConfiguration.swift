import NIOCore
import SynqHosting
import SynqWebSocket

/// Where a server listens and what it serves.
package struct NetworkConfiguration: Sendable {
  /// The address to listen on: an IPv4 or IPv6 address or a name. Default 127.0.0.1: reachable from elsewhere only
  /// when asked for.
  package var host = "127.0.0.1"
  /// The port; 0 takes a free one (see `NetworkServer.address`). 0–65535.
  package var port = 0
  /// Connections that the kernel holds ready before they are accepted.
  package var backlog = 1_024
  /// The names under which pages of the server's own (`OriginPolicy.sameHost`) may reach it: "example.com", "*.example.com",
  /// "*". Stops DNS rebinding. Default nil: where `host` is of loopback its names and addresses, else any.
  package var allowedHosts: [String]?
  /// Certificate and key when connections are encrypted; nil when they are not. Default nil.
  package var tls: TLSConfiguration?
  /// The sockets, in the order of `ConnectRequest.mount`.
  package var mounts: [SocketMount] = []
  /// Directories whose files are served. The longest prefix that fits a path is asked; sockets come first.
  package var files: [StaticRoot] = []
  /// Paths of the server's own pages, each for GET.
  package var pages: [(path: String, page: ServerPage)] = []
  /// What one peer may cost.
  package var limits = NetworkLimits()

  package init() {}
}

/// A socket at a path, reached over WebSocket and long poll.
package struct SocketMount: Sendable {
  /// The path, for example "/socket". May hold parameters: "/rooms/:room/socket".
  package var path: String
  /// What follows the path for a WebSocket, for example "custom/:id/ws"; nil when there is none. Default "websocket".
  package var webSocketPath: String? = "websocket"
  /// What follows the path for long poll; nil when there is none. Default "longpoll".
  package var longPollPath: String? = "longpoll"
  /// Which pages may connect.
  package var origins = OriginPolicy.sameHost
  /// Subprotocols that are echoed, the preferred one first. When there are some, a client that offers only others
  /// is refused.
  package var subprotocols: [String] = []
  /// Compression of WebSocket messages for clients that offer it; nil when it is off. Default nil.
  package var compression: CompressionOptions?
  /// What a WebSocket client may cost.
  package var limits = WebSocketLimits()
  /// How long poll works, and what its clients may cost.
  package var longPoll = LongPollLimits()

  package init(path: String) { self.path = path }
}
