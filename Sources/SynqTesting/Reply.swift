import Synq

/// The answer to a push.
public struct Reply: Sendable, Hashable, CustomStringConvertible {
  /// `ok`, `error`, or another short name.
  public let status: String
  /// What came with it; `null` for bytes. The timestamp of an error is left out.
  public let response: JSON
  /// The bytes of a binary reply, else nil.
  public let bytes: [UInt8]?

  /// A reply with this status and response.
  public init(status: String, response: JSON = .emptyObject, bytes: [UInt8]? = nil) {
    self.status = status
    self.response = response
    self.bytes = bytes
  }

  /// Status `ok` and `{}`: what an event gets whose handler said nothing.
  public static let ok = Reply(status: "ok")

  /// Status `ok` with a response.
  public static func ok(_ response: JSON) -> Reply { Reply(status: "ok", response: response) }

  /// Status `ok` with bytes.
  public static func ok(bytes: [UInt8]) -> Reply { Reply(status: "ok", response: .null, bytes: bytes) }

  /// Status `error` with an error of the server.
  public static func error(code: String, message: String, details: JSON = .null) -> Reply {
    Reply(
      status: "error",
      response: JSON(members: [("code", JSON(code)), ("message", JSON(message)), ("details", details)]))
  }

  /// The error, if it is one.
  public var error: SynqError? {
    guard status == "error" else { return nil }
    return SynqError(response)
  }

  public var description: String { "\(status) \(bytes.map { "\($0.count) bytes" } ?? "\(response)")" }

  init(_ frame: ServerFrame) {
    let isError = frame.status == "error" && frame.payload["code"] != nil
    let response = isError ? (try? frame.payload.removing(at: "/timestamp")) ?? frame.payload : frame.payload
    self.init(status: frame.status ?? "", response: response, bytes: frame.bytes)
  }
}

extension SynqError {
  /// An error as clients get it; nil when the value is none.
  init?(_ json: JSON) {
    guard let code = json["code"]?.stringValue ?? json["reason"]?.stringValue else { return nil }
    let details = json["details"]
    self.init(
      code: code, message: json["message"]?.stringValue, details: details?.isNull == false ? details : nil)
  }
}

/// A join that the server refused.
public struct JoinRefused: Error, Sendable, Hashable, CustomStringConvertible {
  /// The topic that was to be joined.
  public let topic: String
  /// The answer to the join.
  public let reply: Reply

  /// The refusal of a join, by its reply.
  public init(topic: String, reply: Reply) {
    self.topic = topic
    self.reply = reply
  }

  /// What a channel's ``Synq/SynqError`` came as.
  public var error: SynqError? { reply.error }

  public var description: String { "the join of \"\(topic)\" was refused: \(reply)" }
}
