import Testing

@testable import SynqJSON

@Suite struct EditTests {
  /// Reparsing the text gives canonical bytes: an edit must give the same ones.
  private func expectCanonical(
    _ value: JSON, _ note: Comment, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let reparsed = try JSON(parsing: value.description)
    let same = value.withFlatBytes { a in reparsed.withFlatBytes { b in a.elementsEqual(b) } }
    #expect(same, note, sourceLocation: sourceLocation)
  }

  @Test func setReplacesAddsAndReplacesTheRoot() throws {
    var value: JSON = ["a": [1, 2, 3], "b": ["c": "d"]]
    try value.set(true, at: "/a/1")
    try value.set("x", at: "/b/c")
    try value.set([:], at: "/b/new")
    #expect(value.description == #"{"a":[1,true,3],"b":{"c":"x","new":{}}}"#)
    try value.set(7, at: "")
    #expect(value.description == "7")
  }

  @Test func insertAppendRemoveMoveAndIncrementDoWhatTheySay() throws {
    var value: JSON = ["a": [1, 2, 3], "n": 41, "r": 1.5]
    try value.insert(0, at: "/a/0")
    try value.insert(4, at: "/a/-")
    try value.insert(5, at: "/a/5")
    try value.append(6, at: "/a")
    #expect(value.a?.description == "[0,1,2,3,4,5,6]")
    #expect(try value.remove(at: "/a/3") == 3)
    try value.move(from: "/a/0", to: "/a/5")
    #expect(value.a?.description == "[1,2,4,5,6,0]")
    try value.move(from: "/a/0", to: "/z")
    #expect(try value.increment(at: "/n") == 42)
    #expect(try value.increment(by: -50, at: "/n") == -8)
    #expect(try value.increment(by: 2, at: "/r") == 3.5)
    #expect(try value.increment(by: 0.5, at: "/n") == -7.5)
    #expect(value.description == #"{"a":[2,4,5,6,0],"n":-7.5,"r":3.5,"z":1}"#)
    try value.move(from: "/n", to: "/n")
    try value.remove(at: "/a")
    #expect(value.description == #"{"n":-7.5,"r":3.5,"z":1}"#)
    var list: JSON = [1]
    try list.append(2)
    #expect(list == [1, 2])
  }

  static let failures: [(String, JSONEditError.Code, String)] = [
    ("remove /x", .noSuchMember, "/x"), ("remove /x/y", .noSuchMember, "/x"),
    ("remove /a/3", .indexOutOfRange, "/a/3"),
    ("remove /a/-", .indexOutOfRange, "/a/-"), ("remove /a/01", .invalidIndex, "/a/01"),
    ("remove /a/-1", .invalidIndex, "/a/-1"), ("remove /a/1e0", .invalidIndex, "/a/1e0"),
    ("remove /a/", .invalidIndex, "/a/"),
    ("remove /a/99999999999999999999", .indexOutOfRange, "/a/99999999999999999999"),
    ("remove /n/0/1", .notAContainer, "/n/0"), ("remove ", .isRoot, ""),
    ("set /a/3", .indexOutOfRange, "/a/3"),
    ("set /a/4", .indexOutOfRange, "/a/4"), ("insert /a/4", .indexOutOfRange, "/a/4"),
    ("insert /a/x", .invalidIndex, "/a/x"),
    ("append /n", .notAnArray, "/n"), ("append /q/r", .noSuchMember, "/q"),
    ("increment /a", .notANumber, "/a"),
    ("increment /zz", .noSuchMember, "/zz"), ("increment /max", .overflow, "/max"),
    ("increment /big", .overflow, "/big"),
  ]

  @Test(arguments: failures)
  func aFailedEditSaysWhereAndChangesNothing(edit: String, code: JSONEditError.Code, place: String) throws {
    let before = try JSON(
      parsing: #"{"a":[1,2,3],"n":1,"max":9223372036854775807,"big":123456789012345678901}"#)
    var value = before
    let words = edit.split(separator: " ", omittingEmptySubsequences: false)
    let pointer = try JSONPointer(String(words[1]))
    let error = #expect(throws: JSONEditError.self) {
      switch words[0] {
      case "remove": try value.remove(at: pointer)
      case "set": try value.set(0, at: pointer)
      case "insert": try value.insert(0, at: pointer)
      case "append": try value.append(0, at: pointer)
      default: try value.increment(at: pointer)
      }
    }
    #expect(error?.code == code)
    #expect(error?.pointer.description == place)
    #expect(value.sharesStorage(with: before))
  }

  @Test func aValueCannotMoveIntoItself() throws {
    var value: JSON = ["a": ["b": [:]], "ab": 1]
    #expect(throws: JSONEditError(.moveIntoItself, at: "/a/b/c")) { try value.move(from: "/a", to: "/a/b/c") }
    #expect(throws: JSONEditError(.isRoot, at: "")) { try value.move(from: "", to: "/a") }
    try value.move(from: "/ab", to: "/a/b/c")
    #expect(value.description == #"{"a":{"b":{"c":1}}}"#)
  }

  /// Every size class and table shape: edits of containers around 255 bytes and multiples of 16 elements.
  @Test func editsGiveTheBytesThatTheParserGives() throws {
    for count in [0, 1, 2, 15, 16, 17, 18, 31, 32, 33, 34, 47, 48, 49, 50, 64, 65, 100] {
      for width in [1, 5, 14, 15, 16, 60, 100] {
        let text = String(repeating: "v", count: width)
        let array = JSON((0..<count).map { JSON("\(text)\($0)") })
        let object = JSON(members: (0..<count).map { ("k\($0)", JSON(text)) })
        for index in 0...count {
          try expectCanonical(
            array.inserting("new", at: JSONPointer(tokens: ["\(index)"])), "insert \(index) of \(count)")
          if index < count {
            let place = JSONPointer(tokens: ["\(index)"])
            try expectCanonical(array.removing(at: place), "remove \(index) of \(count)")
            try expectCanonical(array.setting(JSON(text + text), at: place), "set \(index) of \(count)")
            try expectCanonical(
              object.removing(at: JSONPointer(tokens: ["k\(index)"])), "remove member \(index) of \(count)")
            try expectCanonical(
              object.setting(1, at: JSONPointer(tokens: ["k\(index)"])), "set member \(index) of \(count)")
          }
        }
        try expectCanonical(object.setting("n", at: "/new"), "add to \(count)")
        let nested: JSON = ["head": 1, "list": [array, object, "end"], "tail": JSON(text)]
        try expectCanonical(
          nested.inserting(JSON(text), at: "/list/0/-"), "nested insert in \(count) of \(width)")
        try expectCanonical(nested.setting(JSON(text), at: "/list/1/z"), "nested add in \(count) of \(width)")
        if count > 0 {
          try expectCanonical(nested.removing(at: "/list/0/0"), "nested remove in \(count) of \(width)")
          try expectCanonical(nested.setting([:], at: "/list/1/k0"), "nested set in \(count) of \(width)")
        }
      }
    }
  }
}
