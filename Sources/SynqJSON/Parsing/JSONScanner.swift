/// Reads the parts of a larger JSON text in place: validates and skips what is passed on as text, parses what is
/// looked into, and copies nothing else.
/// ```swift
/// var scanner = JSONScanner(frame, limits: limits)         // [null,"7","room:1","say",{"text":"hi"}]
/// try scanner.expect(0x5B)
/// let joinRef = try scanner.skipValue()                     // 1..<5
/// try scanner.expect(0x2C)
/// let ref = try scanner.string()                            // "7"
/// ```
/// The text is the caller's and outlives the scanner. Offsets, in errors too, count from its start. All calls skip
/// the white space before what they read. After an error the offset is where reading began.
package struct JSONScanner {
  /// The whole text.
  package let text: UnsafeRawBufferPointer
  /// Where reading goes on.
  package var offset: Int
  /// For each value that is parsed or skipped, not for the sum of them; `maxBytes` is for the whole text.
  package let limits: JSONLimits

  /// Starts at `offset` of the text.
  package init(_ text: UnsafeRawBufferPointer, at offset: Int = 0, limits: JSONLimits = JSONLimits()) {
    self.text = text
    self.offset = offset
    self.limits = limits
  }

  private var base: UnsafeRawPointer {
    text.baseAddress ?? UnsafeRawPointer(bitPattern: 1).unsafelyUnwrapped
  }

  /// Skips white space and tells the next byte; nil at the end of the text.
  package mutating func peek() -> UInt8? {
    var at = base + offset
    RawText.skipSpace(&at, base + text.count)
    offset = at - base
    return offset < text.count ? RawText.byte(at) : nil
  }

  /// Takes the next byte if it is this one.
  package mutating func take(_ byte: UInt8) -> Bool {
    guard peek() == byte else { return false }
    offset += 1
    return true
  }

  /// Takes the next byte, which must be this one: else `expectedCommaOrEnd`, `expectedColon` for a colon,
  /// `expectedValue` for an opening bracket, or `unexpectedEnd`.
  package mutating func expect(_ byte: UInt8) throws(JSONError) {
    if take(byte) { return }
    guard offset < text.count else { throw JSONError(.unexpectedEnd, at: text.count) }
    switch byte {
    case 0x3A: throw JSONError(.expectedColon, at: offset)
    case 0x5B, 0x7B: throw JSONError(.expectedValue, at: offset)
    default: throw JSONError(.expectedCommaOrEnd, at: offset)
    }
  }

  /// Only white space may be left: else `trailingBytes`.
  package mutating func expectEnd() throws(JSONError) {
    if peek() != nil { throw JSONError(.trailingBytes, at: offset) }
  }

  /// Parses the next value. O(its text), one allocation.
  package mutating func value() throws(JSONError) -> JSON {
    var end = offset
    let value = try JSON.parse(text, from: offset, end: &end, limits: limits)
    offset = end
    return value
  }

  /// Validates the next value, whatever it is, and tells where its text is. O(its text), no allocation.
  package mutating func skipValue() throws(JSONError) -> Range<Int> {
    guard peek() != nil else { throw JSONError(.unexpectedEnd, at: text.count) }
    guard text.count <= min(limits.maxBytes, JSONLimits.maxBytesThatCount) else {
      throw JSONError(.tooLarge, at: min(limits.maxBytes, JSONLimits.maxBytesThatCount))
    }
    let start = offset
    var at = base + offset
    let end = base + text.count
    let failure = withUnsafeTemporaryAllocation(byteCount: 256, alignment: 8) { memory -> JSONError? in
      var levels = ScratchStack<Bool>(borrowing: memory)
      guard let code = JSONValidator.skip(&at, end, limits, &levels) else { return nil }
      return JSONError(code, at: at - base)
    }
    if let failure { throw failure }
    offset = at - base
    return start..<offset
  }

  /// Validates the next string and tells where its text is, without the quotes, and whether it holds escapes: when
  /// it does not, those bytes are the string. Anything else is `expectedString`. No allocation.
  package mutating func stringText() throws(JSONError) -> (range: Range<Int>, isEscaped: Bool) {
    guard let byte = peek() else { throw JSONError(.unexpectedEnd, at: text.count) }
    guard byte == 0x22 else { throw JSONError(.expectedString, at: offset) }
    var at = base + offset + 1
    var isEscaped = false
    if let code = JSONValidator.skipString(&at, base + text.count, &isEscaped) {
      throw JSONError(code, at: at - base)
    }
    let range = (offset + 1)..<(at - base - 1)
    offset = at - base
    return (range, isEscaped)
  }

  /// Reads the next string, unescaped. Anything else is `expectedString`.
  package mutating func string() throws(JSONError) -> String {
    let start = offset
    let (range, isEscaped) = try stringText()
    if !isEscaped { return String(decoding: text[range], as: UTF8.self) }
    offset = start
    let value = try value()
    return value.stringValue ?? ""
  }
}
