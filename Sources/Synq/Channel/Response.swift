import SynqChannels
import SynqJSON
import SynqWire

/// What an event is answered with.
public struct Response: Sendable {
  enum Kind: Sendable {
    case noReply
    /// A payload that could not be encoded makes the callback fail, as if it had thrown.
    case reply(status: String, Result<Payload, HostError>)
    case error(SynqError)
  }

  let kind: Kind

  /// Nothing to say: the client gets the receipt of its event, status `ok` and `{}`. Also what a callback returns that
  /// answers later, see ``Socket/detachReply()``, or not at all, see ``Socket/stop(_:)``.
  public static let noReply = Response(kind: .noReply)

  /// Status `ok` and `{}`.
  public static let ok = Response(kind: .reply(status: SynqChannels.Response.ok, .success(.empty)))

  /// Status `ok` with a payload.
  public static func ok(_ payload: JSON) -> Response { reply(SynqChannels.Response.ok, payload) }

  /// Status `ok` with a payload.
  public static func ok(_ payload: some Encodable) -> Response { reply(SynqChannels.Response.ok, payload) }

  /// Status `ok` with bytes, which need a client of serializer V2.
  public static func ok(bytes: [UInt8]) -> Response { reply(SynqChannels.Response.ok, bytes: bytes) }

  /// A status, `ok`, `error` or any short name, and a payload.
  public static func reply(_ status: String, _ payload: JSON = .emptyObject) -> Response {
    Response(kind: .reply(status: status, .success(.json(payload))))
  }

  /// A status, `ok`, `error` or any short name, and a payload.
  public static func reply(_ status: String, _ payload: some Encodable) -> Response {
    let result = Result<Payload, HostError> { () throws(HostError) in
      .json(try .encoded(payload, "payload"))
    }
    return Response(kind: .reply(status: status, result))
  }

  /// A status and bytes, which need a client of serializer V2.
  public static func reply(_ status: String, bytes: [UInt8]) -> Response {
    Response(kind: .reply(status: status, .success(.binary(bytes))))
  }

  /// Status `error` with `{code, message, details, timestamp}`; the same as throwing the error.
  public static func error(_ error: SynqError) -> Response { Response(kind: .error(error)) }

  /// Status `error` with `{code, message, details, timestamp}`.
  ///
  /// - Parameter message: default: the code.
  public static func error(code: String, message: String? = nil, details: JSON? = nil) -> Response {
    .error(SynqError(code: code, message: message, details: details))
  }

  /// The engine's form of the response; nil when there is none.
  func checked() throws(HostError) -> SynqChannels.Response? {
    switch kind {
    case .noReply: return nil
    case .error(let error): return .error(error.report)
    case .reply(let status, let payload):
      guard !status.isEmpty else { throw HostError(.invalidArgument, "status: is empty") }
      return .reply(status: status, payload: try payload.get())
    }
  }
}
