import Testing

@testable import SynqJSON

@Suite struct ScannerTests {
  private func scanning<R>(_ text: String, _ body: (inout JSONScanner) throws -> R) rethrows -> R {
    try Array(text.utf8).withUnsafeBytes { bytes in
      var scanner = JSONScanner(bytes)
      return try body(&scanner)
    }
  }

  @Test func anEnvelopeIsReadInPlace() throws {
    try scanning(#" [ null , "7" ,"r\u006f:1", {"a":[1,2]} ,{"b" : [true]}] "#) { scanner in
      try scanner.expect(0x5B)
      #expect(try scanner.skipValue() == 3..<7)
      try scanner.expect(0x2C)
      let (range, isEscaped) = try scanner.stringText()
      #expect(String(decoding: scanner.text[range], as: UTF8.self) == "7")
      #expect(!isEscaped)
      try scanner.expect(0x2C)
      #expect(try scanner.string() == "ro:1")
      try scanner.expect(0x2C)
      #expect(try scanner.value() == ["a": [1, 2]])
      try scanner.expect(0x2C)
      let raw = try scanner.skipValue()
      #expect(String(decoding: scanner.text[raw], as: UTF8.self) == #"{"b" : [true]}"#)
      let hasMore = scanner.take(0x2C)
      #expect(!hasMore)
      try scanner.expect(0x5D)
      try scanner.expectEnd()
    }
  }

  private func failure(_ text: String, _ body: (inout JSONScanner) throws -> Void) -> JSONError? {
    do {
      try scanning(text, body)
      return nil
    } catch {
      return error as? JSONError
    }
  }

  @Test func errorsCountFromTheStartOfTheText() {
    let noString = failure(" 12") { scanner in _ = try scanner.string() }
    #expect(noString == JSONError(.expectedString, at: 1))
    let noComma = failure("1 2") { scanner in
      _ = try scanner.skipValue()
      try scanner.expect(0x2C)
    }
    #expect(noComma == JSONError(.expectedCommaOrEnd, at: 2))
    let trailing = failure("1 2") { scanner in
      _ = try scanner.skipValue()
      try scanner.expectEnd()
    }
    #expect(trailing == JSONError(.trailingBytes, at: 2))
    let cut = failure("  [") { scanner in
      try scanner.expect(0x5B)
      _ = try scanner.value()
    }
    #expect(cut == JSONError(.unexpectedEnd, at: 3))
  }

  @Test func membersAreFoundAndDroppedAtAnyDepth() throws {
    let value: JSON = [
      "a": [["__meta__": 1, "b": 2], "__meta__"], "c": ["d": ["__meta__": ["x": 1]]], "__meta__": .null,
    ]
    #expect(value.firstMember(named: ["nope", "__meta__"])?.description == "/a/0/__meta__")
    #expect(
      value.droppingMembers(named: ["__meta__"]).description == #"{"a":[{"b":2},"__meta__"],"c":{"d":{}}}"#)
    let deep: JSON = ["x": ["y": [1, ["a~/b": ["q": 1]]]]]
    #expect(deep.firstMember(named: ["q"])?.description == "/x/y/1/a~0~1b/q")
    #expect(deep.droppingMembers(named: ["__meta__"]).sharesStorage(with: deep))
    let onlyText: JSON = ["x": "__meta__"]
    #expect(onlyText.firstMember(named: ["__meta__"]) == nil)
    #expect(onlyText.droppingMembers(named: ["__meta__"]).sharesStorage(with: onlyText))
  }
}
