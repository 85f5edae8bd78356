import SynqJSON

/// Decoding. The envelope is scanned in place; the payload alone is parsed, once.
extension Serializer {
  /// Decodes a text message.
  package func decode(text: UnsafeRawBufferPointer, limits: JSONLimits) throws(DecodingError) -> Message {
    do throws(JSONError) {
      switch self {
      case .v1: return try Envelope.decodeV1(text, limits: limits)
      case .v2: return try Envelope.decodeV2(text, limits: limits)
      }
    } catch {
      throw DecodingError(offset: error.offset, reason: error.message)
    }
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
private enum Envelope {
  /// `[join_ref, ref, topic, event, payload]`; further elements are ignored.
  static func decodeV2(_ text: UnsafeRawBufferPointer, limits: JSONLimits) throws(JSONError) -> Message {
    var scanner = JSONScanner(text, limits: limits)
    try scanner.expect(UInt8(ascii: "["))
    let joinRef = try ref(&scanner)
    try scanner.expect(UInt8(ascii: ","))
    let ref = try ref(&scanner)
    try scanner.expect(UInt8(ascii: ","))
    let topic = try name(&scanner)
    try scanner.expect(UInt8(ascii: ","))
    let event = try name(&scanner)
    try scanner.expect(UInt8(ascii: ","))
    let payload = try scanner.value()
    while scanner.take(UInt8(ascii: ",")) { _ = try scanner.skipValue() }
    try scanner.expect(UInt8(ascii: "]"))
    try scanner.expectEnd()
    return Message(joinRef: joinRef, ref: ref, topic: topic, event: event, payload: .json(payload))
  }

  /// An object with topic, event and payload; ref and join_ref may be absent.
  static func decodeV1(_ text: UnsafeRawBufferPointer, limits: JSONLimits) throws(JSONError) -> Message {
    var scanner = JSONScanner(text, limits: limits)
    try scanner.expect(UInt8(ascii: "{"))
    var message: (joinRef: Ref?, ref: Ref?, topic: Name?, event: Name?, payload: JSON?) = (
      nil, nil, nil, nil, nil
    )
    if !scanner.take(UInt8(ascii: "}")) {
      repeat {
        let member = try scanner.string()
        try scanner.expect(UInt8(ascii: ":"))
        switch member {
        case "topic": message.topic = try name(&scanner)
        case "event": message.event = try name(&scanner)
        case "payload": message.payload = try scanner.value()
        case "ref": message.ref = try ref(&scanner)
        case "join_ref": message.joinRef = try ref(&scanner)
        default: _ = try scanner.skipValue()
        }
      } while scanner.take(UInt8(ascii: ","))
      try scanner.expect(UInt8(ascii: "}"))
    }
    try scanner.expectEnd()
    guard let topic = message.topic, let event = message.event, let payload = message.payload else {
      throw JSONError(.unexpectedEnd, at: text.count)
    }
    return Message(
      joinRef: message.joinRef, ref: message.ref, topic: topic, event: event, payload: .json(payload))
  }

  private static func ref(_ scanner: inout JSONScanner) throws(JSONError) -> Ref? {
    let range = try scanner.skipValue()
    return Ref(text: String(decoding: scanner.text[range], as: UTF8.self))
  }

  private static func name(_ scanner: inout JSONScanner) throws(JSONError) -> Name {
    if scanner.peek() == UInt8(ascii: "\"") { return Name(try scanner.string()) }
    let range = try scanner.skipValue()
    return Name(notAString: String(decoding: scanner.text[range], as: UTF8.self))
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
    let joinRef = ref(try part(0))
    let ref = ref(try part(1))
    let topic = name(try part(2))
    let event = name(try part(3))
    return Message(
      joinRef: joinRef, ref: ref, topic: topic, event: event, payload: .binary(Array(bytes[offset...])))
  }

  /// An empty ref counts as null (SPEC, section 7).
  private static func ref(_ bytes: UnsafeRawBufferPointer) -> Ref? {
    bytes.isEmpty ? nil : Ref(string: String(decoding: bytes, as: UTF8.self))
  }

  /// A name that is not UTF-8 is no string (`wire/binary_bad_badutf8`).
  private static func name(_ bytes: UnsafeRawBufferPointer) -> Name {
    if let text = String(validating: bytes, as: UTF8.self) { return Name(text) }
    return Name(notAString: "null")
  }
}
