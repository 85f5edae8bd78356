#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Goes through the tokens of a pointer's text, and through a flat value along with them, without allocating.
package struct FlatPointer {
  /// One token, as written.
  package struct Token {
    /// Its text, still escaped.
    package let text: UnsafeRawBufferPointer
    package let isEscaped: Bool

    /// Its text, not escaped. O(length).
    package var string: String {
      withName { String(decoding: $0, as: UTF8.self) }
    }

    /// Gives the unescaped bytes: the text itself, or a copy when it holds escapes.
    package func withName<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
      guard isEscaped else { return body(text) }
      return withUnsafeTemporaryAllocation(byteCount: text.count, alignment: 1) { memory in
        var count = 0
        var at = 0
        while at < text.count {
          var byte = text[at]
          if byte == 0x7E, at + 1 < text.count {
            at += 1
            byte = text[at] == 0x31 ? 0x2F : 0x7E
          }
          memory[count] = byte
          count += 1
          at += 1
        }
        return body(UnsafeRawBufferPointer(rebasing: memory[..<count]))
      }
    }

    /// Whether this is `-`, the place behind the last element.
    package var isEnd: Bool { text.count == 1 && text[0] == 0x2D }

    /// The array index, if the token is one: decimal digits without a leading zero.
    package var index: Int? {
      guard text.count > 0, text.count <= 18 else { return nil }
      if text[0] == 0x30 { return text.count == 1 ? 0 : nil }
      var value = 0
      for byte in text {
        let digit = byte &- 0x30
        guard digit < 10 else { return nil }
        value = value * 10 + Int(digit)
      }
      return value
    }
  }

  private let text: UnsafeRawBufferPointer
  private var at = 0

  /// Starts at the first token of a text that is a pointer (`check`).
  package init(_ text: UnsafeRawBufferPointer) { self.text = text }

  /// Whether all tokens were given.
  package var isAtEnd: Bool { at >= text.count }

  /// The bytes of the text before the next token's slash.
  package var offset: Int { at }

  /// The next token.
  package mutating func next() -> Token? {
    guard at < text.count else { return nil }
    let start = at + 1
    var end = start
    var isEscaped = false
    while end < text.count {
      let byte = text[end]
      if byte == 0x2F { break }
      if byte == 0x7E { isEscaped = true }
      end += 1
    }
    at = end
    return Token(text: UnsafeRawBufferPointer(rebasing: text[start..<end]), isEscaped: isEscaped)
  }

  /// The last token of a pointer's text; nil for the root.
  package static func last(of text: UnsafeRawBufferPointer) -> Token? {
    guard let slash = text.lastIndex(of: 0x2F) else { return nil }
    var tokens = FlatPointer(text)
    tokens.at = slash
    return tokens.next()
  }

  /// What keeps a text from being a pointer. O(length).
  package static func check(_ text: UnsafeRawBufferPointer) -> JSONPointerError? {
    guard text.count > 0 else { return nil }
    guard text[0] == 0x2F else { return JSONPointerError(code: .missingSlash, offset: 0) }
    for at in 1..<text.count where text[at] == 0x7E {
      guard at + 1 < text.count, text[at + 1] == 0x30 || text[at + 1] == 0x31 else {
        return JSONPointerError(code: .invalidEscape, offset: at)
      }
    }
    return nil
  }

  /// The value that a pointer's text leads to from `root`. O(tokens) and the lookups.
  package static func resolve(_ text: UnsafeRawBufferPointer, in root: JSON) -> JSON? {
    var tokens = FlatPointer(text)
    var value = root.start
    while let token = tokens.next() {
      guard let child = step(value, token, in: root.storage) else { return nil }
      value = child
    }
    return JSON(storage: root.storage, start: value)
  }

  /// The element or the member's value that one token leads to.
  /// - Parameter storage: the storage that the value is in, if the indexes of its large objects are to be used.
  package static func step(
    _ value: UnsafeRawPointer, _ token: Token, in storage: FlatStorage? = nil
  ) -> UnsafeRawPointer? {
    guard FlatLayout.isContainer(FlatLayout.tag(value)) else { return nil }
    let container = FlatContainer(value)
    if container.isObject {
      let key = token.withName { name in
        storage.map { $0.key(named: name, in: container) } ?? container.scan(for: name)?.key
      }
      return key.map { $0 + FlatLayout.size($0) }
    }
    guard let index = token.index, index < container.count else { return nil }
    return container.element(index)
  }
}

extension JSON {
  /// The value at a place; nil when there is none. It is a view into this value.
  ///
  /// Complexity: O(tokens), and for each object on the way as for a name.
  public subscript(pointer: JSONPointer) -> JSON? {
    pointer.withText { FlatPointer.resolve($0, in: self) }
  }

  /// The value at a place, for a pointer that is a literal: `state.value(at: "/items/0")` where a subscript
  /// would take the literal for a name. Complexity: as for the subscript.
  public func value(at pointer: JSONPointer) -> JSON? { self[pointer] }
}
