import NIOCore
import SynqJSON
import SynqWire

/// What carries the messages of one socket: a WebSocket connection, a long-poll session, a test.
///
/// Every call is made on the transport's event loop.
package protocol SocketTransport: AnyObject {
  /// False while the peer does not take what was sent before; `SocketReceiver.transportBecameWritable` follows.
  var isWritable: Bool { get }

  /// Sends every message of `outbox` in order, with one flush, and empties it. May be called while not writable.
  func send(_ outbox: inout Outbox)

  /// Sends a message that other connections get too, behind all that was sent before. May be called while not writable.
  /// What is large is not copied for each of them.
  func send(_ message: PreparedMessage)

  /// Reads no more messages until `releaseReading`, or until the connection ends. Where a peer cannot be held up, nothing.
  func holdReading()

  /// The other half of `holdReading`.
  func releaseReading()

  /// Ends the connection: a close frame over WebSocket. What was sent before is delivered first.
  func close(_ code: CloseCode, reason: String)
}

extension SocketTransport {
  package func holdReading() {}
  package func releaseReading() {}
}

/// The engine's side of one socket, as its transport sees it. Every call is made on the transport's event loop.
package protocol SocketReceiver: AnyObject {
  /// One whole text message, valid UTF-8. The bytes are valid during the call.
  func receive(text: UnsafeRawBufferPointer)
  /// One whole binary message. The bytes are valid during the call.
  func receive(binary: UnsafeRawBufferPointer)
  /// What could be read at once was received: time to answer, with one flush.
  func readBurstEnded()
  /// The peer takes bytes again.
  func transportBecameWritable()
  /// About how much memory is held for what the client sent. O(channels).
  var heldBytes: Int { get }
  /// The connection is over; called exactly once, last. `reason` is for the log.
  func transportClosed(reason: String)
}

extension SocketReceiver {
  package var heldBytes: Int { 0 }
}

/// A client that asks to be connected, as its HTTP request says.
package struct ConnectRequest: Sendable {
  package enum Transport: String, Sendable { case webSocket = "websocket", longPoll = "longpoll" }

  /// The mounted socket path that matched, for example "/socket".
  package var mount: Int
  package var transport: Transport
  package var serializer: Serializer
  /// Query and path parameters, as one object of strings; `vsn` is left out.
  package var params: JSON
  package var headers: [(name: String, value: String)]
  /// The peer's address without the port.
  package var peer: String
  /// The `auth_token` that the client offered as a subprotocol (WebSocket) or header (long poll).
  package var authToken: String?
  /// The origin of the client's page, when the host is to say whether it may connect (`OriginPolicy.askHost`).
  package var originToCheck: String?
  /// What the program keeps with a client that its own web server handed over.
  package var carrier: (any AnyObject & Sendable)?
  /// The client's wait for the answer.
  package let attempt = ConnectAttempt()

  package init(
    mount: Int, transport: Transport, serializer: Serializer, params: JSON,
    headers: [(name: String, value: String)], peer: String, authToken: String?, originToCheck: String? = nil
  ) {
    self.originToCheck = originToCheck
    self.mount = mount
    self.transport = transport
    self.serializer = serializer
    self.params = params
    self.headers = headers
    self.peer = peer
    self.authToken = authToken
  }
}

/// What the host decided about a client that asks to be connected.
package enum ConnectOutcome: Sendable {
  case accepted(ConnectGrant)
  /// Answered with this HTTP status (403 unless the host says otherwise) and body.
  case refused(status: Int, body: String, reason: String)
  /// The host's callback failed and returned `code`: 500, and the log has the reason as an error.
  case failed(reason: String, code: Int32)
  /// The host does not allow the origin that it was asked about: 403, and the log names it.
  case originRefused
}

/// The rights of an accepted connection.
package struct ConnectGrant: Sendable {
  /// Names the connection's owner for `disconnect(id)`; nil for an anonymous one.
  package var id: String?
  /// Assigns that every channel of the connection starts with.
  package var assigns: [NameKey: JSON]
  /// What the program keeps with the connection. It goes when the connection and its channels have gone.
  package var attachment: (any AnyObject & Sendable)?

  package init(id: String? = nil, assigns: [NameKey: JSON] = [:]) {
    self.id = id
    self.assigns = assigns
  }
}

/// A page that the server itself has.
package enum ServerPage: Sendable {
  /// What it counts, for Prometheus.
  case metrics
  /// Whether it takes new clients, for load balancers.
  case health
}

/// What the network layer needs of the server behind it.
package protocol SocketBackend: Sendable {
  /// Asks the host whether the client may connect. Called on `eventLoop`; the future completes there.
  func connect(_ request: ConnectRequest, on eventLoop: any EventLoop) -> EventLoopFuture<ConnectOutcome>
  /// A connection is up. Called on `eventLoop`, which is the transport's from now on.
  func accept(
    _ grant: ConnectGrant, _ request: ConnectRequest, transport: any SocketTransport,
    on eventLoop: any EventLoop
  ) -> any SocketReceiver
  /// A page of the server's own; one that is not ok is answered with 503.
  func page(_ page: ServerPage) -> (isOK: Bool, contentType: String, text: String)
}

extension SocketBackend {
  /// For a backend without pages of its own.
  package func page(_ page: ServerPage) -> (isOK: Bool, contentType: String, text: String) {
    (true, "text/plain; charset=utf-8", "ok\n")
  }
}
