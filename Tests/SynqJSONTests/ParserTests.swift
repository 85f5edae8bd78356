import Testing

@testable import SynqJSON

@Suite struct ParserTests {
  @Test(arguments: [
    "null", "true", "false", "0", "-0", "1.0", "1e5", "\"\"", "\"a\"", "[]", "{}", "[1,2,3]", "{\"a\":1}",
    "[[],{},[[]],\"x\",null]", "{\"a\":{\"b\":[1,{\"c\":null}]},\"d\":\"\u{e9}\u{65e5}\u{1f600}\"}",
    "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f\"", "123456789012345678901234567890", "0.1",
  ])
  func compactTextComesBackAsItWas(text: String) throws {
    #expect(try JSON(parsing: text).description == text)
  }

  @Test func everyLengthOfStringAndArrayComesBack() throws {
    for length in 0..<300 {
      let string = "\"" + String(repeating: "x", count: length) + "\""
      #expect(try JSON(parsing: string).description == string)
      let array = "[" + (0..<length).map { "\($0)" }.joined(separator: ",") + "]"
      let value = try JSON(parsing: array)
      #expect(value.description == array)
      #expect(value.count == length)
      for index in 0..<length { #expect(value[index]?.int64Value == Int64(index)) }
      #expect(value[length] == nil)
      let spaced = try JSON(
        parsing: " [ " + (0..<length).map { "\($0)" }.joined(separator: " ,\n\t ") + " ] ")
      #expect(spaced == value)
      let object = "{" + (0..<length).map { "\"k\($0)\":\($0)" }.joined(separator: ",") + "}"
      let members = try JSON(parsing: object)
      #expect(members.description == object)
      for index in 0..<length { #expect(members["k\(index)"]?.int64Value == Int64(index)) }
      #expect(members["nope"] == nil)
    }
  }

  @Test func theLastMemberOfANameCounts() throws {
    #expect(try JSON(parsing: #"{"a":1,"a":2}"#).description == #"{"a":2}"#)
    #expect(
      try JSON(parsing: #"{"a":{"b":1,"b":[1]},"c":0,"a":{"x":1,"y":2,"\u0078":3}}"#).description
        == #"{"c":0,"a":{"y":2,"x":3}}"#)
    let many = "{" + (0..<1000).map { "\"k\($0 % 100)\":\($0)" }.joined(separator: ",") + "}"
    let value = try JSON(parsing: many)
    #expect(value.count == 100)
    #expect(value["k7"]?.int64Value == 907)
  }
}
