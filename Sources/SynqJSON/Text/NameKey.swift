/// A name as a key of dictionaries and sets, and as a member of types that are compared: equal to those of the same bytes
/// only. See `String+Bytes.swift`.
package struct NameKey: Hashable, Sendable, Comparable, ExpressibleByStringLiteral {
  package let text: String

  package init(_ text: String) { self.text = text }

  package init(stringLiteral text: String) { self.text = text }

  package static func == (a: NameKey, b: NameKey) -> Bool { a.text.hasSameBytes(as: b.text) }

  package static func < (a: NameKey, b: NameKey) -> Bool {
    a.text.utf8.lexicographicallyPrecedes(b.text.utf8)
  }

  package func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}
