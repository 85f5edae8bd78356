import SynqJSON

/// Encoded messages on their way to one transport: their bytes in one run, and where each ends.
///
/// The engine appends whole messages; a transport sends them in order and empties the outbox. One outbox is
/// reused for every burst, so that sending allocates nothing once it has grown.
package struct Outbox: ~Copyable {
  /// What a message is carried as.
  package enum Kind: Sendable { case text, binary }

  /// The end of one message in `bytes`, and its kind.
  package struct Mark: Sendable {
    package var end: Int
    package var kind: Kind
  }

  /// The bytes of every message, one after the other.
  package var bytes: ByteWriter
  /// Where the messages end, in order.
  package private(set) var marks: [Mark] = []

  package init() { bytes = ByteWriter() }

  package var isEmpty: Bool { marks.isEmpty }

  /// Ends the message whose bytes were appended to `bytes` since the last call.
  package mutating func endMessage(_ kind: Kind) {
    marks.append(Mark(end: bytes.count, kind: kind))
  }

  /// Takes back the last message, whose bytes began at `start`.
  package mutating func dropLastMessage(from start: Int) {
    marks.removeLast()
    bytes.truncate(to: start)
  }

  /// Memory beyond this is not kept from one burst to the next.
  private static let maxKept = 1 << 20

  /// Forgets every message and keeps the memory, if it is not much.
  package mutating func removeAll() {
    bytes.removeAll(keepingCapacity: bytes.reserved <= Self.maxKept)
    marks.removeAll(keepingCapacity: true)
  }

  /// Calls `body` with each message in order.
  package borrowing func forEachMessage(_ body: (Kind, UnsafeRawBufferPointer) -> Void) {
    bytes.withUnsafeBytes { all in
      var start = 0
      for mark in marks {
        body(mark.kind, UnsafeRawBufferPointer(rebasing: all[start..<mark.end]))
        start = mark.end
      }
    }
  }
}
