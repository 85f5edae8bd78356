import SynqJSON
import SynqPatch
import Testing

/// What a patch looks like.
@Suite struct DiffTests {
  static let cases: [(old: String, new: String, patch: String)] = [
    ("1", "1", #"[]"#),
    ("1", "1.0", #"[{"op":"replace","path":"","value":1.0}]"#),
    ("{}", "[]", #"[{"op":"replace","path":"","value":[]}]"#),
    (#"{"a":1,"b":2}"#, #"{"b":2,"a":1}"#, #"[]"#),
    (#"{"a":1}"#, #"{"a":null}"#, #"[{"op":"replace","path":"/a","value":null}]"#),
    (#"{"a":1,"b":2}"#, #"{"b":2}"#, #"[{"op":"remove","path":"/a"}]"#),
    (#"{"b":2}"#, #"{"b":2,"a/~\"\n":1}"#, #"[{"op":"add","path":"/a~1~0\"\n","value":1}]"#),
    (
      #"{"":{"":"a long text","x":1}}"#, #"{"":{"":"b long text","x":1}}"#,
      #"[{"op":"replace","path":"//","value":"b long text"}]"#
    ),
    // A renamed member is moved.
    (
      #"{"old":"some text, long enough","x":0}"#, #"{"new":"some text, long enough","x":0}"#,
      #"[{"op":"move","from":"/old","path":"/new"}]"#
    ),
    // What is shorter replaced is replaced.
    (
      #"{"a":{"b":1,"c":2}}"#, #"{"a":{"b":2,"c":1}}"#,
      #"[{"op":"replace","path":"/a","value":{"b":2,"c":1}}]"#
    ),
    (#"["some","short","list"]"#, #"["some","short","list",4]"#, #"[{"op":"add","path":"/-","value":4}]"#),
    (
      #"["a long text is here","b","c","d","e"]"#, #"["b","c","d","e","a long text is here"]"#,
      #"[{"op":"move","from":"/0","path":"/-"}]"#
    ),
    // The same identity is edited where it went.
    (
      #"[{"id":1,"text":"one thing that is long"},{"id":2,"text":"another thing that is"},{"id":3,"n":0}]"#,
      #"[{"id":2,"text":"another thing that is"},{"id":3,"n":0},{"id":1,"text":"one thing that is long","n":1}]"#,
      #"[{"op":"move","from":"/0","path":"/-"},{"op":"add","path":"/2/n","value":1}]"#
    ),
    // A run of few kinds of elements is one place, not many.
    (
      "[true,false,false,true,true,false,true,false,false,true]",
      "[true,false,false,false,true,true,false,true,false,false,true]",
      #"[{"op":"add","path":"/3","value":false}]"#
    ),
  ]

  /// Each operation has the whole path: what is below a long key is replaced before it was written a thousand times.
  @Test func aLongKeyIsNotWrittenForEveryMember() {
    let key = String(repeating: "k", count: 50_000)
    func document(_ first: Int) -> JSON {
      let members = (0..<1_000).map { ("m\($0)", JSON(first + $0)) }
      return JSON(members: [(key, JSON(members: members)), ("other", JSON((0..<1_000).map { JSON($0) }))])
    }
    var out = ByteWriter()
    let new = document(1)
    #expect(JSONPatch.appendDiff(from: document(0), to: new, at: "", into: &out) == 1)
    let patch = out.withUnsafeBytes { try? JSON(parsing: $0) }
    #expect(patch == ["op": "replace", "path": JSON("/" + key), "value": new[key] ?? .null])
    #expect(out.reserved < 10 * new.flatSize)
  }

  /// Short keys are written with one store, whatever stands behind them.
  @Test func keysAreEscapedAtEveryPlace() {
    for length in 0..<24 {
      for place in 0...length {
        for special in ["~", "/", "\"", "é", "x"] {
          let plain = String(repeating: "k", count: length)
          let key = "\(plain.prefix(place))\(special)\(plain.dropFirst(place))"
          let old = JSON(members: [(key, JSON(1)), ("~/", JSON(0))])
          let new = JSON(members: [(key, JSON(2)), ("~/", JSON(0))])
          let path = JSONPatch.diff(from: old, to: new)[0]?["path"]?.stringValue
          #expect(path == JSONPointer(tokens: [key]).description)
        }
      }
    }
  }

  @Test(arguments: cases)
  func aPatchIsThis(_ old: String, _ new: String, _ patch: String) throws {
    #expect(try JSONPatch.diff(from: JSON(parsing: old), to: JSON(parsing: new)).description == patch)
  }

  @Test func identitiesAreConfigurable() throws {
    let text = JSON(String(repeating: "a text that is long ", count: 20))
    let old: JSON = [["sku": "a", "text": text, "n": 1], ["sku": "b", "text": text, "n": 2]]
    let new: JSON = [["sku": "b", "text": text, "n": 3], ["sku": "a", "text": text, "n": 4]]
    let options = JSONPatch.DiffOptions(identityMembers: ["sku"])
    let patch = JSONPatch.diff(from: old, to: new, options: options)
    #expect(patch[0]?.op == "move")
    #expect(try JSONPatch.apply(patch, to: old) == new)
    let none = JSONPatch.diff(from: old, to: new, options: JSONPatch.DiffOptions(identityMembers: []))
    #expect(none.elements.allSatisfy { $0.op != "move" })
    #expect(try JSONPatch.apply(none, to: old) == new)
  }

  @Test func operationsAreAppendedBelowAPrefix() {
    var out = ByteWriter()
    let none = JSONPatch.appendDiff(from: ["a": 1], to: ["a": 1], at: "/x", into: &out)
    #expect(none == 0)
    #expect(out.count == 0)
    let first = JSONPatch.appendDiff(from: ["a": "text"], to: ["a": "texts"], at: #"/m~1"\"#, into: &out)
    let second = JSONPatch.appendDiff(from: nil, to: [1], at: "/new", follows: true, into: &out)
    let third = JSONPatch.appendDiff(from: 1, to: nil, at: "/old", follows: true, into: &out)
    #expect([first, second, third] == [1, 1, 1])
    let expected =
      #"{"op":"replace","path":"/m~1\"\\/a","value":"texts"},{"op":"add","path":"/new","value":[1]},"#
      + #"{"op":"remove","path":"/old"}"#
    #expect(out.string == expected)
  }

  @Test func sharedStorageIsNoDifference() throws {
    let value = try JSON(parsing: #"{"a":[1,2,3]}"#)
    #expect(JSONPatch.diff(from: value, to: value) == [])
  }

  /// Nested, with much on each level: what each level writes in vain would add up to many times the size of the whole.
  @Test func whatIsWrittenInVainIsBounded() throws {
    func document(_ value: Int) throws -> JSON {
      let level = Array(repeating: "\(value)", count: 4_000).joined(separator: ",")
      let text = String(repeating: "[", count: 100) + level + String(repeating: "],\(level)", count: 99) + "]"
      return try JSON(parsing: "{\"doc\":\(text),\"same\":true}")
    }
    let (old, new) = (try document(0), try document(1))
    // The roots are replaced, where all of the work would have found that the member is.
    #expect(JSONPatch.diff(from: old, to: new) == [["op": "replace", "path": "", "value": new]])
  }

  @Test func anyDepthIsBoundedInStack() throws {
    let depth = 100_000
    let limits = JSONLimits(maxDepth: .max)
    let old = try JSON(
      parsing: String(repeating: "[", count: depth) + "1" + String(repeating: "]", count: depth),
      limits: limits)
    let new = try JSON(
      parsing: String(repeating: "[", count: depth) + "2" + String(repeating: "]", count: depth),
      limits: limits)
    #expect(JSONPatch.diff(from: old, to: new).count == 1)
    #expect(JSONPatch.diff(from: old, to: old.compacted()) == [])
  }
}
