import Synchronization

/// One encoded message that many connections get: a broadcast, or the state of a topic.
///
/// It is encoded once, held once, and compressed once for each way in which its connections compress. Immutable as seen
/// from outside, and safe to use from any thread: the loops of a topic's members share it.
package final class PreparedMessage: Sendable {
  /// What a message is compressed with that does not refer to those before it (RFC 7692, section 7.1.1.1): all
  /// connections of one form get the same bytes.
  package struct CompressedForm: Hashable, Sendable {
    /// From 1, fastest, to 9, smallest.
    package var level: Int
    /// The window, 9…15 bits.
    package var windowBits: Int32

    package init(level: Int, windowBits: Int32) {
      self.level = level
      self.windowBits = windowBits
    }
  }

  package let kind: Outbox.Kind
  /// The message as its serializer wrote it: the payload of a WebSocket frame.
  package let bytes: [UInt8]
  private let compressed = Mutex<[CompressedForm: [UInt8]]>([:])

  package init(_ kind: Outbox.Kind, _ bytes: [UInt8]) {
    self.kind = kind
    self.bytes = bytes
  }

  /// Takes the only message of `outbox`, and empties it. Nil when it holds none, or several.
  package convenience init?(takingFrom outbox: inout Outbox) {
    guard outbox.marks.count == 1 else { return nil }
    self.init(outbox.marks[0].kind, outbox.bytes.bytes)
    outbox.removeAll()
  }

  /// The message in a compressed form, made by `compress` when nobody has asked for it before.
  ///
  /// Whoever asks meanwhile on another thread waits for it: making it twice would take as long.
  package func compressed(
    as form: CompressedForm, _ compress: (UnsafeRawBufferPointer) -> [UInt8]?
  ) -> [UInt8]? {
    compressed.withLock { known in
      if let bytes = known[form] { return bytes }
      let made = bytes.withUnsafeBytes(compress)
      known[form] = made
      return made
    }
  }
}
