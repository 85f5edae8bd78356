import SynqJSON
import SynqPatch
import Testing

/// What a patch that cannot be applied is told, and that nothing of it is left.
@Suite struct ApplyTests {
  struct Failure: Sendable, CustomTestStringConvertible {
    let patch: String
    let code: PatchError.Code
    var operation: Int? = 0
    var path = ""

    var testDescription: String { patch }
  }

  private static let document: JSON = ["a": ["b": 1], "list": [1, 2, 3], "text": "x", "m~n/o": true]

  static let failures: [Failure] = [
    Failure(patch: #"{}"#, code: .notAPatch, operation: nil),
    Failure(patch: #"null"#, code: .notAPatch, operation: nil),
    Failure(patch: #"[1]"#, code: .notAnOperation),
    Failure(patch: #"[{"path":"/a"}]"#, code: .invalidMember),
    Failure(patch: #"[{"op":1,"path":"/a"}]"#, code: .invalidMember),
    Failure(patch: #"[{"op":"remove"}]"#, code: .invalidMember),
    Failure(patch: #"[{"op":"remove","path":1}]"#, code: .invalidMember),
    Failure(patch: #"[{"op":"add","path":"/x"}]"#, code: .invalidMember, path: "/x"),
    Failure(patch: #"[{"op":"move","path":"/x"}]"#, code: .invalidMember),
    Failure(patch: #"[{"op":"spam","path":"/x","value":1}]"#, code: .unknownOperation),
    Failure(patch: #"[{"op":"remove","path":"a"}]"#, code: .invalidPointer, path: "a"),
    Failure(patch: #"[{"op":"remove","path":"/~2"}]"#, code: .invalidPointer, path: "/~2"),
    Failure(patch: #"[{"op":"remove","path":"/x"}]"#, code: .notFound, path: "/x"),
    Failure(patch: #"[{"op":"replace","path":"/x","value":1}]"#, code: .notFound, path: "/x"),
    Failure(patch: #"[{"op":"add","path":"/x/y","value":1}]"#, code: .notFound, path: "/x/y"),
    Failure(patch: #"[{"op":"test","path":"/x","value":null}]"#, code: .notFound, path: "/x"),
    Failure(patch: #"[{"op":"copy","from":"/x","path":"/y"}]"#, code: .notFound, path: "/x"),
    Failure(patch: #"[{"op":"move","from":"/x","path":"/x"}]"#, code: .notFound, path: "/x"),
    Failure(patch: #"[{"op":"remove","path":"/list/01"}]"#, code: .invalidIndex, path: "/list/01"),
    Failure(patch: #"[{"op":"remove","path":"/list/-1"}]"#, code: .invalidIndex, path: "/list/-1"),
    Failure(patch: #"[{"op":"remove","path":"/list/1e0"}]"#, code: .invalidIndex, path: "/list/1e0"),
    Failure(patch: #"[{"op":"remove","path":"/list/"}]"#, code: .invalidIndex, path: "/list/"),
    Failure(patch: #"[{"op":"remove","path":"/list/-"}]"#, code: .invalidIndex, path: "/list/-"),
    Failure(patch: #"[{"op":"replace","path":"/list/-","value":1}]"#, code: .invalidIndex, path: "/list/-"),
    Failure(patch: #"[{"op":"add","path":"/list/-/a","value":1}]"#, code: .invalidIndex, path: "/list/-/a"),
    Failure(patch: #"[{"op":"remove","path":"/list/3"}]"#, code: .indexOutOfRange, path: "/list/3"),
    Failure(patch: #"[{"op":"add","path":"/list/4","value":1}]"#, code: .indexOutOfRange, path: "/list/4"),
    Failure(
      patch: #"[{"op":"remove","path":"/list/99999999999999999999999"}]"#, code: .indexOutOfRange,
      path: "/list/99999999999999999999999"),
    Failure(patch: #"[{"op":"add","path":"/text/0","value":1}]"#, code: .notAContainer, path: "/text/0"),
    Failure(patch: #"[{"op":"test","path":"/a/b/c","value":1}]"#, code: .notAContainer, path: "/a/b/c"),
    Failure(patch: #"[{"op":"move","from":"/a","path":"/a/b"}]"#, code: .moveIntoItself, path: "/a/b"),
    Failure(patch: #"[{"op":"move","from":"","path":"/a"}]"#, code: .moveIntoItself, path: "/a"),
    Failure(patch: #"[{"op":"remove","path":""}]"#, code: .removesDocument),
    Failure(patch: #"[{"op":"test","path":"/list/0","value":"1"}]"#, code: .testFailed, path: "/list/0"),
    Failure(
      patch:
        #"[{"op":"add","path":"/a/c","value":1},{"op":"remove","path":"/a/c"},{"op":"remove","path":"/a/c"}]"#,
      code: .notFound, operation: 2, path: "/a/c"),
  ]

  @Test(arguments: failures)
  func theErrorTellsWhichOperationAndWhere(_ failure: Failure) throws {
    let patch = try JSON(parsing: failure.patch)
    let error = #expect(throws: PatchError.self) { try JSONPatch.apply(patch, to: Self.document) }
    #expect(error?.code == failure.code)
    #expect(error?.operation == failure.operation)
    #expect(error?.path == failure.path)
  }

  @Test func theErrorIsALine() throws {
    let patch: JSON = [["op": "test", "path": "/list/1", "value": 3]]
    let error = #expect(throws: PatchError.self) { try JSONPatch.apply(patch, to: Self.document) }
    #expect(error?.description == "patch operation 0 at /list/1: expected 3, found 2")
  }

  @Test func aFailedPatchLeavesTheDocument() throws {
    let document = try JSON(parsing: Self.document.text)
    let patch: JSON = [
      ["op": "replace", "path": "/a", "value": 2], ["op": "remove", "path": "/list/0"],
      ["op": "remove", "path": "/x"],
    ]
    #expect(throws: PatchError.self) { try JSONPatch.apply(patch, to: document) }
    #expect(document == Self.document)
  }

  @Test func testComparesNumbersByValueAndMembersInAnyOrder() throws {
    let document = try JSON(parsing: #"{"x":{"a":1.50,"b":[-0,1e2,12345678901234567890]},"y":0.1}"#)
    for value in [
      #"{"b":[0,100.0,12345678901234567890.0],"a":15e-1}"#,
      #"{"a":1.5,"b":[0e5,1E+2,1234567890123456789e1]}"#,
    ] {
      let patch: JSON = [["op": "test", "path": "/x", "value": try JSON(parsing: value)]]
      #expect(try JSONPatch.apply(patch, to: document) == document)
    }
    for value in [#"{"a":1.5,"b":[0,100,12345678901234567891]}"#, #"{"a":1.5,"b":[0,100]}"#, #"{"a":1.5}"#] {
      let patch: JSON = [["op": "test", "path": "/x", "value": try JSON(parsing: value)]]
      #expect(throws: PatchError.self) { try JSONPatch.apply(patch, to: document) }
    }
  }

  @Test func copiesAreBounded() throws {
    // Doubles the document each time: 2^40 bytes if nothing stops it.
    let patch = JSON((0..<40).map { ["op": "copy", "from": "", "path": JSON("/\($0)")] })
    let error = #expect(throws: PatchError.self) { try JSONPatch.apply(patch, to: ["a": "some text"]) }
    #expect(error?.code == .tooLarge || error?.code == .tooDeep)
    let flat = JSON((0..<40).map { ["op": "copy", "from": "/a", "path": JSON("/\($0)")] })
    let limits = PatchLimits(maxCopiedBytes: 100)
    let second = #expect(throws: PatchError.self) {
      try JSONPatch.apply(flat, to: ["a": "some text"], limits: limits)
    }
    #expect(second?.code == .tooLarge)
    #expect(second?.operation == 10)
  }

  @Test func depthIsBounded() throws {
    let path = String(repeating: "/0", count: 200)
    let deep = try JSON(parsing: String(repeating: "[", count: 100) + String(repeating: "]", count: 100))
    let far: JSON = [["op": "add", "path": JSON(path), "value": 1]]
    #expect(#expect(throws: PatchError.self) { try JSONPatch.apply(far, to: [1]) }?.code == .tooDeep)
    let nesting = JSON((0..<3).map { _ in ["op": "add", "path": "/0", "value": deep] })
    _ = try JSONPatch.apply(nesting, to: [])
    let limits = PatchLimits(maxDepth: 100)
    #expect(
      #expect(throws: PatchError.self) { try JSONPatch.apply(nesting, to: [], limits: limits) }?.code
        == .tooDeep)
    let move: JSON = [["op": "move", "from": "/0", "path": "/1/0/0"]]
    let holder: JSON = [deep, [[]], 1]
    #expect(throws: Never.self) {
      try JSONPatch.apply([["op": "move", "from": "/0", "path": "/0"]], to: holder)
    }
    #expect(
      #expect(throws: PatchError.self) { try JSONPatch.apply(move, to: [deep, [], [[]]], limits: limits) }
        != nil)
  }

  @Test func operationsAreCounted() throws {
    let patch = JSON((0..<11).map { _ in ["op": "test", "path": "", "value": 1] })
    let error = #expect(throws: PatchError.self) {
      try JSONPatch.apply(patch, to: 1, limits: PatchLimits(maxOperations: 10))
    }
    #expect(error?.code == .tooManyOperations)
  }

  @Test func manyOperationsOnALongList() throws {
    // Every element goes from the front to a place in the middle, then half of them go.
    let count = 3000
    var expected = Array(0..<count)
    var operations: [JSON] = []
    for i in 0..<count {
      let to = (i * 7919) % count
      operations.append(["op": "move", "from": "/list/0", "path": JSON("/list/\(to)")])
      expected.insert(expected.removeFirst(), at: to)
    }
    for i in 0..<(count / 2) {
      operations.append(["op": "remove", "path": JSON("/list/\(i)")])
      expected.remove(at: i)
    }
    let result = try JSONPatch.apply(JSON(operations), to: ["list": JSON((0..<count).map { JSON($0) })])
    #expect(result == ["list": JSON(expected.map { JSON($0) })])
  }
}
