/// Why a text is not accepted as JSON, and where.
public struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The reason.
  public enum Code: String, Sendable, Hashable, CaseIterable {
    /// The text ended inside a value. The offset is the text's length.
    case unexpectedEnd
    /// A value was expected and another byte found.
    case expectedValue
    /// A member's name in quotes was expected (also after a trailing comma).
    case expectedName
    /// A colon was expected between a name and its value.
    case expectedColon
    /// `,` or the end of the array or object was expected.
    case expectedCommaOrEnd
    /// Something other than white space follows the value.
    case trailingBytes
    /// Not a number of RFC 8259: a leading zero, no digit after `.`, `e` or `-`.
    case invalidNumber
    /// A real number beyond the range of a double, such as `1e400`: it would become infinity elsewhere.
    case numberOutOfRange
    /// A number longer than `JSONLimits.maxNumberLength`.
    case numberTooLong
    /// A byte below 0x20 inside a string, unescaped.
    case controlCharacter
    /// A backslash before a character that cannot be escaped, or `\u` without four hexadecimal digits.
    case invalidEscape
    /// `\uD800` to `\uDFFF` that is not one of a pair.
    case loneSurrogate
    /// A string that is not UTF-8. The offset is the first byte of the wrong sequence.
    case invalidUTF8
    /// A string was expected at this place (in-place scanning).
    case expectedString
    /// Nested deeper than `JSONLimits.maxDepth`.
    case tooDeep
    /// More bytes than `JSONLimits.maxBytes`.
    case tooLarge
    /// More values than `JSONLimits.maxNodes`.
    case tooManyNodes
  }

  /// The reason.
  public let code: Code
  /// Where, in bytes from the start of the text.
  public let offset: Int

  package init(_ code: Code, at offset: Int) {
    self.code = code
    self.offset = offset
  }

  /// A sentence for people, without the offset.
  public var message: String {
    switch code {
    case .unexpectedEnd: "the text ends inside a value"
    case .expectedValue: "expected a value"
    case .expectedName: "expected the name of a member in double quotes"
    case .expectedColon: "expected a colon after the name"
    case .expectedCommaOrEnd: "expected a comma or the end of the array or object"
    case .trailingBytes: "unexpected bytes after the value"
    case .invalidNumber: "not a valid number"
    case .numberOutOfRange: "the number is beyond the range of a double"
    case .numberTooLong: "the number has too many digits"
    case .controlCharacter: "a control character in a string must be escaped"
    case .invalidEscape: "not a valid escape sequence"
    case .loneSurrogate: "a surrogate must come in a pair"
    case .invalidUTF8: "not valid UTF-8"
    case .expectedString: "expected a string"
    case .tooDeep: "nested too deep"
    case .tooLarge: "the text is too large"
    case .tooManyNodes: "the text holds too many values"
    }
  }

  public var description: String { "\(message) at byte \(offset)" }
}
