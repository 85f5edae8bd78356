import Testing

@testable import SynqJSON

@Suite struct BadInputTests {
  private func failure(_ bytes: [UInt8], _ limits: JSONLimits = JSONLimits()) -> JSONError? {
    do throws(JSONError) {
      _ = try JSON(parsing: bytes, limits: limits)
      return nil
    } catch {
      return error
    }
  }

  static let texts: [(text: String, code: JSONError.Code, offset: Int)] = [
    ("", .unexpectedEnd, 0), (" \n", .unexpectedEnd, 2), ("NaN", .expectedValue, 0),
    ("[NaN]", .expectedValue, 1),
    ("-Infinity", .invalidNumber, 1), ("1e400", .numberOutOfRange, 0), ("[1,-1e400]", .numberOutOfRange, 3),
    ("[1.0e309]", .numberOutOfRange, 1), ("\0", .expectedValue, 0), ("1\0", .trailingBytes, 1),
    ("\"a\0\"", .controlCharacter, 2), ("\"a\nb\"", .controlCharacter, 2),
    ("[\"a\tb\"]", .controlCharacter, 3),
    ("\"\\n\u{1}\"", .controlCharacter, 3), ("01", .invalidNumber, 1), ("-", .unexpectedEnd, 1),
    ("1.", .unexpectedEnd, 2),
    ("[1.]", .invalidNumber, 3), ("1e", .unexpectedEnd, 2), ("1e+", .unexpectedEnd, 3),
    ("[1e+]", .invalidNumber, 4),
    ("+1", .expectedValue, 0), (".5", .expectedValue, 0), ("1 2", .trailingBytes, 2),
    ("[1,]", .expectedValue, 3),
    ("{\"a\":1,}", .expectedName, 7), ("{a:1}", .expectedName, 1), ("{\"a\" 1}", .expectedColon, 5),
    ("{\"a\":}", .expectedValue, 5), ("[1 2]", .expectedCommaOrEnd, 3), ("[1}", .expectedCommaOrEnd, 2),
    ("{\"a\":1]", .expectedCommaOrEnd, 6), ("]", .expectedValue, 0), ("\"\\x\"", .invalidEscape, 1),
    ("\"ab\\u12g4\"", .invalidEscape, 3), ("\"\\ud800\"", .loneSurrogate, 1),
    ("\"\\udc00\"", .loneSurrogate, 1),
    ("\"\\ud800\\ud800\"", .loneSurrogate, 1), ("\"\\ud800x\"", .loneSurrogate, 1),
    ("\"\\ud800\\u12\"", .loneSurrogate, 1), ("\"\\ud800\\", .unexpectedEnd, 8),
    ("\"\\ud800\\n\"", .loneSurrogate, 1),
    ("truth", .expectedValue, 0),
    ("tru", .unexpectedEnd, 3), ("[nul", .unexpectedEnd, 4), ("'a'", .expectedValue, 0),
    ("/**/1", .expectedValue, 0),
    ("\u{feff}1", .expectedValue, 0), ("\u{a0}1", .expectedValue, 0), ("\"", .unexpectedEnd, 1),
  ]

  @Test(arguments: texts.indices)
  func eachMistakeHasItsReasonAndPlace(index: Int) {
    let (text, code, offset) = Self.texts[index]
    #expect(failure(Array(text.utf8)) == JSONError(code, at: offset), "\(text.debugDescription)")
    // Far into a larger text, where whole vectors are read.
    let padding = String(repeating: " ", count: 40)
    let shifted = failure(Array((padding + text).utf8))
    #expect(shifted == JSONError(code, at: offset + 40), "\(text.debugDescription)")
  }

  /// The wrong sequence, and the offset in it of the byte that is reported.
  static let sequences: [[UInt8]] = [
    [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF],
    [0xE1, 0x80], [0xE1, 0x80, 0x41], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80],
    [0xF0, 0x8F, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xF1, 0x80, 0x80],
    [0xF1, 0x80, 0x80, 0x41], [0xFE], [0xFF],
  ]

  @Test(arguments: sequences)
  func whatIsNotUTF8IsRefusedWhereItStarts(sequence: [UInt8]) {
    for before in 0..<40 {
      for after in [0, 1, 2, 3, 20] {
        let text =
          [0x22] + [UInt8](repeating: 0x61, count: before) + sequence
          + [UInt8](repeating: 0x62, count: after) + [0x22]
        #expect(failure(text) == JSONError(.invalidUTF8, at: 1 + before))
        let name = [0x7B] + text + Array(":1}".utf8)
        #expect(failure(name) == JSONError(.invalidUTF8, at: 2 + before))
      }
    }
  }

  @Test func everyScalarComesBack() throws {
    var all = ""
    for value in stride(from: UInt32(0), through: 0x10FFFF, by: 7) {
      if let scalar = Unicode.Scalar(value) { all.unicodeScalars.append(scalar) }
    }
    let value = JSON(all)
    #expect(try JSON(parsing: value.description).stringValue == all)
    for value in [0x7F, 0x80, 0x7FF, 0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF] as [UInt32] {
      let scalar = try #require(Unicode.Scalar(value))
      var escaped = ""
      for unit in String(scalar).utf16 {
        let digits = String(unit, radix: 16)
        escaped += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      }
      #expect(try JSON(parsing: "\"\(escaped)\"").stringValue == String(scalar))
      #expect(try JSON(parsing: "\"\(String(scalar))\"").stringValue == String(scalar))
    }
  }

  @Test func aTextCutAnywhereSaysThatItEnded() {
    let text = Array(
      #" {"name" : "value \u00e9\ud83d\ude00 \" end", "list": [true, false, null, -12.5e+3, []], "é日😀": {"x": "日本語"}} "#
        .utf8)
    #expect(failure(text) == nil)
    for count in 0..<(text.count - 2) {
      let error = failure(Array(text[..<count]))
      // Inside of a character the place is its first byte.
      var first = count
      while first < text.count, text[first] & 0xC0 == 0x80 { first -= 1 }
      let expected =
        first == count ? JSONError(.unexpectedEnd, at: count) : JSONError(.invalidUTF8, at: first)
      #expect(error == expected, "cut at \(count)")
    }
  }

  @Test func limitsHoldAtTheirEdge() {
    func text(_ text: String, _ limits: JSONLimits) -> JSONError? { failure(Array(text.utf8), limits) }
    #expect(text("[[[]]]", JSONLimits(maxDepth: 3)) == nil)
    #expect(text("[[[]]]", JSONLimits(maxDepth: 2)) == JSONError(.tooDeep, at: 2))
    #expect(text(#"{"a":{"b":{}}}"#, JSONLimits(maxDepth: 2)) == JSONError(.tooDeep, at: 10))
    #expect(text("1", JSONLimits(maxDepth: 0)) == nil)
    #expect(text("[1,2]", JSONLimits(maxBytes: 5)) == nil)
    #expect(text("[1,2]", JSONLimits(maxBytes: 4)) == JSONError(.tooLarge, at: 4))
    #expect(text("[1,2]", JSONLimits(maxNodes: 3)) == nil)
    #expect(text("[1,2]", JSONLimits(maxNodes: 2)) == JSONError(.tooManyNodes, at: 3))
    #expect(text("[12345]", JSONLimits(maxNumberLength: 5)) == nil)
    #expect(text("[12345]", JSONLimits(maxNumberLength: 4)) == JSONError(.numberTooLong, at: 1))
    let digits = String(repeating: "9", count: 1024)
    #expect(text(digits, JSONLimits()) == nil)
    #expect(text(digits + "9", JSONLimits()) == JSONError(.numberTooLong, at: 0))
    // Many zeros before the exponent are no way around the range.
    #expect(text("0." + String(repeating: "0", count: 400) + "1e400", JSONLimits()) == nil)
    #expect(
      text("1" + String(repeating: "0", count: 309) + ".0", JSONLimits())
        == JSONError(.numberOutOfRange, at: 0))
  }

  @Test(arguments: ["[", "{\"a\":", "[{\"a\":"])
  func tenMillionLevelsAreAnErrorAndNotAnOverflow(open: String) {
    let levels = String(repeating: open, count: 10_000)
    var text = ByteWriter(capacity: open.utf8.count * 10_000_000)
    for _ in 0..<1_000 { text.append(utf8: levels) }
    let error = text.withUnsafeBytes { bytes in failure(bytes) }
    #expect(error?.code == .tooDeep)
    #expect(error?.offset == JSONLimits().maxDepth * open.utf8.count / (open == "[{\"a\":" ? 2 : 1))
  }

  private func failure(_ bytes: UnsafeRawBufferPointer) -> JSONError? {
    do throws(JSONError) {
      _ = try JSON(parsing: bytes, limits: JSONLimits(maxBytes: 1 << 30))
      return nil
    } catch {
      return error
    }
  }

  @Test func nothingRecursesOverAValueThatIsDeep() throws {
    // Levels as a host may allow them: every walk must do without the call stack.
    let depth = 100_000
    let limits = JSONLimits(maxDepth: .max)
    let open = String(repeating: #"[{"b":1,"a":"#, count: depth)
    let close = String(repeating: "}]", count: depth)
    let turned =
      String(repeating: #"[{"a":"#, count: depth) + "1" + String(repeating: #","b":1}]"#, count: depth)
    let value = try JSON(parsing: open + "1" + close, limits: limits)
    let other = try JSON(parsing: turned, limits: limits)
    #expect(value == other)
    #expect(value.hashValue == other.hashValue)
    #expect(value.description == open + "1" + close)
    #expect(value.droppingMembers(named: ["b"]).description.utf8.count == depth * 8 + 1)
    #expect(value.firstMember(named: ["c"]) == nil)
    let deepest = JSONPointer(tokens: (0..<depth).flatMap { _ in ["0", "a"] })
    #expect(value[deepest] == 1)
    #expect(try value.setting(2, at: deepest)[deepest] == 2)
    #expect(throws: DecodingError.self) { try value.decode([[String: Int]].self) }
  }
}
