import SynqWire

/// A client of a web server of the program's, as its request says: the WebSocket handshake is that server's.
package struct LinkRequest: Sendable {
  /// The path, decoded: "/socket/websocket".
  package var path: String
  /// The mount that the path may also be relative to: "/websocket" below "/socket".
  package var mount: String?
  /// The query as it stands in the URL, without "?".
  package var query = ""
  package var headers: [(name: String, value: String)] = []
  /// The host and port under which the client reaches the program; nil for those of the `Host` field.
  package var host: String?
  /// The client's address without the port.
  package var peer = ""
  /// What the client offers; nil for what its `Sec-WebSocket-Protocol` fields say.
  package var subprotocols: [String]?
  /// What the program keeps with the link.
  package var carrier: (any AnyObject & Sendable)?

  package init(path: String) { self.path = path }
}

/// The web server of the program, as a link sees it. Calls for one link come one at a time and in order, where the
/// program's callbacks run.
package protocol LinkHost: AnyObject, Sendable {
  /// The client may connect: the handshake is to be finished, with this subprotocol.
  func accepted(subprotocol: String?)
  /// The client may not: answer with this status. The last call but `ended`.
  func refused(status: Int, body: String)
  /// A message for the client. The bytes are valid during the call.
  func send(_ kind: Outbox.Kind, _ bytes: UnsafeRawBufferPointer)
  /// The program was told to read no more: now it may.
  func resume()
  /// The connection is to be closed. The last call but `ended`.
  func close(_ code: CloseCode, reason: String)
  /// Nothing refers to the program's connection any more.
  func ended()
}
