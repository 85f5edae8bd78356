import Testing

@testable import SynqJSON

@Suite struct ValueTests {
  @Test func literalsReadAsWritten() {
    let value: JSON = ["a": 1, "b": [true, .null, 1.5, "x"], "c": ["d": -3]]
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
  @Test(arguments: [31, 32, 33, 100, 1000, 5000])
  func lookupsInLargeObjectsFindTheSameAsAScan(count: Int) throws {
    let names = (0..<count).map { $0 % 7 == 0 ? "k\"\($0)" : "k\($0)" } + [""]
    let object = JSON(members: names.enumerated().map { ($1, JSON($0)) })
    let root: JSON = ["inner": object, "other": object]
    // Ask often enough for an index to be made, then on.
    for _ in 0..<3 {
      for (index, name) in names.enumerated() {
        #expect(object[name]?.int64Value == Int64(index))
        #expect(root.other?[name]?.int64Value == Int64(index))
        #expect(root[JSONPointer(tokens: ["inner", name])]?.int64Value == Int64(index))
      }
      #expect(object["k"] == nil)
      #expect(!object.contains(member: "nope"))
    }
  }

  @Test func lookupsFromManyThreadsAgree() async {
    let object = JSON(members: (0..<500).map { ("k\($0)", JSON($0)) })
    await withTaskGroup(of: Int.self) { group in
      for task in 0..<8 {
        group.addTask {
          (0..<2000).count { object["k\(($0 + task) % 500)"]?.int64Value == Int64(($0 + task) % 500) }
        }
      }
      for await found in group { #expect(found == 2000) }
    }
  }

  @Test func aViewSharesItsParentUntilItIsCompacted() {
    let parent: JSON = ["small": "x", "large": JSON(String(repeating: "y", count: 1000))]
    let small = parent["small"] ?? .null
    let copy = small.compacted()
    #expect(copy == small && !copy.sharesStorage(with: small))
    let large = parent["large"] ?? .null
    #expect(large.compacted().sharesStorage(with: large))
    #expect(parent.compacted().sharesStorage(with: parent))
    #expect(JSON.null.compacted().isNull)
  }

  @Test func constantsAndSmallIntegersCostNoAllocation() {
    for value in [JSON.null, .true, .false, .emptyArray, .emptyObject, .emptyString, 0, 5, 9] as [JSON] {
      #expect(value.storage == nil)
      #expect((try? JSON(parsing: value.description)) == value)
    }
    #expect(JSON.emptyArray.count == 0 && JSON.emptyObject.members.isEmpty)
    #expect(JSON(-1).storage != nil && JSON(10).int64Value == 10)
  }

  static let doubles: [(Double, String)] = [
    (0, "0.0"), (-0.0, "-0.0"), (1, "1.0"), (0.1, "0.1"), (1e16, "1e+16"), (.leastNonzeroMagnitude, "5e-324"),
    (1.7976931348623157e308, "1.7976931348623157e+308"), (123456.789, "123456.789"), (1e22, "1e+22"),
  ]

  @Test(arguments: doubles)
  func doublesAreWrittenShortestAndReadBack(value: Double, text: String) throws {
    #expect(JSON(value)?.description == text)
    let read = try JSON(parsing: text).doubleValue
    #expect(read?.bitPattern == value.bitPattern)
  }

  @Test func randomDoublesReadBackBitForBit() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<20_000 {
      let value = Double(bitPattern: random.next())
      guard value.isFinite else {
        #expect(JSON(value) == nil)
        continue
      }
      #expect(JSON(value)?.doubleValue?.bitPattern == value.bitPattern, "\(value)")
      // Few digits take the quick way.
      let short = (value.significand * 1000).rounded() / 100
      #expect(JSON(short)?.doubleValue?.bitPattern == short.bitPattern, "\(short)")
    }
  }

  @Test func numbersKeepTheirSpellingAndTellWhatTheyAre() throws {
    let values = try JSON(
      parsing: "[1, 1.0, 1e0, -0, 9223372036854775807, 18446744073709551615, 18446744073709551616]")
    #expect(values.elements.map(\.isInteger) == [true, false, false, true, true, true, true])
    #expect(values.elements.map(\.int64Value) == [1, nil, nil, 0, .max, nil, nil])
    #expect(values.elements.map(\.uint64Value) == [1, nil, nil, 0, UInt64(Int64.max), .max, nil])
    #expect(values.elements.map(\.doubleValue) == [1, 1, 1, 0, 0x1p63, 0x1p64, 0x1p64])
    #expect(Set(values.elements.prefix(3)).count == 3)
    #expect(JSON(numberText: "01") == nil && JSON(numberText: "1e400") == nil && JSON(numberText: "") == nil)
    #expect(JSON(numberText: "-12.50")?.numberText == "-12.50")
  }
}
