import SynqJSON

/// The name of a topic as a key.
///
/// Strings compare by canonical equivalence: "\u{e9}" is "e\u{301}". Topics are bytes, as in Phoenix and to C hosts.
package struct Topic: Hashable, Sendable {
  package let text: String

  package init(_ text: String) { self.text = text }

  package static func == (a: Topic, b: Topic) -> Bool { a.text.hasSameBytes(as: b.text) }

  package func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}
