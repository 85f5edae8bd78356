import SynqJSON
import SynqWire
import Testing

@testable import SynqChannels

@Suite struct JoinTests {
  private func harness(_ router: TopicRouter) -> EngineHarness {
    let harness = EngineHarness(router)
    harness.callbacks["counter:*"] = counter
    return harness
  }

  @Test func joinRepliesThenSendsTheFullState() {
    let harness = harness(router("counter:*", track: ["count"]))
    let sent = harness.receive(#"["3","4","counter:1","phx_join",{}]"#)
    #expect(
      sent == [
        ["3", "4", "counter:1", "phx_reply", ["status": "ok", "response": [:]]],
        ["3", nil, "counter:1", "synq:change", ["state": ["count": 0], "version": 0]],
      ])
    #expect(harness.ran == ["authorize", "init"])
  }

  @Test func aChannelWithoutTrackHasNoState() {
    let harness = harness(router("plain:*"))
    #expect(
      harness.receive(#"["1","1","plain:a","phx_join",{}]"#) == [
        ["1", "1", "plain:a", "phx_reply", ["status": "ok", "response": [:]]]
      ])
  }

  @Test(arguments: ["nosuch:1", "", "phoenix"])
  func anUnmatchedTopicIsRefusedWithoutJoinRef(topic: String) {
    let harness = harness(router("counter:*", track: ["count"]))
    #expect(
      harness.receive(#"["1","1","\#(topic)","phx_join",{}]"#) == [
        [nil, "1", JSON(topic), "phx_reply", ["status": "error", "response": ["reason": "unmatched topic"]]]
      ])
  }

  @Test func aTopicThatIsNoStringIsEchoed() {
    let harness = harness(router("counter:*", track: ["count"]))
    #expect(
      harness.receive(#"["1","2",5,"x",{}]"#) == [
        [nil, "2", 5, "phx_reply", ["status": "error", "response": ["reason": "unmatched topic"]]]
      ])
  }

  @Test(arguments: ["\"9\"", "10", "null", "[1]", "{\"a\":1}", "true", "1.50"])
  func anyJSONIsARefAndIsEchoedAsItCame(ref: String) {
    let harness = harness(router("plain:*"))
    let sent = harness.receive("[\(ref),\(ref),\"plain:a\",\"phx_join\",{}]")
    #expect(sent.count == 1)
    #expect(sent.first?[0] == .text(ref))
    #expect(sent.first?[1] == .text(ref))
  }

  @Test func joinTwiceClosesTheFirst() {
    let harness = harness(router("counter:*", track: ["count"]))
    harness.receive(#"["1","1","counter:1","phx_join",{}]"#)
    harness.receive(#"["1","2","counter:1","inc",{}]"#)
    #expect(
      harness.receive(#"["2","3","counter:1","phx_join",{}]"#) == [
        ["2", "3", "counter:1", "phx_reply", ["status": "ok", "response": [:]]],
        ["1", "1", "counter:1", "phx_close", [:]],
        ["2", nil, "counter:1", "synq:change", ["state": ["count": 0], "version": 0]],
      ])
    #expect(
      harness.ran == [
        "authorize", "init", "handle_event inc", "before_close shutdown:duplicate_join", "authorize", "init",
      ])
  }

  @Test func aRefusedDuplicateEndsTheOldChannelToo() {
    let harness = harness(router("room:*"))
    var mayJoin = true
    harness.callbacks["room:*"] = { cause, _ in
      if case .authorize = cause { return mayJoin ? .returned : .refused }
      return .returned
    }
    harness.receive(#"["1","1","room:1","phx_join",{}]"#)
    mayJoin = false
    let sent = harness.receive(#"["2","2","room:1","phx_join",{}]"#)
    #expect(sent.map { $0[3]?.stringValue } == ["phx_reply", "phx_close"])
    #expect(sent[0][4]?["status"] == "error")
    #expect(sent[0][4]?["response"]?["code"] == "unauthorized")
    #expect(
      harness.receive(#"["1","3","room:1","x",{}]"#).first?[4]?["response"]?["reason"] == "unmatched topic")
  }

  @Test func aDuplicateJoinWaitsForTheRunningCallbackAndBeforeClose() {
    let harness = harness(router("counter:*", track: ["count"]))
    harness.receive(#"["1","1","counter:1","phx_join",{}]"#)
    harness.holdsCallbacks = true
    #expect(harness.receive(#"["1","2","counter:1","inc",{}]"#) == [])
    #expect(harness.receive(#"["2","3","counter:1","phx_join",{}]"#) == [])
    #expect(harness.runHeld() == [])
    #expect(harness.held.map(\.cause.callbackName) == ["before_close"])
    #expect(harness.runHeld() == [])
    #expect(harness.held.map(\.cause.callbackName) == ["authorize"])
    #expect(harness.runHeld().map { $0[3]?.stringValue } == ["phx_reply", "phx_close"])
  }

  @Test func aRejoinAfterLeaveWaitsForBeforeClose() {
    let harness = harness(router("counter:*", track: ["count"]))
    harness.receive(#"["1","1","counter:1","phx_join",{}]"#)
    harness.holdsCallbacks = true
    #expect(harness.receive(#"["1","2","counter:1","phx_leave",{}]"#).count == 1)
    #expect(harness.receive(#"["2","3","counter:1","phx_join",{}]"#) == [])
    #expect(harness.held.map(\.cause.callbackName) == ["before_close"])
    #expect(harness.runHeld().map { $0[3]?.stringValue } == ["phx_close"])
    #expect(harness.held.map(\.cause.callbackName) == ["authorize"])
  }

  @Test func eventsThatComeWhileJoiningWaitForInit() {
    let harness = harness(router("counter:*", track: ["count"]))
    harness.holdsCallbacks = true
    harness.receive(#"["1","1","counter:1","phx_join",{}]"#)
    harness.receive(#"["1","2","counter:1","inc",{}]"#)
    harness.receive(#"["1","3","counter:1","phx_leave",{}]"#)
    harness.holdsCallbacks = false
    let sent = harness.runHeld()
    #expect(
      sent.map { $0[3]?.stringValue } == [
        "phx_reply", "synq:change", "phx_reply", "synq:patch", "phx_reply", "phx_close",
      ])
    #expect(harness.ran == ["authorize", "init", "handle_event inc", "before_close shutdown:left"])
  }

  @Test func authorizeMayAnswerWithAPayload() {
    let harness = harness(router("plain:*"))
    harness.callbacks["plain:*"] = { cause, scope in
      if case .authorize = cause { scope.response = .reply(status: "ok", payload: .json(["hello": "you"])) }
      return .returned
    }
    #expect(
      harness.receive(#"["1","1","plain:a","phx_join",{}]"#) == [
        ["1", "1", "plain:a", "phx_reply", ["status": "ok", "response": ["hello": "you"]]]
      ])
  }

  @Test func aCrashInAuthorizeRefusesWithPhoenixsReason() {
    let harness = harness(router("plain:*"))
    harness.callbacks["plain:*"] = { _, _ in .crashed(cause: "on purpose") }
    #expect(
      harness.receive(#"["5","5","plain:a","phx_join",{}]"#) == [
        ["5", "5", "plain:a", "phx_reply", ["status": "error", "response": ["reason": "join crashed"]]]
      ])
    #expect(harness.ran == ["authorize"])
    #expect(harness.logs.map(\.kind) == [.crash])
  }

  @Test func tooManyChannelsAreRefusedAndALeaveMakesRoom() {
    var limits = SocketLimits()
    limits.maxChannels = 2
    let harness = EngineHarness(router("plain:*"), limits: limits)
    harness.receive(#"["1","1","plain:1","phx_join",{}]"#)
    harness.receive(#"["2","2","plain:2","phx_join",{}]"#)
    #expect(
      harness.receive(#"["3","3","plain:3","phx_join",{}]"#) == [
        [
          "3", "3", "plain:3", "phx_reply",
          ["status": "error", "response": ["reason": "too many channels joined"]],
        ]
      ])
    // A second join of a topic takes the place of the first.
    #expect(
      harness.receive(#"["4","4","plain:2","phx_join",{}]"#).map { $0[3]?.stringValue } == [
        "phx_reply", "phx_close",
      ])
    harness.receive(#"["1","5","plain:1","phx_leave",{}]"#)
    #expect(harness.receive(#"["6","6","plain:3","phx_join",{}]"#).first?[4]?["status"] == "ok")
  }

  @Test func connectionAssignsAreThereFromTheStart() {
    let harness = EngineHarness(
      router("room:*", track: ["user"]), assigns: ["user": "ada", "secret": "xyzzy"])
    var seen: JSON?
    harness.callbacks["room:*"] = { cause, scope in
      if case .initialize = cause { seen = scope.assigns.object }
      return .returned
    }
    let sent = harness.receive(#"["1","1","room:1","phx_join",{}]"#)
    #expect(seen == ["user": "ada", "secret": "xyzzy"])
    #expect(sent.last == ["1", nil, "room:1", "synq:change", ["state": ["user": "ada"], "version": 0]])
  }

  // MARK: Messages behind a join

  @Test func whatComesAfterASecondJoinIsForItsChannel() {
    let harness = harness(router("counter:*", track: ["count"]))
    harness.holdsCallbacks = true
    harness.receive(#"["1","1","counter:1","phx_join",{}]"#)
    harness.receive(#"["1","2","counter:1","inc",{}]"#)
    harness.receive(#"["3","3","counter:1","phx_join",{}]"#)
    harness.receive(#"["3","4","counter:1","inc",{}]"#)
    harness.receive(#"["1","5","counter:1","inc",{}]"#)
    harness.receive(#"[null,"6","counter:1","synq:refresh",{}]"#)
    harness.holdsCallbacks = false
    #expect(
      harness.runHeld() == [
        ["1", "1", "counter:1", "phx_reply", ["status": "ok", "response": [:]]],
        ["1", nil, "counter:1", "synq:change", ["state": ["count": 0], "version": 0]],
        ["1", "2", "counter:1", "phx_reply", ["status": "ok", "response": [:]]],
        [
          "1", nil, "counter:1", "synq:patch",
          ["operations": [["op": "replace", "path": "/count", "value": 1]], "version": 1],
        ],
        ["3", "3", "counter:1", "phx_reply", ["status": "ok", "response": [:]]],
        ["1", "1", "counter:1", "phx_close", [:]],
        ["3", nil, "counter:1", "synq:change", ["state": ["count": 0], "version": 0]],
        ["3", "4", "counter:1", "phx_reply", ["status": "ok", "response": [:]]],
        [
          "3", nil, "counter:1", "synq:patch",
          ["operations": [["op": "replace", "path": "/count", "value": 1]], "version": 1],
        ],
        ["3", "6", "counter:1", "phx_reply", ["status": "ok", "response": [:]]],
        ["3", nil, "counter:1", "synq:change", ["state": ["count": 1], "version": 1]],
      ])
  }

  @Test func whatComesAfterASecondJoinOutlivesTheRefusalOfTheFirst() {
    let harness = EngineHarness(router("plain:*"))
    harness.callbacks["plain:*"] = { cause, scope in
      if case .authorize(let params) = cause, params == .json(["bad": true]) { return .refused }
      if case .event = cause { scope.response = .reply(status: "ok", payload: .json(["n": 1])) }
      return .returned
    }
    harness.holdsCallbacks = true
    harness.receive(#"["1","1","plain:a","phx_join",{"bad":true}]"#)
    harness.receive(#"["2","2","plain:a","phx_join",{}]"#)
    harness.receive(#"["2","3","plain:a","x",{}]"#)
    harness.holdsCallbacks = false
    let sent = harness.runHeld()
    #expect(sent.map { $0[1] } == ["1", "2", "3"])
    #expect(sent.map { $0[4]?["status"] } == ["error", "ok", "ok"])
  }

  @Test func joinsThatWaitKeepTheirOrder() {
    let harness = harness(router("counter:*", track: ["count"]))
    harness.holdsCallbacks = true
    harness.receive(#"["1","1","counter:1","phx_join",{}]"#)
    harness.receive(#"["2","2","counter:1","phx_join",{}]"#)
    harness.runHeld()
    // The first runs its init; the second waits; the third waits behind it.
    harness.receive(#"["3","3","counter:1","phx_join",{}]"#)
    harness.holdsCallbacks = false
    var sent: [JSON] = []
    while !harness.held.isEmpty { sent += harness.runHeld() }
    #expect(
      sent.filter { $0[3] == "phx_reply" || $0[3] == "phx_close" } == [
        ["2", "2", "counter:1", "phx_reply", ["status": "ok", "response": [:]]],
        ["1", "1", "counter:1", "phx_close", [:]],
        ["3", "3", "counter:1", "phx_reply", ["status": "ok", "response": [:]]],
        ["2", "2", "counter:1", "phx_close", [:]],
      ])
    #expect(sent.last == ["3", nil, "counter:1", "synq:change", ["state": ["count": 0], "version": 0]])
  }

  @Test func aJoinThatWaitedIsCountedOnce() {
    var limits = SocketLimits()
    limits.maxJoinsPerSecond = 2
    let harness = EngineHarness(router("plain:*"), limits: limits)
    harness.holdsCallbacks = true
    harness.receive(#"["1","1","plain:a","phx_join",{}]"#)
    harness.receive(#"["2","2","plain:a","phx_join",{}]"#)
    harness.holdsCallbacks = false
    let sent = harness.runHeld()
    #expect(sent.filter { $0[3] == "phx_reply" }.map { $0[4]?["status"] } == ["ok", "ok"])
  }

  @Test func moreJoinsThanAllowedDoNotWait() {
    var limits = SocketLimits()
    limits.maxQueuedEvents = 1
    let harness = EngineHarness(router("plain:*"), limits: limits)
    harness.holdsCallbacks = true
    harness.receive(#"["1","1","plain:a","phx_join",{}]"#)
    harness.receive(#"["2","2","plain:a","phx_join",{}]"#)
    for event in ["phx_join", "x", "phx_leave"] {
      let sent = harness.receive(#"["2","3","plain:a","\#(event)",{}]"#)
      #expect(sent.map { $0[0] } == ["2"])
      #expect(sent.first?[4]?["response"]?["code"] == "too_many_queued_events")
    }
  }

  /// phoenix.js gives none in version 1; newer Phoenix then takes any (`socket.ex`, "v1 protocol").
  @Test func aChannelJoinedWithoutJoinRefTakesAny() {
    let harness = harness(router("counter:*", track: ["count"]))
    harness.receive(#"[null,"1","counter:1","phx_join",{}]"#)
    #expect(harness.receive(#"["9","2","counter:1","inc",{}]"#).first?[1] == "2")
    #expect(
      harness.receive(#"["9","3","counter:1","phx_leave",{}]"#) == [
        [nil, "3", "counter:1", "phx_reply", ["status": "ok", "response": [:]]],
        [nil, nil, "counter:1", "phx_close", [:]],
      ])
  }

  @Test func topicsAreTheirBytes() {
    let harness = EngineHarness(router("room:*"))
    let composed = "room:\u{e9}"
    let decomposed = "room:e\u{301}"
    for (ref, topic) in [("1", composed), ("2", decomposed)] {
      let sent = harness.receive("[\"\(ref)\",\"\(ref)\",\"\(topic)\",\"phx_join\",{}]")
      #expect(sent.map { $0[3]?.stringValue } == ["phx_reply"])
    }
    #expect(harness.channelCount == 2)
    #expect(harness.key(composed) != harness.key(decomposed))
  }

  @Test func aWaitingChannelThatCrashesLeavesTheTopicToTheOneBefore() {
    let harness = EngineHarness(router("c:*"))
    harness.receive(#"["1","1","c:1","phx_join",{}]"#)
    harness.holdsCallbacks = true
    harness.receive(#"["1","2","c:1","phx_leave",{}]"#)
    harness.receive(#"["2","3","c:1","phx_join",{}]"#)
    #expect(harness.receive(#"["2","4","c:1",5,{}]"#).last?[3] == "phx_error")
    #expect(harness.receive(#"["3","5","c:1","phx_join",{}]"#) == [])
    #expect(harness.held.map(\.cause.callbackName) == ["before_close"])
    harness.holdsCallbacks = false
    let sent = harness.runHeld()
    #expect(sent.contains(["3", "5", "c:1", "phx_reply", ["status": "ok", "response": [:]]]))
    #expect(harness.channelCount == 1)
  }

  @Test(arguments: [ChannelSpec.Callbacks.all, [.authorize, .beforeClose]])
  func aStopInsideAuthorizeEndsTheChannelOnceItHasJoined(callbacks: ChannelSpec.Callbacks) {
    let harness = EngineHarness(router("c:*", callbacks: callbacks))
    harness.callbacks["c:*"] = { cause, scope in
      if case .authorize = cause { scope.stop = CloseReason(rawValue: "shutdown:full") }
      return .returned
    }
    let sent = harness.receive(#"["1","1","c:1","phx_join",{}]"#)
    #expect(sent.map { $0[3]?.stringValue } == ["phx_reply", "phx_close"])
    #expect(harness.ran.last == "before_close shutdown:full")
    #expect(harness.channelCount == 0)
  }

  @Test func anAssignOfTheConnectionThatATrackedOneCannotHoldIsInTheLog() {
    let harness = EngineHarness(
      router("c:*", track: ["user"]), assigns: ["user": ["__proto__": 1], "free": 1])
    harness.receive(#"["1","1","c:1","phx_join",{}]"#)
    #expect(harness.logs.map(\.level) == [.warning])
    #expect(harness.logs.first?.fields.last?.value == "user")
  }
}
