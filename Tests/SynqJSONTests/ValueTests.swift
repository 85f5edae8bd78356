import Testing

@testable import SynqJSON

@Suite struct ValueTests {
  @Test func literalsReadAsWritten() {
    let value: JSON = ["a": 1, "b": [true, nil, 1.5, "x"], "c": ["d": -3]]
    #expect(value.description == #"{"a":1,"b":[true,null,1.5,"x"],"c":{"d":-3}}"#)
    #expect(value.b?[2]?.doubleValue == 1.5)
    #expect(value["c"]?["d"]?.int64Value == -3)
    #expect(value.value(at: "/b/3")?.stringValue == "x")
  }

  @Test func theOrderOfMembersDoesNotMatterAndThatOfElementsDoes() throws {
    let a = try JSON(parsing: #"{"x":[{"p":1,"q":2}],"y":{"a":1,"b":{"c":1,"d":2}}}"#)
    let b = try JSON(parsing: #"{"y":{"b":{"d":2,"c":1},"a":1},"x":[{"q":2,"p":1}]}"#)
    #expect(a == b)
    #expect(a.hashValue == b.hashValue)
    #expect(JSON(["a", "b"]) != JSON(["b", "a"]))
    #expect(try JSON(parsing: "1") != JSON(parsing: "1.0"))
    #expect(try JSON(parsing: #"{"a":1,"b":2}"#) != JSON(parsing: #"{"a":2,"b":1}"#))
  }
}
