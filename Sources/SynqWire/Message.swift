import SynqJSON

/// What a message carries: JSON, or bytes in the binary form.
public enum Payload: Sendable, Hashable {
  case json(JSON)
  case binary([UInt8])

  /// The payload of a message that says nothing more: `{}`.
  public static let empty = Payload.json(.emptyObject)

  /// The JSON value; nil for bytes.
  public var json: JSON? {
    switch self {
    case .json(let json): json
    case .binary: nil
    }
  }
}

/// One message of a client.
public struct Message: Sendable, Hashable {
  public var joinRef: Ref?
  public var ref: Ref?
  public var topic: Name
  public var event: Name
  public var payload: Payload

  public init(joinRef: Ref?, ref: Ref?, topic: Name, event: Name, payload: Payload) {
    self.joinRef = joinRef
    self.ref = ref
    self.topic = topic
    self.event = event
    self.payload = payload
  }
}

/// Why a frame is not a message.
public struct DecodingError: Error, Hashable, Sendable {
  /// The offset of the byte at which the frame stops being a message.
  public var offset: Int
  public var reason: String

  public init(offset: Int, reason: String) {
    self.offset = offset
    self.reason = reason
  }
}
