/// What one process tells all others of its cluster: the message, who sent it, and which one of this sender it is.
///
/// The form on the wire is two bytes of a version, a byte of the kind, sender and sequence as 64 bits each, and then
/// strings, each after its length in 32 bits; all big-endian.
package struct Bulletin: Hashable, Sendable {
  /// A random number of the process that sent it, made anew at each start.
  package var sender: UInt64
  /// Counts from 1 what the sender has sent; a heartbeat has the number of the last one.
  package var sequence: UInt64
  package var body: Body

  /// What it says.
  package enum Body: Hashable, Sendable {
    /// The sender is there: so a loss is seen also when nothing else comes.
    case heartbeat
    /// The sender has ended in order.
    case leaving
    /// An event for every client of a topic; the payload is JSON text, or bytes.
    case broadcast(topic: String, event: String, payload: [UInt8], isBinary: Bool)
    /// A message for every channel of a topic; the payload is JSON text.
    case publish(topic: String, message: String, payload: [UInt8])
    /// Every connection of this id is to be closed.
    case disconnect(id: String)
  }

  /// Why bytes are not a bulletin.
  package enum Unreadable: Error, Hashable, Sendable {
    /// Another version of this library wrote it.
    case version
    case malformed
  }

  private static let version: [UInt8] = [0x53, 1]

  package init(sender: UInt64, sequence: UInt64, body: Body) {
    self.sender = sender
    self.sequence = sequence
    self.body = body
  }

  /// The bytes that go over the wire.
  package func encoded() -> [UInt8] {
    var bytes = Self.version
    switch body {
    case .heartbeat: bytes.append(0)
    case .leaving: bytes.append(1)
    case .broadcast(_, _, _, let isBinary): bytes.append(isBinary ? 3 : 2)
    case .publish: bytes.append(4)
    case .disconnect: bytes.append(5)
    }
    Self.append(sender, to: &bytes)
    Self.append(sequence, to: &bytes)
    switch body {
    case .heartbeat, .leaving: break
    case .broadcast(let topic, let name, let payload, _), .publish(let topic, let name, let payload):
      Self.append(topic.utf8, to: &bytes)
      Self.append(name.utf8, to: &bytes)
      Self.append(payload, to: &bytes)
    case .disconnect(let id): Self.append(id.utf8, to: &bytes)
    }
    return bytes
  }

  private static func append(_ number: some FixedWidthInteger & UnsignedInteger, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
  }

  private static func append(_ string: some Collection<UInt8>, to bytes: inout [UInt8]) {
    append(UInt32(truncatingIfNeeded: string.count), to: &bytes)
    bytes.append(contentsOf: string)
  }

  /// Reads what a process sent.
  package init(decoding bytes: [UInt8]) throws(Unreadable) {
    guard bytes.starts(with: Self.version) else { throw .version }
    var rest = bytes.dropFirst(Self.version.count)
    guard let kind = rest.popFirst(), let sender = Self.number(&rest, UInt64.self),
      let sequence = Self.number(&rest, UInt64.self)
    else { throw .malformed }
    let body: Body?
    switch kind {
    case 0: body = .heartbeat
    case 1: body = .leaving
    case 2, 3:
      guard let topic = Self.text(&rest), let event = Self.text(&rest), let payload = Self.string(&rest)
      else {
        throw .malformed
      }
      body = .broadcast(topic: topic, event: event, payload: Array(payload), isBinary: kind == 3)
    case 4:
      guard let topic = Self.text(&rest), let name = Self.text(&rest), let payload = Self.string(&rest) else {
        throw .malformed
      }
      body = .publish(topic: topic, message: name, payload: Array(payload))
    case 5: body = Self.text(&rest).map { .disconnect(id: $0) }
    default: throw .version
    }
    guard let body, rest.isEmpty else { throw .malformed }
    self.init(sender: sender, sequence: sequence, body: body)
  }

  private static func number<T: FixedWidthInteger>(_ rest: inout ArraySlice<UInt8>, _: T.Type) -> T? {
    let count = MemoryLayout<T>.size
    guard rest.count >= count else { return nil }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count).reduce(0) { $0 << 8 | T($1) }
  }

  private static func string(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard let count = number(&rest, UInt32.self), rest.count >= count else { return nil }
    defer { rest = rest.dropFirst(Int(count)) }
    return rest.prefix(Int(count))
  }

  private static func text(_ rest: inout ArraySlice<UInt8>) -> String? {
    string(&rest).flatMap { String(validating: $0, as: UTF8.self) }
  }
}
