import SynqJSON

/// What a message carries: JSON, or bytes in the binary form.
package enum Payload: Sendable, Hashable {
  case json(JSON)
  case binary([UInt8])

  /// The payload of a message that says nothing more: `{}`.
  package static let empty = Payload.json(.emptyObject)

  /// The bytes that it takes in memory. O(1).
  package var size: Int {
    switch self {
    case .json(let json): json.flatSize
    case .binary(let bytes): bytes.count
    }
  }

  /// The JSON value; nil for bytes.
  package var json: JSON? {
    switch self {
    case .json(let json): json
    case .binary: nil
    }
  }
}

/// One message of a client.
package struct Message: Sendable, Hashable {
  package var joinRef: Ref?
  package var ref: Ref?
  package var topic: Name
  package var event: Name
  package var payload: Payload

  package init(joinRef: Ref?, ref: Ref?, topic: Name, event: Name, payload: Payload) {
    self.joinRef = joinRef
    self.ref = ref
    self.topic = topic
    self.event = event
    self.payload = payload
  }
}

/// Why a frame is not a message.
package struct DecodingError: Error, Hashable, Sendable {
  /// The offset of the byte at which the frame stops being a message.
  package var offset: Int
  package var reason: String
  /// Set when all of it is a message but for a payload beyond a limit of JSON.
  package var excess: Excess?

  /// A message that can be answered, though not with what it asks for.
  package struct Excess: Hashable, Sendable {
    /// The message without its payload.
    package var message: Message
    /// The setting that its payload is beyond.
    package var limit: String
  }

  package init(offset: Int, reason: String, excess: Excess? = nil) {
    self.offset = offset
    self.reason = reason
    self.excess = excess
  }
}
