import SynqJSON

/// A ref or join_ref as the client wrote it: any JSON value, kept as text and echoed as it came.
///
/// A null ref is `nil` wherever a `Ref?` stands.
package struct Ref: Hashable, Sendable {
  /// The JSON text, for example `"3"` with its quotes, or `10`.
  package let text: String

  package static func == (a: Ref, b: Ref) -> Bool { a.text.hasSameBytes(as: b.text) }

  package func hash(into hasher: inout Hasher) { hasher.combine(NameKey(text)) }

  /// - Parameter text: JSON text; `null` gives nil. Of the ways to write a string the shortest is kept, so that it is
  ///   equal however a client escapes it.
  package init?(text: String) {
    guard text != "null" else { return nil }
    let isEscaped = text.utf8.first == UInt8(ascii: "\"") && text.utf8.contains(UInt8(ascii: "\\"))
    if isEscaped, let string = (try? JSON(parsing: text))?.stringValue {
      self = Ref(string: string)
    } else {
      self = Ref(asWritten: text)
    }
  }

  private init(asWritten text: String) { self.text = text }

  /// The ref that a client of the binary form wrote: a string without quotes.
  package init(string: String) {
    var writer = ByteWriter()
    writer.append(jsonString: string)
    text = writer.string
  }

  /// The ref as the binary form carries it: a string without its quotes, any other value as its text.
  var unquoted: String {
    guard text.utf8.first == UInt8(ascii: "\""), text.utf8.count >= 2 else { return text }
    return (try? JSON(parsing: text))?.stringValue ?? text
  }
}

extension ByteWriter {
  /// Appends the ref as JSON text, `null` for none.
  mutating func append(ref: Ref?) {
    if let ref { append(utf8: ref.text) } else { append("null") }
  }
}
