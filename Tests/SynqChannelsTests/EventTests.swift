import SynqJSON
import SynqWire
import Testing

@testable import SynqChannels

@Suite struct EventTests {
  /// A joined counter.
  private func joined(
    _ configure: (inout ChannelSpec.Options) -> Void = { _ in }, callbacks: ChannelSpec.Callbacks = .all
  ) -> EngineHarness {
    let harness = EngineHarness(router("counter:*", track: ["count"], callbacks: callbacks, configure))
    harness.callbacks["counter:*"] = counter
    harness.receive(#"["1","1","counter:1","phx_join",{}]"#)
    return harness
  }

  @Test func anEventIsAnsweredBeforeItsPatch() {
    #expect(
      joined().receive(#"["1","2","counter:1","inc",{}]"#) == [
        ["1", "2", "counter:1", "phx_reply", ["status": "ok", "response": [:]]],
        [
          "1", nil, "counter:1", "synq:patch",
          ["operations": [["op": "replace", "path": "/count", "value": 1]], "version": 1],
        ],
      ])
  }

  @Test func anUnchangedStateSendsNothingAndKeepsItsVersion() {
    let harness = joined()
    #expect(harness.receive(#"["1","2","counter:1","same",{}]"#).count == 1)
    #expect(harness.receive(#"["1","3","counter:1","inc",{}]"#).last?[4]?["version"] == 1)
  }

  @Test func pushesComeBeforeTheReply() {
    #expect(
      joined().receive(#"["1","2","counter:1","push",{}]"#) == [
        ["1", nil, "counter:1", "pushed", ["a": 1]],
        ["1", "2", "counter:1", "phx_reply", ["status": "ok", "response": [:]]],
      ])
  }

  @Test func aDeclaredErrorIsTheReplyAndTheChannelGoesOn() {
    let harness = joined()
    #expect(
      harness.receive(#"["1","2","counter:1","fail",{}]"#) == [
        [
          "1", "2", "counter:1", "phx_reply",
          [
            "status": "error",
            "response": [
              "code": "no", "message": "No!", "details": nil, "timestamp": "2026-01-02T03:04:05.678Z",
            ],
          ],
        ]
      ])
    #expect(harness.receive(#"["1","3","counter:1","inc",{}]"#).count == 2)
  }

  @Test(
    arguments: [
      (nil, nil), (.null, nil), (["a": 1], ["a": 1]), ([1], ["value": [1]]), ("x", ["value": "x"]),
      (1, ["value": 1]), (false, ["value": false]),
    ] as [(JSON?, JSON?)])
  func theDetailsOfAnErrorAreAnObjectOrNull(given: JSON?, sent: JSON?) {
    #expect(ErrorReport(code: "c", message: "m", details: given).details == sent)
  }

  @Test func aCrashDropsTheChangesAndSendsPhxError() {
    let harness = joined()
    harness.callbacks["counter:*"] = { cause, scope in
      if case .event = cause {
        try? scope.assigns.set("count", to: 99)
        return .crashed(cause: "on purpose")
      }
      if case .beforeClose = cause { #expect(scope.assigns["count"] == 0) }
      return .returned
    }
    #expect(harness.receive(#"["1","2","counter:1","x",{}]"#) == [["1", "1", "counter:1", "phx_error", [:]]])
    #expect(harness.ran.last == "before_close crashed")
    #expect(harness.logs.last?.fields.map(\.name) == ["topic", "callback", "event", "cause"])
    #expect(
      harness.receive(#"["1","3","counter:1","x",{}]"#) == [
        [nil, "3", "counter:1", "phx_reply", ["status": "error", "response": ["reason": "unmatched topic"]]]
      ])
  }

  @Test func aCrashLeavesTheOtherChannelsAlone() {
    let harness = joined()
    harness.receive(#"["2","2","counter:2","phx_join",{}]"#)
    #expect(
      harness.receive(#"["1","3","counter:1","raise",{}]"#) == [["1", "1", "counter:1", "phx_error", [:]]])
    #expect(harness.receive(#"["2","4","counter:2","inc",{}]"#).last?[4]?["version"] == 1)
    #expect(harness.actions.filter { $0.hasPrefix("close") } == [])
  }

  @Test func whatWasPushedBeforeACrashIsSent() {
    let harness = joined()
    harness.callbacks["counter:*"] = { _, scope in
      scope.effects.append(.push(event: "before", payload: .empty))
      return .crashed(cause: "on purpose")
    }
    #expect(
      harness.receive(#"["1","2","counter:1","x",{}]"#).map { $0[3]?.stringValue } == ["before", "phx_error"])
  }

  @Test func stoppingSendsNoReceipt() {
    let harness = joined()
    #expect(
      harness.receive(#"["1","2","counter:1","stop",{}]"#) == [["1", "1", "counter:1", "phx_close", [:]]])
    #expect(harness.ran.last == "before_close normal")
  }

  @Test(arguments: [
    ("normal", "phx_close"), ("shutdown", "phx_close"), ("shutdown:done", "phx_close"), ("odd", "phx_error"),
  ])
  func theReasonOfAStopDecidesHowTheClientSeesIt(reason: String, event: String) {
    let harness = joined()
    harness.callbacks["counter:*"] = { cause, scope in
      if case .event = cause {
        scope.response = .reply(status: "ok", payload: .json(["bye": true]))
        scope.stop = CloseReason(rawValue: reason)
      }
      return .returned
    }
    #expect(
      harness.receive(#"["1","2","counter:1","x",{}]"#) == [
        ["1", "2", "counter:1", "phx_reply", ["status": "ok", "response": ["bye": true]]],
        ["1", "1", "counter:1", JSON(event), [:]],
      ])
    #expect(harness.ran.last == "before_close \(reason)")
  }

  @Test func oneCallbackOfAChannelRunsAtATime() {
    let harness = joined()
    harness.holdsCallbacks = true
    harness.receive(#"["1","2","counter:1","inc",{}]"#)
    harness.receive(#"["1","3","counter:1","inc",{}]"#)
    #expect(harness.held.count == 1)
    let first = harness.runHeld()
    #expect(first.map { $0[1] ?? "" } == ["2", nil])
    #expect(harness.held.count == 1)
    #expect(harness.runHeld().last?[4]?["version"] == 2)
  }

  @Test func moreQueuedEventsThanAllowedAreRefused() {
    var limits = SocketLimits()
    limits.maxQueuedEvents = 1
    let harness = EngineHarness(router("counter:*", track: ["count"]), limits: limits)
    harness.callbacks["counter:*"] = counter
    harness.receive(#"["1","1","counter:1","phx_join",{}]"#)
    harness.holdsCallbacks = true
    harness.receive(#"["1","2","counter:1","inc",{}]"#)
    #expect(harness.receive(#"["1","3","counter:1","inc",{}]"#) == [])
    #expect(
      harness.receive(#"["1","4","counter:1","inc",{}]"#).first?[4]?["response"]?["code"]
        == "too_many_queued_events")
  }

  @Test func aStaleJoinRefIsDroppedAndNullIsValid() {
    let harness = joined()
    #expect(harness.receive(#"["9","2","counter:1","inc",{}]"#) == [])
    #expect(harness.receive(#"["9","3","counter:1","phx_leave",{}]"#) == [])
    #expect(harness.receive(#"[null,"4","counter:1","inc",{}]"#).count == 2)
    #expect(
      harness.receive(#"[null,"5","counter:1","phx_leave",{}]"#).map { $0[3]?.stringValue } == [
        "phx_reply", "phx_close",
      ])
  }

  /// Not even of a topic that nobody could join: Phoenix looks for the channel alone.
  @Test(arguments: ["\"counter:never\"", "\"nosuch\"", "\"phoenix\"", "5", "null"])
  func leavingWhatIsNotJoinedIsNoError(topic: String) {
    #expect(
      joined().receive(#"["9","5",\#(topic),"phx_leave",{}]"#) == [
        ["9", "5", .text(topic), "phx_reply", ["status": "ok", "response": [:]]]
      ])
  }

  @Test func aLeaveBeyondTheLimitDoesNotWait() {
    var limits = SocketLimits()
    limits.maxQueuedEvents = 1
    let harness = EngineHarness(router("counter:*", track: ["count"]), limits: limits)
    harness.callbacks["counter:*"] = counter
    harness.receive(#"["1","1","counter:1","phx_join",{}]"#)
    harness.holdsCallbacks = true
    harness.receive(#"["1","2","counter:1","inc",{}]"#)
    harness.receive(#"["1","3","counter:1","inc",{}]"#)
    let refused = harness.receive(#"["1","4","counter:1","synq:refresh",{}]"#)
    #expect(refused.first?[4]?["response"]?["code"] == "too_many_queued_events")
    #expect(
      harness.receive(#"["1","5","counter:1","phx_leave",{}]"#) == [
        ["1", "5", "counter:1", "phx_reply", ["status": "ok", "response": [:]]],
        [
          nil, "3", "counter:1", "phx_reply", ["status": "error", "response": ["reason": "unmatched topic"]],
        ],
      ])
    harness.holdsCallbacks = false
    #expect(harness.runHeld() == [["1", "1", "counter:1", "phx_close", [:]]])
    #expect(harness.ran.last == "before_close shutdown:left")
  }

  @Test func aHeartbeatIsAnswered() {
    let harness = joined()
    #expect(
      harness.receive(#"["5","2","phoenix","heartbeat",{"a":1}]"#) == [
        [nil, "2", "phoenix", "phx_reply", ["status": "ok", "response": [:]]]
      ])
    #expect(harness.receive(#"[null,"4","phoenix","other",{}]"#).first?[4]?["status"] == "error")
  }

  @Test func anEventNameThatIsNoStringCrashesTheChannel() {
    #expect(joined().receive(#"["1","2","counter:1",5,{}]"#) == [["1", "1", "counter:1", "phx_error", [:]]])
  }

  @Test func aHostWithoutHandleEventAnswersWithAnError() {
    let harness = joined(callbacks: [.initialize])
    #expect(
      harness.receive(#"["1","2","counter:1","x",{}]"#).first?[4]?["response"]?["code"] == "unknown_event")
  }

  @Test(arguments: ["synq:event:inc", "inc"])
  func theDialectsPrefixIsOptional(event: String) {
    #expect(joined().receive(#"["1","2","counter:1","\#(event)",{}]"#).last?[4]?["version"] == 1)
  }

  @Test func aTypedEventIsUnwrapped() {
    let harness = joined()
    #expect(
      harness.receive(#"["1","2","counter:1","synq:event",{"type":"inc","payload":{}}]"#).last?[4]?["version"]
        == 1)
    #expect(
      harness.receive(#"["1","3","counter:1","synq:event",{"payload":{}}]"#).first?[4]?["response"]?["code"]
        == "malformed_event")
  }

  @Test(arguments: [
    "{", "[]", "5", "[\"1\",\"2\",\"t\",\"e\"]", "{\"topic\":\"t\"}", "[1,2,\"t\",\"e\",{}] x",
  ])
  func whatIsNoMessageClosesTheConnection(text: String) {
    let harness = joined()
    #expect(harness.receive(text) == [])
    #expect(harness.actions.last == "close 1011 ")
    #expect(harness.logs.last?.message == "the client sent what is no message")
    #expect(harness.logs.last?.fields.map(\.name) == ["reason", "at"])
  }

  @Test func aPayloadTooComplexIsAnsweredWhereARefAllowsIt() {
    let harness = joined()
    let deep = String(repeating: "[", count: 129) + String(repeating: "]", count: 129)
    let sent = harness.receive(#"["1","2","counter:1","inc",\#(deep)]"#)
    #expect(
      sent == [
        [
          "1", "2", "counter:1", "phx_reply",
          [
            "status": "error",
            "response": [
              "code": "payload_too_complex",
              "message": "the payload is beyond max_json_depth: nested too deep",
              "details": nil, "timestamp": "2026-01-02T03:04:05.678Z",
            ],
          ],
        ]
      ])
    #expect(harness.receive(#"["1","3","counter:1","inc",{}]"#).count == 2)
    #expect(harness.receive(#"["1",null,"counter:1","inc",\#(deep)]"#) == [])
    #expect(harness.actions.last == "close 1011 ")
    #expect(harness.logs.last?.fields.map(\.value) == ["nested too deep", "156"])
  }

  @Test func extraElementsAreIgnored() {
    #expect(joined().receive(#"["1","2","counter:1","inc",{},1,{"a":2}]"#).count == 2)
  }

  @Test func namesBeyondTheirLimitsAreRefused() {
    var limits = SocketLimits()
    limits.maxTopicBytes = 10
    limits.maxEventBytes = 3
    limits.maxRefBytes = 5
    let harness = EngineHarness(router("plain:*"), limits: limits)
    #expect(
      harness.receive(#"["1","1","plain:123456","phx_join",{}]"#).first?[4]?["response"]?["code"]
        == "topic_too_long")
    #expect(
      harness.receive(#"["1","1","plain:1","phx_join",{}]"#).first?[4]?["response"]?["code"]
        == "event_not_allowed")
    #expect(harness.receive(#"["1","123456","plain:1","abc",{}]"#) == [])
    #expect(harness.actions.last == "close 1008 max_ref_bytes")
  }

  @Test func aFloodGetsErrorsAndTimeRefillsTheBucket() {
    var limits = SocketLimits()
    limits.maxMessagesPerSecond = 2
    let harness = EngineHarness(router("plain:*"), limits: limits)
    for _ in 0..<2 { #expect(harness.receive(#"[null,"1","phoenix","heartbeat",{}]"#).count == 1) }
    harness.engine.now += 500_000_000
    #expect(harness.receive(#"[null,"1","phoenix","heartbeat",{}]"#).count == 1)
    for ref in 2...4 {
      let reply = harness.receive(#"["1","\#(ref)","plain:1","phx_join",{}]"#).first
      #expect(reply?[1] == JSON("\(ref)") && reply?[2] == "plain:1")
      #expect(reply?[4]?["response"]?["code"] == "too_many_messages")
    }
    #expect(harness.logs.count == 1)
    harness.engine.now += 500_000_000
    #expect(harness.receive(#"[null,"5","phoenix","heartbeat",{}]"#).first?[4]?["status"] == "ok")
    // Nobody could be told.
    #expect(harness.receive(#"[null,null,"phoenix","heartbeat",{}]"#) == [])
    #expect(harness.actions.last == "close 1008 max_messages_per_second")
    #expect(harness.logs.count == 2)
  }

  @Test func tooManyJoinsAreRefusedUntilTimeHasPassed() {
    var limits = SocketLimits()
    limits.maxJoinsPerSecond = 1
    let harness = EngineHarness(router("plain:*"), limits: limits)
    #expect(harness.receive(#"["1","1","plain:1","phx_join",{}]"#).first?[4]?["status"] == "ok")
    #expect(
      harness.receive(#"["2","2","plain:2","phx_join",{}]"#).first?[4]?["response"]?["code"]
        == "too_many_joins")
    harness.engine.now += 1_000_000_000
    #expect(harness.receive(#"["3","3","plain:2","phx_join",{}]"#).first?[4]?["status"] == "ok")
  }
}
