import Foundation
import Testing

@testable import SynqJSON

@Suite struct CodableTests {
  struct Item: Codable, Equatable {
    var id: Int
    var title: String
    var done: Bool?
    var tags: [String] = []
    var weight: Double = 1
    var ratio: Float = 0.1
    var extra: [String: [Int]] = [:]
    var raw: SynqJSON.JSON = .null
  }

  @Test func aTypeGoesBothWaysWithoutText() throws {
    let item = Item(
      id: -7, title: "a\"b\u{e9}", done: nil, tags: ["x", ""], extra: ["k": [1, 2]], raw: ["z": [1.50]])
    let json = try JSON(encoding: item)
    #expect(
      json.description
        == #"{"id":-7,"title":"a\"bé","tags":["x",""],"weight":1.0,"ratio":0.1,"extra":{"k":[1,2]},"raw":{"z":[1.5]}}"#
    )
    #expect(try json.decode(Item.self) == item)
    #expect(try JSON(parsing: json.description) == json)
    #expect(try JSON(encoding: [1, 2, nil]) == [1, 2, .null])
    #expect(try JSON(encoding: "x") == "x")
    #expect(try JSON(encoding: [String: Int]()) == .emptyObject)
    #expect(try JSON(encoding: UInt64.max).numberText == "18446744073709551615")
    #expect(try JSON(encoding: Int128.min).decode(Int128.self) == Int128.min)
  }

  /// Encodes itself in every way there is, and remembers the encoders that it was given.
  final class Witness: Encodable {
    private let depth: Int
    private let fails: Bool
    private weak var encoder: AnyObject?
    private let inner: Witness?

    init(depth: Int = 3, fails: Bool = false) {
      self.depth = depth
      self.fails = fails
      inner = depth > 0 ? Witness(depth: depth - 1, fails: fails) : nil
    }

    enum Key: CodingKey { case inner, list, object, more }

    func encode(to encoder: any Encoder) throws {
      self.encoder = encoder as AnyObject
      var container = encoder.container(keyedBy: Key.self)
      try container.encode(inner, forKey: .inner)
      var list = container.nestedUnkeyedContainer(forKey: .list)
      try list.encode(depth)
      var object = list.nestedContainer(keyedBy: Key.self)
      try object.encode([depth], forKey: .object)
      try container.encode(["x": fails && depth == 0 ? Double.nan : 1], forKey: .more)
    }

    var encodersAlive: Int { (encoder == nil ? 0 : 1) + (inner?.encodersAlive ?? 0) }
  }

  @Test(arguments: [false, true])
  func nothingIsLeftOfAnEncoding(thatFails fails: Bool) {
    let witness = Witness(fails: fails)
    #expect(((try? JSON(encoding: witness)) == nil) == fails)
    #expect(witness.encodersAlive == 0)
  }

  class Base: Codable {
    var a = 1
  }

  final class Derived: Base {
    var b = 2
    enum Keys: String, CodingKey { case b, more, list }
    override init() { super.init() }
    required init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: Keys.self)
      b = try container.decode(Int.self, forKey: .b)
      try super.init(from: container.superDecoder())
    }
    override func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Keys.self)
      var more = container.nestedContainer(keyedBy: Keys.self, forKey: .more)
      var list = container.nestedUnkeyedContainer(forKey: .list)
      try container.encode(b, forKey: .b)
      try super.encode(to: container.superEncoder())
      // Nested containers may be written to in any order until the parent ends.
      try list.encode(1)
      try more.encode(3, forKey: .b)
      try list.encode([2])
    }
  }

  @Test func nestedContainersMayInterleave() throws {
    let json = try JSON(encoding: Derived())
    #expect(json.description == #"{"more":{"b":3},"list":[1,[2]],"b":2,"super":{"a":1}}"#)
    let back = try json.decode(Derived.self)
    #expect(back.a == 1 && back.b == 2)
    struct List: Encodable {
      func encode(to encoder: any Encoder) throws {
        var list = encoder.unkeyedContainer()
        try list.encode(0)
        var first = list.nestedUnkeyedContainer()
        try list.encode("after")
        try list.encode(["k": true])
        try first.encode(1)
      }
    }
    #expect(try JSON(encoding: List()).description == #"[0,[1],"after",{"k":true}]"#)
  }

  @Test func aPartThatFailsLeavesNothingBehind() throws {
    struct Bad: Encodable {
      func encode(to encoder: any Encoder) throws {
        var list = encoder.unkeyedContainer()
        try list.encode("half")
        try list.encode(Double.nan)
      }
    }
    struct Good: Encodable {
      func encode(to encoder: any Encoder) throws {
        var list = encoder.unkeyedContainer()
        try list.encode(1)
        try? list.encode(Bad())
        try list.encode(2)
      }
    }
    #expect(try JSON(encoding: Good()) == [1, 2])
    #expect(throws: EncodingError.self) { try JSON(encoding: Bad()) }
    #expect(throws: EncodingError.self) { try JSON(encoding: ["a": Double.infinity]) }
  }

  struct Chain: Codable {
    var next: [Chain]
  }

  @Test func deepTypesGetAnErrorAndNoOverflow() throws {
    var chain = Chain(next: [])
    for _ in 0..<2000 { chain = Chain(next: [chain]) }
    #expect(throws: EncodingError.self) { try JSON(encoding: chain) }
    let text = String(repeating: #"{"next":["#, count: 2000) + String(repeating: "]}", count: 2000)
    let deep = try JSON(parsing: text, limits: JSONLimits(maxDepth: 10_000))
    #expect(throws: DecodingError.self) { try deep.decode(Chain.self) }
  }

  @Test func errorsNameThePlace() throws {
    let json: JSON = [["id": 1, "title": 2]]
    let error = #expect(throws: DecodingError.self) { try json.decode([Item].self) }
    guard case .typeMismatch(_, let context) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(context.codingPath.map(\.stringValue) == ["Index 0", "title"])
    #expect(context.debugDescription == "expected String, found number")
    #expect(throws: DecodingError.self) { try JSON(300).decode(UInt8.self) }
    #expect(throws: DecodingError.self) { try JSON(-1).decode(UInt.self) }
    #expect(throws: DecodingError.self) { try JSON.emptyObject.decode(Item.self) }
    let realAsInteger: JSON = 2.0
    #expect(try realAsInteger.decode(Int.self) == 2)
    #expect(throws: DecodingError.self) { try JSON(parsing: "2.5").decode(Int.self) }
  }

  @Test func otherCodersTakeJSONToo() throws {
    let value: SynqJSON.JSON = ["a": [1, -2, 2.5, "x", .null, true, ["b": [:]]], "big": JSON(UInt64.max)]
    let data = try JSONEncoder().encode(value)
    #expect(try JSON(parsing: Array(data)) == value)
    #expect(try JSONDecoder().decode(SynqJSON.JSON.self, from: data) == value)
  }
}
