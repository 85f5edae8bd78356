import SynqJSON
import SynqPatch
import Testing

/// The pairs on which diff engines are compared, and the bytes that each patch may take at most.
@Suite struct WorkloadTests {
  @Test(arguments: Workload.all)
  func thePatchIsSmallAndRight(_ workload: Workload) throws {
    let (old, new) = try workload.values()
    let patch = JSONPatch.diff(from: old, to: new)
    #expect(patch.text.count <= workload.maxBytes)
    #expect(try JSONPatch.apply(patch, to: old) == new)
    #expect(try JSONPatch.apply(JSONPatch.diff(from: new, to: old), to: new) == old)
  }

  @Test(arguments: Workload.exact)
  func thePatchIsExactly(_ name: String, _ text: String) throws {
    let workload = try #require(Workload.all.first { $0.name == name })
    let (old, new) = try workload.values()
    #expect(JSONPatch.diff(from: old, to: new).description == text)
  }

  /// Those that are made here are the ones that others were measured on.
  @Test(
    .enabled(if: SharedFiles.exists("diff-workloads"), "SYNQ_SUITES has no workloads"),
    arguments: Workload.all)
  func theWorkloadIsTheSharedOne(_ workload: Workload) throws {
    // Any document serves where nothing changes.
    if workload.name == "W9" { return }
    let (old, new) = try workload.values()
    #expect(try old == SharedFiles.json("diff-workloads/\(workload.name)/old.json"))
    #expect(try new == SharedFiles.json("diff-workloads/\(workload.name)/new.json"))
  }

  @Test(.enabled(if: SharedFiles.exists("diff-workloads/W7"), "SYNQ_SUITES has no workloads"))
  func fortyEightStringsOfTwitter() throws {
    let old = try SharedFiles.json("diff-workloads/W7/old.json")
    let new = try SharedFiles.json("diff-workloads/W7/new.json")
    let patch = JSONPatch.diff(from: old, to: new)
    #expect(patch.text.count <= 6470)
    #expect(try JSONPatch.apply(patch, to: old) == new)
  }
}

struct Workload: Sendable, CustomTestStringConvertible {
  let name: String
  let maxBytes: Int
  let make: @Sendable () throws -> (JSON, JSON)

  var testDescription: String { name }

  /// Both sides parsed anew, so that they share nothing.
  func values() throws -> (old: JSON, new: JSON) {
    let (old, new) = try make()
    return try (JSON(parsing: old.text), JSON(parsing: new.text))
  }

  static let exact: [(String, String)] = [
    ("W1", #"[{"op":"replace","path":"/count","value":2}]"#),
    ("W2", #"[{"op":"replace","path":"/items/617/done","value":false}]"#),
    (
      "W3",
      #"[{"op":"add","path":"/items/0","value":{"id":1001,"title":"beta zeta omicron 1001","done":true,"#
        + #""tags":["phi","kappa","omicron"]}}]"#
    ),
    ("W4", #"[{"op":"remove","path":"/items/500"}]"#),
    ("W6", #"[{"op":"replace","path":"/k0_3/k1_2/k2_1/k3_0/k4_3/k5_2","value":-1}]"#),
    ("W9", "[]"),
  ]

  static let all: [Workload] = [
    Workload(name: "W1", maxBytes: 44) { (["count": 1], ["count": 2]) },
    Workload(name: "W2", maxBytes: 57) { try items { $0[617] = with($0[617], "done", false) } },
    Workload(name: "W3", maxBytes: 130) {
      try items { $0.insert(item(1001, "beta zeta omicron", ["phi", "kappa", "omicron"]), at: 0) }
    },
    Workload(name: "W4", maxBytes: 37) { try items { $0.remove(at: 500) } },
    Workload(name: "W5", maxBytes: 538) { try items(moveTen) },
    Workload(name: "W5r", maxBytes: 51841) { try items { $0.reverse() } },
    Workload(name: "W6", maxBytes: 69) {
      (nested(changed: nil), nested(changed: "k0_3/k1_2/k2_1/k3_0/k4_3/k5_2"))
    },
    Workload(name: "W8", maxBytes: 180) {
      try (Fixtures.json("chat-W8-old.json"), Fixtures.json("chat-W8-new.json"))
    },
    Workload(name: "W8b", maxBytes: 176) {
      try (Fixtures.json("chat-W8b-old.json"), Fixtures.json("chat-W8b-new.json"))
    },
    Workload(name: "W9", maxBytes: 2) {
      let list = try Fixtures.json("items.json")
      let document = JSON((0..<12).map { _ in list })
      return (document, document)
    },
    Workload(name: "W10", maxBytes: 4789) {
      let old = try Fixtures.json("numbers.json")
      var numbers = Array(old.elements)
      for (index, value) in try Fixtures.json("numbers-replaced.json").members {
        numbers[try #require(Int(index))] = value
      }
      return (old, JSON(numbers))
    },
    Workload(name: "W11", maxBytes: 410) {
      try items {
        $0[399] = with($0[399], "done", false)
        $0[699] = with($0[699], "title", "psi gamma chi 700!")
        $0.remove(at: 799)
        $0.insert(item(1002, "delta rho zeta", ["zeta", "omega", "gamma"]), at: 0)
        $0.append(item(1003, "psi alpha phi", ["gamma", "chi", "mu"]))
      }
    },
  ]

  private static func items(_ change: (inout [JSON]) throws -> Void) throws -> (JSON, JSON) {
    let old = try Fixtures.json("items.json")
    var items = try Array(#require(old["items"]).elements)
    try change(&items)
    return (old, ["items": JSON(items)])
  }

  private static func item(_ id: Int, _ title: String, _ tags: [String]) -> JSON {
    ["id": JSON(id), "title": JSON("\(title) \(id)"), "done": true, "tags": JSON(tags.map { JSON($0) })]
  }

  private static func with(_ object: JSON, _ name: String, _ value: JSON) -> JSON {
    JSON(members: object.members.map { ($0.name, $0.name == name ? value : $0.value) })
  }

  /// Takes ten items out and puts each where it stands in the end, the first place first.
  private static func moveTen(_ items: inout [JSON]) throws {
    let places = [
      (id: 624, index: 26),
      (id: 544, index: 443),
      (id: 731, index: 615),
      (id: 573, index: 706),
      (id: 748, index: 766),
      (id: 406, index: 857),
      (id: 24, index: 858),
      (id: 504, index: 886),
      (id: 586, index: 887),
      (id: 100, index: 892),
    ]
    let moved = places.map { items[$0.id - 1] }
    let ids = Set(places.map(\.id))
    items = items.enumerated().filter { !ids.contains($0.offset + 1) }.map(\.element)
    for (item, place) in zip(moved, places) { items.insert(item, at: place.index) }
  }

  /// Objects of six levels, 10,000 numbers in all.
  private static func nested(changed: String?) -> JSON {
    var next = 0
    func level(_ depth: Int, _ path: String) -> JSON {
      let width = [5, 5, 5, 4, 4, 5][depth]
      return JSON(
        members: (0..<width).map { index -> (String, JSON) in
          let name = "k\(depth)_\(index)"
          if depth < 5 { return (name, level(depth + 1, path + name + "/")) }
          next += 1
          return (name, path + name == changed ? -1 : JSON(next))
        })
    }
    return level(0, "")
  }
}
