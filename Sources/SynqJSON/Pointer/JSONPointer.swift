/// A place in a JSON value (RFC 6901): `/items/3/name`. `""` is the whole value, `"/"` the member with the empty name.
///
/// In a token `~1` stands for `/` and `~0` for `~`; `appending(_:)` and ``init(tokens:)`` escape for you.
public struct JSONPointer: Sendable, Hashable, CustomStringConvertible, ExpressibleByStringLiteral {
  /// The pointer's text, escaped.
  public let description: String

  private init(unchecked text: String) { description = text }

  /// The pointer of a text that was checked to be one (`FlatPointer.check`).
  package init(checked text: UnsafeRawBufferPointer) { description = String(decoding: text, as: UTF8.self) }

  /// The whole value: `""`.
  public static var root: JSONPointer { JSONPointer(unchecked: "") }

  /// Reads a pointer. Throws unless it is empty or starts with `/`, and every `~` is `~0` or `~1`. O(length).
  public init(_ text: String) throws(JSONPointerError) {
    var text = text
    if let error = text.withUTF8({ FlatPointer.check(UnsafeRawBufferPointer($0)) }) { throw error }
    description = text
  }

  /// A pointer in the source.
  /// - Precondition: it is a pointer; use `init(_:)` for text that is not a literal.
  public init(stringLiteral text: StaticString) {
    self.init(unchecked: text.description)
    var description = description
    let error = description.withUTF8 { FlatPointer.check(UnsafeRawBufferPointer($0)) }
    precondition(error == nil, "not a JSON pointer")
  }

  /// The pointer of these tokens, which are not escaped. O(total length).
  public init(tokens: some Sequence<String>) {
    var text = ""
    for token in tokens { JSONPointer.append(token, to: &text) }
    description = text
  }

  /// The tokens, not escaped; none for the root. O(length).
  public var tokens: [String] {
    var text = description
    return text.withUTF8 { utf8 in
      var rest = FlatPointer(UnsafeRawBufferPointer(utf8))
      var tokens: [String] = []
      while let token = rest.next() { tokens.append(token.string) }
      return tokens
    }
  }

  /// Whether this is the whole value. O(1).
  public var isRoot: Bool { description.isEmpty }

  /// The place of the member `name` at this place. O(length).
  public func appending(_ name: String) -> JSONPointer {
    var text = description
    JSONPointer.append(name, to: &text)
    return JSONPointer(unchecked: text)
  }

  /// The place of the element `index` at this place. O(length).
  public func appending(_ index: Int) -> JSONPointer {
    JSONPointer(unchecked: "\(description)/\(index)")
  }

  /// The place without its last token; nil for the root. O(length).
  public var parent: JSONPointer? {
    guard let slash = description.utf8.lastIndex(of: 0x2F) else { return nil }
    return JSONPointer(unchecked: String(description[..<slash]))
  }

  /// Gives the text, escaped, for `FlatPointer`.
  @_spi(Flat) @inlinable
  public func withText<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
    var text = description
    return text.withUTF8 { body(UnsafeRawBufferPointer($0)) }
  }

  /// The last token, not escaped; nil for the root. O(length).
  public var lastToken: String? { tokens.last }

  /// Whether this place is `other` or inside of it. O(length).
  public func isWithin(_ other: JSONPointer) -> Bool {
    description == other.description || description.utf8.starts(with: "\(other.description)/".utf8)
  }

  private static func append(_ token: String, to text: inout String) {
    text.append("/")
    guard token.utf8.contains(where: { $0 == 0x7E || $0 == 0x2F }) else {
      text.append(token)
      return
    }
    for scalar in token.unicodeScalars {
      switch scalar {
      case "~": text.append("~0")
      case "/": text.append("~1")
      default: text.unicodeScalars.append(scalar)
      }
    }
  }

  // Strings compare by canonical equivalence; names of members do not, so pointers must not either.
  public static func == (a: JSONPointer, b: JSONPointer) -> Bool {
    a.description.utf8.elementsEqual(b.description.utf8)
  }

  public func hash(into hasher: inout Hasher) {
    for byte in description.utf8 { hasher.combine(byte) }
  }
}

/// Why a text is not a JSON pointer, and where.
public struct JSONPointerError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The reason.
  public enum Code: String, Sendable, Hashable, CaseIterable {
    /// Neither empty nor starting with `/`.
    case missingSlash
    /// A `~` that is not followed by `0` or `1`.
    case invalidEscape
  }

  /// The reason.
  public let code: Code
  /// Where, in bytes of UTF-8 from the start of the text.
  public let offset: Int

  public var description: String {
    switch code {
    case .missingSlash: "a JSON pointer is empty or starts with a slash"
    case .invalidEscape: "in a JSON pointer, ~ must be followed by 0 or 1, at byte \(offset)"
    }
  }
}
