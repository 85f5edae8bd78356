import SynqJSON

/// A key of a presence table: bytes, as a topic's name is.
package struct PresenceKey: Hashable, Sendable {
  package let text: String

  package init(_ text: String) { self.text = text }

  package static func == (a: PresenceKey, b: PresenceKey) -> Bool { a.text.hasSameBytes(as: b.text) }

  package func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }

  /// Members that every JavaScript object has: phoenix.js takes them for presences that it knows, and fails.
  private static let inherited: Set<NameKey> = [
    "__proto__", "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__",
    "constructor", "prototype", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString",
    "toString",
    "valueOf",
  ]

  /// Why a text cannot be a key; nil if it can. The empty key is one (`presence_keys`).
  package static func fault(of text: String) -> String? {
    if text.utf8.contains(0) { return "contains a NUL" }
    if inherited.contains(NameKey(text)) { return "\"\(text)\" is a member of every JavaScript object" }
    return nil
  }
}

/// Who tracks a key: a channel of this process or of another one.
package struct PresenceOwner: Hashable, Sendable {
  /// The process; `own` is this one.
  package var process: UInt64
  /// The channel, by a number that its process gives to no other at the same time.
  package var channel: UInt64

  package init(process: UInt64 = PresenceOwner.own, channel: UInt64) {
    self.process = process
    self.channel = channel
  }

  /// This process.
  package static let own: UInt64 = 0
}
