import Testing

@testable import SynqJSON

@Suite struct WriterTests {
  /// One special character at each place of a text of each length: blocks of 16, of 8 and the rest have their borders.
  @Test func whatMustBeEscapedIsEscapedAtEveryPlace() {
    let specials: [(Character, String)] = [
      ("\"", #"\""#), ("\\", #"\\"#), ("\n", #"\n"#), ("\u{0}", #"\u0000"#), ("\u{1F}", #"\u001f"#),
      (" ", " "), ("!", "!"), ("#", "#"), ("[", "["), ("]", "]"), ("\u{7F}", "\u{7F}"), ("é", "é"),
    ]
    for length in 0..<40 {
      let plain = String(repeating: "a", count: length)
      var writer = ByteWriter()
      writer.append(jsonString: plain)
      #expect(writer.string == "\"\(plain)\"")
      for place in 0..<length {
        for (special, escaped) in specials {
          var text = Array(plain)
          text[place] = special
          let rest = String(repeating: "a", count: length - place - 1)
          writer.removeAll()
          writer.append(jsonString: String(text))
          #expect(writer.string == "\"" + String(repeating: "a", count: place) + escaped + rest + "\"")
        }
      }
    }
  }

  @Test func quotedTextIsReadBackAsItWas() throws {
    for length in 0..<40 {
      let text = String((0..<length).map { Character(UnicodeScalar(UInt8($0 * 7 % 128))) })
      var writer = ByteWriter()
      writer.append(jsonString: text)
      #expect(try JSON(parsing: writer.string).stringValue == text)
    }
  }
}
