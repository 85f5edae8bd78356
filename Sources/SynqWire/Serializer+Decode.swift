import SynqJSON

/// Decoding. The envelope is scanned in place; the payload alone is parsed, once.
extension Serializer {
  /// Decodes a text message.
  package func decode(text: UnsafeRawBufferPointer, limits: JSONLimits) throws(DecodingError) -> Message {
    var envelope = Envelope(text, limits: limits)
    let message: Message
    do throws(JSONError) {
      switch self {
      case .v1: message = try envelope.decodeV1()
      case .v2: message = try envelope.decodeV2()
      }
    } catch {
      let reason = envelope.missing.map { "the member \"\($0)\" is missing" } ?? error.message
      throw DecodingError(offset: error.offset, reason: reason)
    }
    guard let (error, limit) = envelope.excess else { return message }
    throw DecodingError(
      offset: error.offset, reason: error.message,
      excess: DecodingError.Excess(message: message, limit: limit))
  }

  /// Decodes a binary message: the binary form in V2, JSON in V1 (`wire/v1_binary`).
  package func decode(binary: UnsafeRawBufferPointer, limits: JSONLimits) throws(DecodingError) -> Message {
    switch self {
    case .v1: try decode(text: binary, limits: limits)
    case .v2: try BinaryPush.decode(binary)
    }
  }
}

/// The JSON forms of a message.
private struct Envelope {
  private var scanner: JSONScanner
  /// What a V1 message lacks.
  private(set) var missing: String?
  /// Why the payload was skipped, and the setting that it is beyond.
  private(set) var excess: (JSONError, limit: String)?

  init(_ text: UnsafeRawBufferPointer, limits: JSONLimits) { scanner = JSONScanner(text, limits: limits) }

  /// `[join_ref, ref, topic, event, payload]`; further elements are ignored.
  mutating func decodeV2() throws(JSONError) -> Message {
    try scanner.expect(UInt8(ascii: "["))
    let joinRef = try ref()
    try scanner.expect(UInt8(ascii: ","))
    let ref = try ref()
    try scanner.expect(UInt8(ascii: ","))
    let topic = try name()
    try scanner.expect(UInt8(ascii: ","))
    let event = try name()
    try scanner.expect(UInt8(ascii: ","))
    let payload = try payload()
    while scanner.take(UInt8(ascii: ",")) { _ = try scanner.skipValue() }
    try scanner.expect(UInt8(ascii: "]"))
    try scanner.expectEnd()
    return Message(joinRef: joinRef, ref: ref, topic: topic, event: event, payload: .json(payload))
  }

  /// An object with topic, event, payload and ref, which Phoenix asks for even where it is null; join_ref may be absent.
  mutating func decodeV1() throws(JSONError) -> Message {
    try scanner.expect(UInt8(ascii: "{"))
    var message: (joinRef: Ref?, ref: Ref??, topic: Name?, event: Name?, payload: JSON?) = (
      nil, nil, nil, nil, nil
    )
    if !scanner.take(UInt8(ascii: "}")) {
      repeat {
        let member = try scanner.string()
        try scanner.expect(UInt8(ascii: ":"))
        switch member {
        case "topic": message.topic = try name()
        case "event": message.event = try name()
        case "payload": message.payload = try payload()
        case "ref": message.ref = .some(try ref())
        case "join_ref": message.joinRef = try ref()
        default: _ = try scanner.skipValue()
        }
      } while scanner.take(UInt8(ascii: ","))
      try scanner.expect(UInt8(ascii: "}"))
    }
    try scanner.expectEnd()
    guard let topic = message.topic, let event = message.event, let payload = message.payload,
      let ref = message.ref
    else {
      missing =
        message.topic == nil
        ? "topic" : message.event == nil ? "event" : message.payload == nil ? "payload" : "ref"
      throw JSONError(.unexpectedEnd, at: scanner.text.count)
    }
    return Message(joinRef: message.joinRef, ref: ref, topic: topic, event: event, payload: .json(payload))
  }

  private mutating func ref() throws(JSONError) -> Ref? {
    let range = try scanner.skipValue()
    return Ref(text: String(decoding: scanner.text[range], as: UTF8.self))
  }

  /// The payload. One beyond a limit of depth or nodes is skipped, so that the message can be answered by its ref.
  private mutating func payload() throws(JSONError) -> JSON {
    do throws(JSONError) {
      return try scanner.value()
    } catch {
      guard let limit = error.code.payloadLimit else { throw error }
      var limits = scanner.limits
      (limits.maxDepth, limits.maxNodes) = (.max, .max)
      var unbounded = JSONScanner(scanner.text, at: scanner.offset, limits: limits)
      _ = try unbounded.skipValue()
      scanner.offset = unbounded.offset
      excess = (error, limit)
      return .emptyObject
    }
  }

  private mutating func name() throws(JSONError) -> Name {
    if scanner.peek() == UInt8(ascii: "\"") { return Name(try scanner.string()) }
    let range = try scanner.skipValue()
    return Name(notAString: String(decoding: scanner.text[range], as: UTF8.self))
  }
}

extension JSONError.Code {
  /// The setting that bounds what a payload holds, as against how it is written.
  fileprivate var payloadLimit: String? {
    switch self {
    case .tooDeep: "max_json_depth"
    case .tooManyNodes: "max_json_nodes"
    default: nil
    }
  }
}

/// A client's push in the binary form: `0`, the lengths of join_ref, ref, topic and event, these, and the data.
private enum BinaryPush {
  private static let headerBytes = 5

  static func decode(_ bytes: UnsafeRawBufferPointer) throws(DecodingError) -> Message {
    guard bytes.count >= headerBytes else {
      throw DecodingError(offset: bytes.count, reason: "a binary message of fewer than \(headerBytes) bytes")
    }
    guard bytes[0] == BinaryKind.push else {
      throw DecodingError(offset: 0, reason: "a binary message of the kind \(bytes[0]), which is no push")
    }
    var offset = headerBytes
    func part(_ index: Int) throws(DecodingError) -> UnsafeRawBufferPointer {
      let count = Int(bytes[1 + index])
      guard bytes.count - offset >= count else {
        throw DecodingError(offset: bytes.count, reason: "a binary message that ends within its header")
      }
      defer { offset += count }
      return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
    }
    /// What the server echoes, and so must be able to: Phoenix fails on it too when it writes the answer.
    func echoed(_ index: Int) throws(DecodingError) -> String {
      let start = offset
      if let text = String(validating: try part(index), as: UTF8.self) { return text }
      throw DecodingError(offset: start, reason: "a binary message whose refs or topic are not UTF-8")
    }
    let joinRef = ref(try echoed(0))
    let ref = ref(try echoed(1))
    let topic = Name(try echoed(2))
    let event = name(try part(3))
    return Message(
      joinRef: joinRef, ref: ref, topic: topic, event: event, payload: .binary(Array(bytes[offset...])))
  }

  /// An empty ref counts as null (docs/specification.md, section 7).
  private static func ref(_ text: String) -> Ref? { text.isEmpty ? nil : Ref(string: text) }

  /// An event that is not UTF-8 is no string (`wire/binary_bad_badutf8`).
  private static func name(_ bytes: UnsafeRawBufferPointer) -> Name {
    if let text = String(validating: bytes, as: UTF8.self) { return Name(text) }
    return Name(notAString: "null")
  }
}
