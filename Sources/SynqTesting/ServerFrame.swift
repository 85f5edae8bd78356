import SynqJSON
import SynqWire

/// A message as a test's client gets it.
struct ServerFrame: Sendable {
  var joinRef: JSON?
  var ref: JSON?
  var topic: String
  var event: String
  /// `null` for bytes.
  var payload: JSON
  var bytes: [UInt8]?
  /// Of a reply.
  var status: String?
  /// The client's state once it had read this.
  var stateAfter: JSON?

  /// Reads a text message of serializer V2.
  init?(text: UnsafeRawBufferPointer) {
    guard let json = try? JSON(parsing: text), json.count == 5, let topic = json[2]?.stringValue,
      let event = json[3]?.stringValue, let payload = json[4]
    else { return nil }
    joinRef = json[0]?.orNil
    ref = json[1]?.orNil
    self.topic = topic
    self.event = event
    self.payload = payload.compacted()
    if event == PhoenixEvent.reply {
      status = payload["status"]?.stringValue
      self.payload = payload["response"]?.compacted() ?? .null
    }
  }

  /// Reads a binary message of serializer V2: a push (0), a reply (1) or a broadcast (2).
  init?(binary: UnsafeRawBufferPointer) {
    guard let kind = binary.first, kind <= 2 else { return nil }
    let count = [3, 4, 2][Int(kind)]
    guard binary.count > count else { return nil }
    var offset = 1 + count
    var parts: [String] = []
    for size in binary[1...count] {
      guard offset + Int(size) <= binary.count else { return nil }
      parts.append(String(decoding: binary[offset..<(offset + Int(size))], as: UTF8.self))
      offset += Int(size)
    }
    bytes = Array(binary[offset...])
    payload = .null
    switch kind {
    case 0:
      joinRef = JSON(parts[0])
      (topic, event) = (parts[1], parts[2])
    case 1:
      (joinRef, ref) = (JSON(parts[0]), JSON(parts[1]))
      (topic, event, status) = (parts[2], PhoenixEvent.reply, parts[3])
    default:
      (topic, event) = (parts[0], parts[1])
    }
  }

  /// The frame in one line, for failures.
  var summary: String {
    let content = bytes.map { "\($0.count) bytes" } ?? "\(payload)"
    if let status { return "reply \(status) \(content) to push \(ref ?? .null)" }
    return "\(event) \(content)"
  }
}

extension JSON {
  fileprivate var orNil: JSON? {
    // Not by `?:`, where nil would be taken for the JSON null.
    if isNull { return nil }
    return compacted()
  }
}
