import SynqJSON
import SynqWire

/// A topic ("lobby"), or a prefix of topics that ends in `*` ("room:*").
package struct TopicPattern: Hashable, Sendable, CustomStringConvertible {
  /// Why a text is not a pattern.
  package struct Malformed: Error, Hashable { public var reason: String }

  /// The pattern without its final `*`.
  let prefix: String
  /// Whether the pattern ended in `*`.
  let isPrefix: Bool

  package init(_ text: String) throws(Malformed) {
    guard !text.isEmpty else { throw Malformed(reason: "is empty") }
    guard !text.utf8.contains(0) else { throw Malformed(reason: "contains a NUL") }
    isPrefix = text.utf8.last == UInt8(ascii: "*")
    prefix = isPrefix ? String(decoding: text.utf8.dropLast(), as: UTF8.self) : text
    guard !prefix.utf8.contains(UInt8(ascii: "*")) else {
      throw Malformed(reason: "has a * that is not at its end")
    }
    guard text != PhoenixEvent.phoenixTopic else { throw Malformed(reason: "is the topic of heartbeats") }
  }

  /// Whether the topic is this one, or begins with this prefix.
  package func matches(_ topic: String) -> Bool {
    isPrefix ? topic.utf8.starts(with: prefix.utf8) : topic.hasSameBytes(as: prefix)
  }

  package static func == (a: TopicPattern, b: TopicPattern) -> Bool {
    a.isPrefix == b.isPrefix && a.prefix.hasSameBytes(as: b.prefix)
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(NameKey(prefix))
    hasher.combine(isPrefix)
  }

  package var description: String { isPrefix ? prefix + "*" : prefix }
}
