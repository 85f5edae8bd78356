import SynqJSON
import SynqPatch
import SynqWire
import Testing

@testable import SynqChannels

/// What one line of clients reads and writes.
struct Names: Sendable {
  var dialect: Dialect
  var change, patch, member, inc, refresh: String

  init(
    _ dialect: Dialect, _ change: String, _ patch: String, _ member: String, _ inc: String, _ refresh: String
  ) {
    self.dialect = dialect
    self.change = change
    self.patch = patch
    self.member = member
    self.inc = inc
    self.refresh = refresh
  }
}

@Suite struct StateTests {
  private func joined(
    track: [String] = ["n"], limits: SocketLimits = SocketLimits(),
    _ configure: (inout ChannelSpec.Options) -> Void = { _ in }
  ) -> EngineHarness {
    let harness = EngineHarness(router("c:*", track: track, configure), limits: limits)
    harness.callbacks["c:*"] = { cause, scope in
      switch cause {
      case .initialize: try? scope.assigns.set("n", to: 0)
      case .event("inc", _): _ = try? scope.assigns.increment(at: "/n", by: 1)
      case .event("set", let payload):
        for (name, value) in payload.json?.members ?? JSON.emptyObject.members {
          try? scope.assigns.set(name, to: value)
        }
      case .event("remove", let payload):
        _ = try? scope.assigns.remove(payload.json?["name"]?.stringValue ?? "")
      default: break
      }
      return .returned
    }
    harness.receive(#"["1","1","c:1","phx_join",{}]"#)
    return harness
  }

  @Test func atTheWrapTheFullStateIsSentWithVersionZero() {
    let harness = joined { $0.maxVersion = 3 }
    let messages = (2...6).map { harness.receive(#"["1","\#($0)","c:1","inc",{}]"#).last }
    #expect(
      messages.map { $0?[3]?.stringValue } == [
        "synq:patch", "synq:patch", "synq:patch", "synq:change", "synq:patch",
      ])
    #expect(messages.map { $0?[4]?["version"] } == [1, 2, 3, 0, 1])
    #expect(messages[3]?[4] == ["state": ["n": 4], "version": 0])
  }

  @Test func atTheWrapAnUnchangedStateSendsNothing() {
    let harness = joined { $0.maxVersion = 1 }
    harness.receive(#"["1","2","c:1","inc",{}]"#)
    #expect(harness.receive(#"["1","3","c:1","same",{}]"#).count == 1)
  }

  @Test func aRefreshGetsTheFullStateWithTheCurrentVersion() {
    let harness = joined()
    harness.receive(#"["1","2","c:1","inc",{}]"#)
    #expect(
      harness.receive(#"["1","3","c:1","synq:refresh",{}]"#) == [
        ["1", "3", "c:1", "phx_reply", ["status": "ok", "response": [:]]],
        ["1", nil, "c:1", "synq:change", ["state": ["n": 1], "version": 1]],
      ])
    #expect(harness.receive(#"["1","4","c:1","inc",{}]"#).last?[4]?["version"] == 2)
  }

  @Test func anUntrackedAssignNeverReachesTheWire() {
    let sent = joined().receive(#"["1","2","c:1","set",{"secret":"xyzzy"}]"#)
    #expect(sent.count == 1)
    #expect(!sent.description.contains("xyzzy"))
  }

  @Test func anAssignThatWasNeverSetIsAbsentAndARemovedOneIsRemoved() {
    let harness = joined(track: ["n", "m"])
    #expect(
      harness.receive(#"["1","2","c:1","set",{"m":null}]"#).last?[4]?["operations"] == [
        ["op": "add", "path": "/m", "value": nil]
      ])
    #expect(
      harness.receive(#"["1","3","c:1","remove",{"name":"m"}]"#).last?[4]?["operations"] == [
        ["op": "remove", "path": "/m"]
      ])
  }

  @Test func integerAndRealAreDistinct() {
    #expect(
      joined().receive(#"["1","2","c:1","set",{"n":0.0}]"#).last?[4]?["operations"] == [
        .text(#"{"op":"replace","path":"/n","value":0.0}"#)
      ])
  }

  @Test func severalAssignsMakeOnePatch() {
    let sent = joined(track: ["n", "a/b", "c~d"]).receive(#"["1","2","c:1","set",{"n":1,"a/b":2,"c~d":3}]"#)
    #expect(
      sent.last?[4] == [
        "operations": [
          ["op": "replace", "path": "/n", "value": 1], ["op": "add", "path": "/a~1b", "value": 2],
          ["op": "add", "path": "/c~0d", "value": 3],
        ],
        "version": 1,
      ])
  }

  @Test func whileTheClientDoesNotReadChangesBecomeOnePatch() {
    let harness = joined()
    harness.engine.isWritable = false
    for ref in 2...4 { #expect(harness.receive(#"["1","\#(ref)","c:1","inc",{}]"#).count == 1) }
    harness.engine.isWritable = true
    let sent = harness.perform { $0.encodeStates(into: &$1) }
    #expect(
      sent.map { $0[4] } == [["operations": [["op": "replace", "path": "/n", "value": 3]], "version": 1]])
    #expect(harness.perform { $0.encodeStates(into: &$1) } == [])
  }

  @Test(arguments: [CloseReason.normal, .crashed]) func aStateThatWaitsIsSentBeforeAnOrderlyEnd(
    reason: CloseReason
  ) throws {
    let harness = joined()
    let key = try #require(harness.key("c:1"))
    harness.engine.isWritable = false
    harness.receive(#"["1","2","c:1","inc",{}]"#)
    let sent = harness.perform { $0.stop(key, reason: reason, into: &$1) }
    #expect(sent.map { $0[3] } == (reason == .normal ? ["synq:patch", "phx_close"] : ["phx_error"]))
  }

  @Test func aPatchBeyondItsLimitIsSentAsTheFullState() {
    var limits = SocketLimits()
    limits.maxPatchBytes = 110
    let harness = joined(limits: limits)
    let sent = harness.receive(
      #"["1","2","c:1","set",{"n":"a string that makes the patch longer than its limit, which is a hundred and ten bytes"}]"#
    )
    #expect(sent.last?[3] == "synq:change")
    #expect(sent.last?[4]?["version"] == 1)
    #expect(harness.receive(#"["1","3","c:1","set",{"n":1}]"#).last?[3] == "synq:patch")
  }

  /// One edit is diffed where it was made, several are by the whole: the client cannot tell.
  @Test(arguments: [
    (["/n/a/1/b"], "7"), (["/n/a/1/b"], "[1,2]"), (["/n/a/1"], #"{"b":1,"c":[1,3]}"#), (["/n/new~1~0"], "{}"),
    (["/n/a/1/b"], "1"), (["/n/a/0", "/n/a/0"], "2"), (["/n/a/0", "/n/x"], "2"), (["/n", "/n/x"], "{}"),
    (["/n/x", "/n"], "{}"), (["/n/a"], #"[0,{"b":1,"c":[1,2]},"end"]"#),
  ])
  func anEditIsTheShortestWayToTheNewState(places: [String], text: String) throws {
    let old = try JSON(parsing: #"{"a":[0,{"b":1,"c":[1,2]},"end"],"x":null}"#)
    let value = try JSON(parsing: text)
    let harness = EngineHarness(router("c:*", track: ["n"]))
    harness.callbacks["c:*"] = { cause, scope in
      switch cause {
      case .initialize: try? scope.assigns.set("n", to: old)
      case .event:
        for place in places { try? scope.assigns.change(.set(value), at: (try? JSONPointer(place)) ?? .root) }
      default: break
      }
      return .returned
    }
    harness.receive(#"["1","1","c:1","phx_join",{}]"#)
    let before: JSON = ["n": old]
    var after = before
    for place in places { try after.set(value, at: JSONPointer(place)) }
    let expected = JSONPatch.diff(from: before, to: after)
    let sent = harness.receive(#"["1","2","c:1","edit",{}]"#).compactMap { $0[4]?["operations"] }
    #expect(sent == (expected.count == 0 ? [] : [expected]))
  }

  @Test func ignoredKeysAreDroppedAtAnyDepth() {
    let sent = joined().receive(#"["1","2","c:1","set",{"n":{"__meta__":1,"a":[{"__meta__":2,"b":3}]}}]"#)
    #expect(sent.last?[4]?["operations"]?[0]?["value"] == ["a": [["b": 3]]])
  }

  @Test(arguments: ["__proto__", "constructor", "prototype"])
  func membersThatBreakJavaScriptAreRefusedInTrackedState(name: String) throws {
    let spec = try #require(router("c:*", track: ["n"]).match("c:1"))
    var assigns = Assigns(spec: spec)
    let object = JSON(members: [(name, JSON(1))])
    #expect(throws: HostError.self) { try assigns.set("n", to: JSON(members: [("a", object)])) }
    try assigns.set("n", to: [:])
    #expect(throws: HostError.self) { try assigns.change(.set(1), at: JSONPointer(tokens: ["n", name])) }
    try assigns.set("free", to: object)
    #expect(assigns["n"] == [:])
  }

  @Test func aFailedInitLeavesTheChannelJoinedWithoutState() {
    let harness = EngineHarness(router("c:*", track: ["n"]))
    var fails = true
    harness.callbacks["c:*"] = { cause, scope in
      guard case .initialize = cause else { return .returned }
      if fails {
        scope.response = .error(ErrorReport(code: "error", message: "you stink"))
      } else {
        try? scope.assigns.set("n", to: 1)
      }
      return .returned
    }
    let error: JSON = [
      "code": "error", "message": "you stink", "details": nil, "timestamp": "2026-01-02T03:04:05.678Z",
    ]
    #expect(
      harness.receive(#"["1","1","c:1","phx_join",{}]"#) == [
        ["1", "1", "c:1", "phx_reply", ["status": "ok", "response": [:]]],
        ["1", nil, "c:1", "synq:error", error],
      ])
    #expect(harness.receive(#"["1","2","c:1","x",{}]"#).first?[4]?["response"]?["code"] == "not_initialized")
    if let key = harness.key("c:1") {
      let message = HostMessage(topic: "c:1", name: "lost", payload: .json(.emptyObject))
      harness.perform { engine, output in engine.deliver(message, to: key, into: &output) }
    }
    #expect(harness.logs.last?.level == .debug)
    #expect(
      harness.logs.last?.message == "a message was dropped: the channel has no state, because its init failed"
    )
    fails = false
    let change: JSON = ["1", nil, "c:1", "synq:change", ["state": ["n": 1], "version": 0]]
    #expect(harness.receive(#"["1","3","c:1","synq:refresh",{}]"#).last == change)
  }

  @Test(arguments: [
    Names(.synq, "synq:change", "synq:patch", "operations", "inc", "synq:refresh"),
    Names(.liveState, "state:change", "state:patch", "patch", "lvs_evt:inc", "lvs_refresh"),
    Names(.liveViewModel, "state:change", "state:patch", "operations", "lvm_evt:inc", "lvm_evt:lvm_refresh"),
    Names(.seance, "seance:change", "seance:patch", "operations", "seance:event:inc", "seance:refresh"),
  ])
  func eachDialectSpeaksItsNames(names: Names) {
    let (dialect, change, patch) = (names.dialect, names.change, names.patch)
    let (member, inc, refresh) = (names.member, names.inc, names.refresh)
    let harness = EngineHarness(router("c:*", track: ["count"]) { $0.dialect = dialect })
    harness.callbacks["c:*"] = counter
    #expect(harness.receive(#"["1","1","c:1","phx_join",{}]"#).last?[3]?.stringValue == change)
    let patched = harness.receive(#"["1","2","c:1","\#(inc)",{}]"#).last
    #expect(patched?[3]?.stringValue == patch)
    #expect(patched?[4]?[member]?.count == 1)
    #expect(harness.receive(#"["1","3","c:1","\#(refresh)",{}]"#).last?[3]?.stringValue == change)
  }

  @Test(
    arguments: [
      (Dialect.synq, "synq:error", nil), (.liveState, "error", "no"), (.liveViewModel, "error", nil),
      (.seance, "seance:error", nil),
    ] as [(Dialect, String, String?)])
  func eachDialectSaysWhyInitFailed(dialect: Dialect, event: String, type: String?) {
    let harness = EngineHarness(router("c:*", track: ["count"]) { $0.dialect = dialect })
    harness.callbacks["c:*"] = { cause, scope in
      if case .initialize = cause { scope.response = .error(ErrorReport(code: "no", message: "No!")) }
      return .returned
    }
    let sent = harness.receive(#"["1","1","c:1","phx_join",{}]"#)
    #expect(sent.first?[4]?["status"] == "ok")
    #expect(sent.last?[3]?.stringValue == event)
    #expect(sent.last?[4]?["code"] == "no")
    #expect(sent.last?[4]?["type"]?.stringValue == type)
  }

  @Test func theDefaultsAreThoseOfTheSpecification() {
    let options = ChannelSpec.Options()
    #expect(options.maxVersion == 1000)
    #expect(options.ignoreKeys == ["__meta__"])
    #expect(options.dialect == .synq)
    #expect(options.track == [])
    #expect(options.intercept == [])
  }

  /// A version is what a client counts on: none is left out, and 1000 is the last.
  @Test func versionsCountToTheLastAndBeginAgain() {
    let harness = EngineHarness(router("c:*", track: ["count"]))
    harness.callbacks["c:*"] = counter
    harness.receive(#"["1","1","c:1","phx_join",{}]"#)
    for version in 1...1000 {
      let sent = harness.receive(#"["1","2","c:1","inc",{}]"#).last
      #expect(sent?[3] == "synq:patch")
      #expect(sent?[4]?["version"] == JSON(version))
    }
    #expect(
      harness.receive(#"["1","2","c:1","inc",{}]"#).last
        == ["1", nil, "c:1", "synq:change", ["state": ["count": 1001], "version": 0]])
  }

  @Test(arguments: [
    (Dialect.liveState, "lvs_evt:inc"), (.liveViewModel, "lvm_evt:inc"), (.seance, "seance:event:inc"),
  ])
  func eachDialectsPrefixIsStripped(dialect: Dialect, event: String) {
    let harness = EngineHarness(router("c:*", track: ["count"]) { $0.dialect = dialect })
    harness.callbacks["c:*"] = counter
    harness.receive(#"["1","1","c:1","phx_join",{}]"#)
    #expect(harness.receive(#"["1","2","c:1","\#(event)",{}]"#).count == 2)
  }

  @Test(arguments: [Dialect.liveState, .liveViewModel, .seance])
  func anEventWithoutThePrefixCrashesTheOtherDialects(dialect: Dialect) {
    let harness = EngineHarness(router("c:*", track: ["count"]) { $0.dialect = dialect })
    harness.callbacks["c:*"] = counter
    harness.receive(#"["1","1","c:1","phx_join",{}]"#)
    #expect(harness.receive(#"["1","2","c:1","inc",{}]"#) == [["1", "1", "c:1", "phx_error", [:]]])
  }

  @Test(arguments: [(Dialect.liveViewModel, "event"), (.seance, "seance:event")])
  func someDialectsWrapPushedEvents(dialect: Dialect, event: String) {
    let harness = EngineHarness(router("c:*", track: ["count"]) { $0.dialect = dialect })
    harness.callbacks["c:*"] = counter
    harness.receive(#"["1","1","c:1","phx_join",{}]"#)
    let pushed: JSON = ["1", nil, "c:1", JSON(event), ["name": "pushed", "detail": ["a": 1]]]
    let prefix = dialect == .seance ? "seance:event:" : "lvm_evt:"
    #expect(harness.receive(#"["1","2","c:1","\#(prefix)push",{}]"#).first == pushed)
  }
}
