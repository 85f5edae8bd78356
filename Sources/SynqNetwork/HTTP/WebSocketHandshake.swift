import NIOHTTP1

/// The opening handshake of a WebSocket (RFC 6455, section 4.2), as far as it needs no connection.
enum WebSocketHandshake {
  /// What is wrong with an upgrade request: the body of its 400, in the words of Bandit (`wire/upgrade_no_*`,
  /// `wire/upgrade_bad_*`); nil when nothing is. A key must be 16 bytes in base64, where Bandit takes any
  /// (`wire/upgrade_bad_key`).
  static func fault(in head: HTTPRequestHead) -> String? {
    guard head.version == .http1_1 else { return "HTTP version \(head.version) unsupported" }
    for (name, needle) in [("connection", "upgrade"), ("upgrade", "websocket")] {
      guard head.headers[canonicalForm: name].contains(where: { $0.lowercased() == needle }) else {
        return "'\(name)' header must contain '\(needle)', got \(quoted(head.headers[name]))"
      }
    }
    let keys = head.headers["sec-websocket-key"]
    guard let key = keys.first else { return "'sec-websocket-key' header is absent" }
    guard keys.count == 1 else { return "'sec-websocket-key' header is given \(keys.count) times" }
    guard key.utf8.count == keyLength, Base64.decode(key.utf8)?.count == 16 else {
      return "'sec-websocket-key' header must be 16 bytes in base64"
    }
    let versions = head.headers["sec-websocket-version"]
    guard versions == ["13"] else {
      return "'sec-websocket-version' header must equal '13', got \(quoted(versions))"
    }
    return nil
  }

  /// What 16 bytes are in base64, padding included.
  private static let keyLength = 24

  /// What is wrong with the `Host` field of any request (RFC 9112, section 3.2); nil when nothing is.
  static func hostFault(in head: HTTPRequestHead) -> String? {
    let hosts = head.headers["host"]
    guard let host = hosts.first else {
      return head.version == .http1_0 ? nil : "'host' header is absent"
    }
    guard hosts.count == 1 else { return "'host' header is given \(hosts.count) times" }
    // Empty where the target names no authority.
    guard host.isEmpty || Origin.splitAuthority(host[...]) != nil else {
      return "'host' header names no host"
    }
    return nil
  }

  /// The value of `Sec-WebSocket-Accept` for a key (RFC 6455, section 4.2.2).
  static func acceptance(of key: String) -> String {
    Base64.encode(SHA1.digest(Array("\(key)258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8)))
  }

  private static func quoted(_ values: [String]) -> String {
    "[" + values.map { "\"\($0)\"" }.joined(separator: ", ") + "]"
  }
}

/// What a client offers as subprotocols (RFC 6455, section 1.9), and what is chosen of it.
struct SubprotocolOffer {
  private let offered: [String]

  /// phoenix.js sends its `authToken` as a subprotocol with this prefix, beside the subprotocol `phoenix`.
  private static let tokenPrefix = "base64url.bearer.phx."
  private static let phoenix = "phoenix"

  init(_ headers: HTTPHeaders) {
    offered = headers[canonicalForm: "sec-websocket-protocol"].map(String.init)
  }

  init(_ offered: [String]) { self.offered = offered }

  /// The auth token among the offers, decoded; nil when there is none or it is not base64 of UTF-8.
  var authToken: String? {
    for offer in offered where offer.hasPrefix(Self.tokenPrefix) {
      return Base64.decode(offer.dropFirst(Self.tokenPrefix.count).utf8).flatMap {
        String(validating: $0, as: UTF8.self)
      }
    }
    return nil
  }

  enum Choice: Equatable {
    /// The connection goes on, with this subprotocol echoed.
    case accepted(String?)
    case refused
  }

  /// Chooses the first of `configured` that is offered (`wire/upgrade_subprotocol_*`): with some configured and
  /// none offered among them the request is refused; an offer of nothing, or to a socket without any, is ignored.
  /// An offered auth token needs `phoenix` echoed, or browsers fail the connection.
  func choose(from configured: [String]) -> Choice {
    guard !offered.isEmpty else { return .accepted(nil) }
    if let chosen = configured.first(where: offered.contains) { return .accepted(chosen) }
    if offered.contains(Self.phoenix), offered.contains(where: { $0.hasPrefix(Self.tokenPrefix) }) {
      return .accepted(Self.phoenix)
    }
    return configured.isEmpty ? .accepted(nil) : .refused
  }

  /// The offers as sent, for the log.
  var text: String { offered.filter { !$0.hasPrefix(Self.tokenPrefix) }.joined(separator: ", ") }
}
