import SynqChannels
import SynqJSON

/// An error that a client is told: throw it from a callback, and the channel goes on.
///
/// The client gets `{code, message, details, timestamp}`.
public struct SynqError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A short stable name for programs, such as `not_allowed`.
  public var code: String
  /// A sentence for people.
  public var message: String
  /// An object that says more, or nil; any other value is sent as `{"value": …}`.
  public var details: JSON?

  /// - Parameter message: default: the code.
  public init(code: String, message: String? = nil, details: JSON? = nil) {
    self.code = code
    self.message = message ?? code
    self.details = details
  }

  public var description: String { message == code ? code : "\(code): \(message)" }

  static func unknownEvent(_ event: String) -> SynqError {
    SynqError(code: ErrorCode.unknownEvent, message: "there is no event \"\(event)\"")
  }

  /// A payload that is not what the host decoded it as.
  init(decoding error: Swift.DecodingError) {
    let (path, reason) = error.place
    self.init(
      code: "invalid_payload", message: path.isRoot ? reason : "\(path): \(reason)",
      details: ["path": JSON(path.description)])
  }

  var report: ErrorReport { ErrorReport(code: code, message: message, details: details) }
}

extension Swift.DecodingError {
  /// Where the value is, and what is wrong with it.
  var place: (path: JSONPointer, reason: String) {
    switch self {
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
      (JSONPointer(codingPath: context.codingPath), context.debugDescription)
    case .keyNotFound(let key, let context):
      (JSONPointer(codingPath: context.codingPath + [key]), "is missing")
    @unknown default: (.root, "cannot be decoded")
    }
  }
}

extension JSONPointer {
  init(codingPath: [any CodingKey]) {
    self.init(tokens: codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue })
  }
}

extension JSON {
  /// The JSON form of a host's value; what has none is an error that names the argument.
  static func encoded(_ value: some Encodable, _ argument: String) throws(HostError) -> JSON {
    if let json = value as? JSON { return json }
    do {
      return try JSON(encoding: value)
    } catch EncodingError.invalidValue(_, let context) {
      let place = JSONPointer(codingPath: context.codingPath)
      throw HostError(.json, "\(argument)\(place): \(context.debugDescription)")
    } catch {
      throw HostError(.json, "\(argument): \(error)")
    }
  }
}
