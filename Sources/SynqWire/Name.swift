import SynqJSON

/// A topic or an event as the client wrote it.
///
/// Both should be strings. Phoenix echoes a topic of another type in its refusal (`wire/text_topic_int`), so
/// such a name is kept as its JSON text.
package struct Name: Hashable, Sendable {
  /// The string; for any other JSON value its text.
  package let text: String
  package let isString: Bool

  package static func == (a: Name, b: Name) -> Bool {
    a.isString == b.isString && a.text.hasSameBytes(as: b.text)
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(NameKey(text))
    hasher.combine(isString)
  }

  package init(_ string: String) {
    text = string
    isString = true
  }

  /// A name that is not a string, by its JSON text.
  package init(notAString json: String) {
    text = json
    isString = false
  }
}

extension ByteWriter {
  mutating func append(name: Name) {
    if name.isString { append(jsonString: name.text) } else { append(utf8: name.text) }
  }
}
