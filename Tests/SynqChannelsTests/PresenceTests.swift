import SynqJSON
import SynqWire
import Testing

@testable import SynqChannels

/// Who is in a topic: what a table tells its clients, by value.
@Suite struct PresenceTests {
  private let ann = PresenceOwner(channel: 1)
  private let bob = PresenceOwner(channel: 2)

  private func text(_ state: [UInt8]) -> String { String(decoding: state, as: UTF8.self) }

  @Test func aChangeHasAllThatCame() throws {
    var table = PresenceTable()
    try table.track("ann", ["status": "online"], by: ann, ref: "r1")
    try table.track("bob", [:], by: bob, ref: "r2")
    let taken = table.takeChange()
    let change = try #require(taken)
    #expect(
      change.payload().description
        == #"{"joins":{"ann":{"metas":[{"phx_ref":"r1","status":"online"}]},"bob":{"metas":[{"phx_ref":"r2"}]}},"leaves":{}}"#
    )
    #expect(change.came == ["ann", "bob"])
    #expect(table.takeChange() == nil)
    #expect(
      text(table.state())
        == #"{"ann":{"metas":[{"phx_ref":"r1","status":"online"}]},"bob":{"metas":[{"phx_ref":"r2"}]}}"#)
    #expect(table.list().description == text(table.state()))
  }

  @Test func aChangedMetaNamesTheOneBefore() throws {
    var table = PresenceTable()
    try table.track("ann", ["n": 1], by: ann, ref: "r1")
    try table.track("ann", ["n": 9], by: bob, ref: "r2")
    _ = table.takeChange()
    try table.update("ann", ["n": 2], by: ann, ref: "r3")
    let taken = table.takeChange()
    let change = try #require(taken)
    #expect(
      change.payload().description
        == #"{"joins":{"ann":{"metas":[{"phx_ref":"r3","phx_ref_prev":"r1","n":2}]}},"leaves":{"ann":{"metas":[{"phx_ref":"r1","n":1}]}}}"#
    )
    #expect(change.came.isEmpty && change.went.isEmpty)
    // In the place of the old one, as recorded (same_user_two_connections).
    #expect(
      table.presence(of: "ann")?.description
        == #"{"metas":[{"phx_ref":"r3","phx_ref_prev":"r1","n":2},{"phx_ref":"r2","n":9}]}"#)
  }

  @Test func whatNobodyCouldSeeIsNotTold() throws {
    var table = PresenceTable()
    try table.track("ann", [:], by: ann, ref: "r1")
    _ = table.takeChange()
    try table.track("bob", [:], by: bob, ref: "r2")
    table.remove(bob)
    #expect(table.takeChange() == nil)
    try table.update("ann", ["n": 1], by: ann, ref: "r3")
    try table.update("ann", ["n": 2], by: ann, ref: "r4")
    #expect(
      table.takeChange()?.payload().description
        == #"{"joins":{"ann":{"metas":[{"phx_ref":"r4","phx_ref_prev":"r1","n":2}]}},"leaves":{"ann":{"metas":[{"phx_ref":"r1"}]}}}"#
    )
  }

  @Test func whoWasReadBeforeItWasToldIsTakenBack() throws {
    var table = PresenceTable()
    try table.track("bob", [:], by: bob, ref: "r1")
    _ = table.state()
    table.remove(bob)
    let taken = table.takeChange()
    let change = try #require(taken)
    #expect(
      change.payload().description
        == #"{"joins":{"bob":{"metas":[{"phx_ref":"r1"}]}},"leaves":{"bob":{"metas":[{"phx_ref":"r1"}]}}}"#)
    #expect(change.came.isEmpty && change.went.isEmpty)
  }

  @Test func aKeyComesWithItsFirstChannelAndGoesWithItsLast() throws {
    var table = PresenceTable()
    func step(_ body: (inout PresenceTable) throws -> Void) rethrows -> [[String]] {
      try body(&table)
      return table.takeChange().map { [$0.came, $0.went] } ?? []
    }
    #expect(try step { try $0.track("k", [:], by: ann, ref: "1") } == [["k"], []])
    #expect(try step { try $0.track("k", [:], by: bob, ref: "2") } == [[], []])
    #expect(step { $0.remove(ann) } == [[], []])
    #expect(step { $0.remove(bob) } == [[], ["k"]])
    #expect(table.isEmpty)
    // A reload: the key is not gone between.
    _ = try step { try $0.track("k", [:], by: ann, ref: "3") }
    #expect(
      try step {
        $0.remove(ann)
        try $0.track("k", [:], by: bob, ref: "4")
      } == [[], []])
  }

  @Test func mistakesChangeNothing() throws {
    var table = PresenceTable()
    try table.track("ann", [:], by: ann, ref: "r1")
    _ = table.takeChange()
    func code(_ body: (inout PresenceTable) throws -> Void) -> HostError.Code? {
      do {
        try body(&table)
        return nil
      } catch {
        return (error as? HostError)?.code
      }
    }
    #expect(code { try $0.track("ann", [:], by: ann, ref: "x") } == .state)
    #expect(code { try $0.track("b", [1], by: ann, ref: "x") } == .type)
    #expect(code { try $0.update("b", [:], by: ann, ref: "x") } == .notFound)
    #expect(code { try $0.update("ann", [:], by: bob, ref: "x") } == .notFound)
    #expect(code { try $0.update("ann", 1, by: ann, ref: "x") } == .type)
    #expect(code { try $0.untrack("ann", by: bob) } == .notFound)
    #expect(code { try $0.track("constructor", [:], by: bob, ref: "x") } == .invalidArgument)
    #expect(code { try $0.track("a\0", [:], by: bob, ref: "x") } == .invalidArgument)
    #expect(table.takeChange() == nil)
    #expect(text(table.state()) == #"{"ann":{"metas":[{"phx_ref":"r1"}]}}"#)
  }

  @Test func aTopicTakesNoMoreKeysThanItsLimit() throws {
    var limits = PresenceLimits()
    limits.maxKeys = 2
    var table = PresenceTable(limits: limits)
    try table.track("a", [:], by: ann, ref: "1")
    try table.track("b", [:], by: ann, ref: "2")
    #expect(throws: HostError.self) { try table.track("c", [:], by: ann, ref: "3") }
    try table.track("a", [:], by: bob, ref: "4")
    try table.untrack("b", by: ann)
    try table.track("c", [:], by: ann, ref: "5")
  }

  @Test func aTopicTakesNoMoreBytesThanItsLimit() throws {
    var limits = PresenceLimits()
    limits.maxBytes = 300
    var table = PresenceTable(limits: limits)
    let long: JSON = ["s": JSON(String(repeating: "x", count: 200))]
    try table.track("a", [:], by: ann, ref: "1")
    #expect(throws: HostError.self) {
      try table.track("b", long, by: ann, ref: "2")
      try table.track("c", long, by: ann, ref: "2")
    }
    #expect(throws: HostError.self) { try table.update("a", long, by: ann, ref: "3") }
    try table.untrack("b", by: ann)
    try table.update("a", long, by: ann, ref: "4")
  }

  @Test func theLibrarysMembersOfAMetaAreItsOwn() throws {
    var table = PresenceTable()
    try table.track("ann", ["phx_ref": "mine", "phx_ref_prev": 1, "a": 2], by: ann, ref: "r1")
    #expect(table.presence(of: "ann")?.description == #"{"metas":[{"phx_ref":"r1","a":2}]}"#)
  }

  @Test func whatFetchAddsStandsBesideTheMetas() throws {
    var table = PresenceTable(hasFetch: true)
    try table.track("ann", [:], by: ann, ref: "r1")
    let taken = table.takeChange()
    let change = try #require(taken)
    #expect(change.fetched.description == #"{"ann":{"metas":[{"phx_ref":"r1"}]}}"#)
    // Not before it was asked about.
    #expect(text(table.state()) == "{}")
    let additions: [PresenceKey: JSON] = [PresenceKey("ann"): ["user": ["name": "ANN"], "metas": 1]]
    #expect(table.added(additions, to: change) == additions)
    let shown = #"{"ann":{"metas":[{"phx_ref":"r1"}],"user":{"name":"ANN"}}}"#
    #expect(change.payload(additions: additions).description == #"{"joins":\#(shown),"leaves":{}}"#)
    #expect(text(table.state()) == shown)
    table.remove(ann)
    #expect(table.takeChange()?.payload().description == #"{"joins":{},"leaves":\#(shown)}"#)
  }

  @Test func aProcessComesAndGoesAsAWhole() throws {
    var (here, there) = (PresenceTable(), PresenceTable())
    try there.track("ann", ["n": 1], by: ann, ref: "t1")
    try there.track("bob", [:], by: bob, ref: "t2")
    try here.track("ann", [:], by: ann, ref: "h1")
    _ = here.takeChange()
    let foreign = there.members(of: PresenceOwner.own).map { member in
      PresenceMember(
        key: member.key, owner: PresenceOwner(process: 7, channel: member.owner.channel), ref: member.ref,
        meta: member.meta)
    }
    here.merge(joins: foreign, leaves: [])
    here.merge(joins: foreign, leaves: [])
    #expect(here.takeChange()?.came == ["bob"])
    #expect(
      here.list().description
        == #"{"ann":{"metas":[{"phx_ref":"h1"},{"phx_ref":"t1","n":1}]},"bob":{"metas":[{"phx_ref":"t2"}]}}"#)
    #expect(here.members(of: PresenceOwner.own).map(\.ref) == ["h1"])
    here.removeAll(of: 7)
    let taken = here.takeChange()
    let change = try #require(taken)
    #expect(change.went == ["bob"])
    #expect(Set(change.leaves.map(\.member.ref)) == ["t1", "t2"])
    #expect(here.list().description == #"{"ann":{"metas":[{"phx_ref":"h1"}]}}"#)
  }

  @Test func refsAreOfOneShapeAndNeverTheSame() {
    var (one, other) = (PresenceRefs(process: .max), PresenceRefs(process: 1))
    let refs = (0..<1000).map { _ in one.next() } + (0..<1000).map { _ in other.next() }
    #expect(Set(refs).count == refs.count)
    #expect(
      refs.allSatisfy {
        $0.utf8.count == 16
          && $0.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_".contains($0)) }
      })
  }
}
