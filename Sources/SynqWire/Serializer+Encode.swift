import SynqJSON

/// Encoding: each call appends one whole message to an outbox.
///
/// Bytes have no form in V1 (`wire/v1_binary`), nor below names that are too long: see `fault`.
extension Serializer {
  /// Why `payload` cannot be sent below these refs and names; nil if it can, as JSON always can. Asked before it is encoded.
  ///
  /// The binary form has a byte for the length of each (`wire/README.md`, "Binary"); Phoenix raises beyond it too.
  package func fault(
    of payload: Payload, refs: @autoclosure () -> [Ref?] = [], names: @autoclosure () -> [String]
  ) -> String? {
    guard case .binary = payload else { return nil }
    guard self == .v2 else { return "a binary payload needs a client of serializer V2" }
    let lengths = names().map(\.utf8.count) + refs().map { $0?.unquoted.utf8.count ?? 0 }
    let longest = lengths.max() ?? 0
    guard longest > BinaryKind.maxPartBytes else { return nil }
    return
      "a binary payload needs refs and names of at most \(BinaryKind.maxPartBytes) bytes, one has \(longest)"
  }

  /// A reply to the push `ref`: `phx_reply` with a status and a response.
  package func encodeReply(
    joinRef: Ref?, ref: Ref?, topic: Name, status: String, response: Payload, into outbox: inout Outbox
  ) {
    switch response {
    case .json(let json):
      encodeReply(joinRef: joinRef, ref: ref, topic: topic, status: status, into: &outbox) {
        $0.append(json: json)
      }
    case .binary(let bytes):
      outbox.bytes.append(BinaryKind.reply)
      let parts = [joinRef?.unquoted ?? "", ref?.unquoted ?? "", topic.text, status]
      outbox.appendBinary(parts: parts, data: bytes)
    }
  }

  /// A reply whose response is written by `response`.
  package func encodeReply(
    joinRef: Ref?, ref: Ref?, topic: Name, status: String, into outbox: inout Outbox,
    response: (inout ByteWriter) -> Void
  ) {
    encodeText(joinRef: joinRef, ref: ref, topic: topic, event: Name(PhoenixEvent.reply), into: &outbox) {
      writer in
      writer.append("{\"status\":")
      writer.append(jsonString: status)
      writer.append(",\"response\":")
      response(&writer)
      writer.append(UInt8(ascii: "}"))
    }
  }

  /// An event pushed to one channel.
  package func encodePush(
    joinRef: Ref?, ref: Ref? = nil, topic: Name, event: String, payload: Payload, into outbox: inout Outbox
  ) {
    switch payload {
    case .json(let json):
      encodeText(joinRef: joinRef, ref: ref, topic: topic, event: Name(event), into: &outbox) {
        $0.append(json: json)
      }
    case .binary(let bytes):
      outbox.bytes.append(BinaryKind.push)
      outbox.appendBinary(parts: [joinRef?.unquoted ?? "", topic.text, event], data: bytes)
    }
  }

  /// An event broadcast on a topic: the same bytes for every client.
  package func encodeBroadcast(topic: String, event: String, payload: Payload, into outbox: inout Outbox) {
    switch payload {
    case .json(let json):
      encodeText(joinRef: nil, ref: nil, topic: Name(topic), event: Name(event), into: &outbox) {
        $0.append(json: json)
      }
    case .binary(let bytes):
      outbox.bytes.append(BinaryKind.broadcast)
      outbox.appendBinary(parts: [topic, event], data: bytes)
    }
  }

  /// A text message whose payload is written by `payload`.
  ///
  /// V1 has exactly the members topic, event, payload and ref (`wire/v1_basic`).
  package func encodeText(
    joinRef: Ref?, ref: Ref?, topic: Name, event: Name, into outbox: inout Outbox,
    payload: (inout ByteWriter) -> Void
  ) {
    switch self {
    case .v2:
      outbox.bytes.append(UInt8(ascii: "["))
      outbox.bytes.append(ref: joinRef)
      outbox.bytes.append(UInt8(ascii: ","))
      outbox.bytes.append(ref: ref)
      outbox.bytes.append(UInt8(ascii: ","))
      outbox.bytes.append(name: topic)
      outbox.bytes.append(UInt8(ascii: ","))
      outbox.bytes.append(name: event)
      outbox.bytes.append(UInt8(ascii: ","))
      payload(&outbox.bytes)
      outbox.bytes.append(UInt8(ascii: "]"))
    case .v1:
      outbox.bytes.append("{\"topic\":")
      outbox.bytes.append(name: topic)
      outbox.bytes.append(",\"event\":")
      outbox.bytes.append(name: event)
      outbox.bytes.append(",\"payload\":")
      payload(&outbox.bytes)
      outbox.bytes.append(",\"ref\":")
      outbox.bytes.append(ref: ref)
      outbox.bytes.append(UInt8(ascii: "}"))
    }
    outbox.endMessage(.text)
  }
}

/// The first byte of a message in the binary form (`wire/README.md`, "Binary").
enum BinaryKind {
  static let push: UInt8 = 0
  static let reply: UInt8 = 1
  static let broadcast: UInt8 = 2
  /// The longest part that its one-byte length can carry.
  static let maxPartBytes = 255
}

extension Outbox {
  /// Appends the lengths of `parts`, the parts and the data, and ends the message.
  ///
  /// The parts are short enough: `Serializer.fault` was asked.
  mutating func appendBinary(parts: [String], data: [UInt8]) {
    for part in parts { bytes.append(UInt8(truncatingIfNeeded: part.utf8.count)) }
    for part in parts { bytes.append(utf8: part) }
    data.withUnsafeBytes { bytes.append($0) }
    endMessage(.binary)
  }
}
