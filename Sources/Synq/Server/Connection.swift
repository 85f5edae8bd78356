import SynqChannels
import SynqJSON
import SynqHosting

/// A client that asks to be connected, and what it is given.
///
/// The closure of ``Server/mount(_:options:connect:)`` gets one: it returns to let the client in, and throws
/// ``ConnectionRefused`` (or a ``SynqError``, which is answered with 403 and its message) to refuse.
public struct Connection: Sendable {
  private let request: ConnectRequest
  var grant = ConnectGrant()

  init(_ request: ConnectRequest) { self.request = request }

  /// The params of the URL, an object of strings.
  public var params: JSON { request.params }

  /// The peer's address without the port.
  public var peer: String { request.peer }

  /// The auth token that the client offered (phoenix.js: `authToken`).
  public var token: String? { request.authToken }

  /// A header of the request, by its name in any case.
  public func header(_ name: String) -> String? {
    let name = name.lowercased()
    return request.headers.first { $0.name.lowercased() == name }?.value
  }

  /// Names the connection's owner, for ``Server/disconnect(id:)``. Default nil.
  public var id: String? {
    get { grant.id }
    set { grant.id = newValue }
  }

  /// Sets an assign that each channel of the connection starts with.
  public mutating func assign(_ name: String, to value: JSON) throws(HostError) {
    try Argument.check(name, "name")
    grant.assigns[NameKey(name)] = value
  }

  /// Sets an assign that each channel of the connection starts with.
  public mutating func assign(_ name: String, to value: some Encodable) throws(HostError) {
    try assign(name, to: try JSON.encoded(value, name))
  }
}

/// The answer to a client that may not connect. Throw it from the closure of ``Server/mount(_:options:connect:)``.
public struct ConnectionRefused: Error, Hashable, Sendable {
  /// The HTTP status, 400 to 599.
  public var status: Int
  /// What the answer says.
  public var body: String

  /// A refusal with this HTTP status, 400 to 599, and body.
  public init(status: Int = 403, body: String = "") {
    self.status = (400...599).contains(status) ? status : 403
    self.body = body
  }
}
