import SynqJSON
import SynqWire
import Testing

@testable import SynqChannels

@Suite struct LifeTests {
  private func joined(_ topics: [String] = ["counter:1"]) -> EngineHarness {
    let harness = EngineHarness(router("counter:*", track: ["count"]))
    harness.callbacks["counter:*"] = counter
    for topic in topics { harness.receive(#"["1","1","\#(topic)","phx_join",{}]"#) }
    return harness
  }

  @Test func leavingRepliesThenClosesAfterBeforeClose() {
    let harness = joined()
    #expect(
      harness.receive(#"["1","2","counter:1","phx_leave",{}]"#) == [
        ["1", "2", "counter:1", "phx_reply", ["status": "ok", "response": [:]]],
        ["1", "1", "counter:1", "phx_close", [:]],
      ])
    #expect(harness.ran.last == "before_close shutdown:left")
  }

  @Test func aLostConnectionEndsEveryChannelOnceAndSendsNothing() {
    let harness = joined(["counter:1", "counter:2"])
    #expect(harness.perform { $0.connectionLost(into: &$1) } == [])
    #expect(harness.ran.filter { $0 == "before_close shutdown:closed" }.count == 2)
    #expect(harness.actions.last == "finished")
    harness.perform { $0.connectionLost(into: &$1) }
    #expect(harness.ran.filter { $0.hasPrefix("before_close") }.count == 2)
  }

  @Test func aConnectionLostDuringACallbackWaitsForIt() {
    let harness = joined()
    harness.holdsCallbacks = true
    harness.receive(#"["1","2","counter:1","inc",{}]"#)
    harness.perform { $0.connectionLost(into: &$1) }
    #expect(!harness.actions.contains("finished"))
    #expect(harness.runHeld() == [])
    #expect(harness.held.map(\.cause.callbackName) == ["before_close"])
    #expect(harness.engine.assigns(at: "counter:1")?["count"] == 1)
    harness.runHeld()
    #expect(harness.actions.last == "finished")
  }

  @Test func whatArrivedBeforeTheConnectionWasLostIsHandledFirst() {
    let harness = joined()
    harness.holdsCallbacks = true
    for ref in 2...6 { harness.receive(#"["1","\#(ref)","counter:1","inc",{}]"#) }
    harness.perform { $0.connectionLost(into: &$1) }
    #expect(harness.handlesLastEvents)
    harness.holdsCallbacks = false
    #expect(harness.runHeld() == [])
    #expect(
      harness.ran.suffix(6) == Array(repeating: "handle_event inc", count: 5) + [
        "before_close shutdown:closed"
      ])
    #expect(harness.actions.last == "finished")
    #expect(!harness.handlesLastEvents)
  }

  @Test func eventsBehindAJoinAreHandledThoughTheConnectionIsLost() {
    let harness = EngineHarness(router("counter:*", track: ["count"]))
    harness.callbacks["counter:*"] = counter
    harness.holdsCallbacks = true
    harness.receive(#"["1","1","counter:1","phx_join",{}]"#)
    harness.receive(#"["1","2","counter:1","inc",{}]"#)
    harness.perform { $0.connectionLost(into: &$1) }
    harness.holdsCallbacks = false
    #expect(harness.runHeld() == [])
    #expect(harness.ran == ["authorize", "init", "handle_event inc", "before_close shutdown:closed"])
    #expect(harness.actions.last == "finished")
  }

  @Test(arguments: [("phx_leave", "shutdown:left"), ("phx_join", "shutdown:duplicate_join")])
  func aLeaveOrJoinBeforeTheLossKeepsItsPlace(_ event: String, _ reason: String) {
    let harness = joined()
    harness.holdsCallbacks = true
    harness.receive(#"["1","2","counter:1","inc",{}]"#)
    harness.receive(#"["1","3","counter:1","inc",{}]"#)
    harness.receive(#"["1","4","counter:1","\#(event)",{}]"#)
    harness.perform { $0.connectionLost(into: &$1) }
    harness.holdsCallbacks = false
    harness.runHeld()
    #expect(harness.ran.filter { $0.hasPrefix("before_close") } == ["before_close \(reason)"])
    #expect(harness.actions.last == "finished")
  }

  @Test func theLastEventsAreGivenUpWhenTheirTimeIsOver() {
    let harness = joined()
    harness.holdsCallbacks = true
    for ref in 2...4 { harness.receive(#"["1","\#(ref)","counter:1","inc",{}]"#) }
    harness.perform { $0.connectionLost(into: &$1) }
    harness.perform { $0.giveUpEvents(into: &$1) }
    #expect(harness.actions.last == "closing")
    harness.runHeld()
    #expect(harness.held.map(\.cause.callbackName) == ["before_close"])
    harness.runHeld()
    #expect(harness.ran.filter { $0 == "handle_event inc" }.count == 1)
    #expect(harness.actions.last == "finished")
  }

  @Test func aCancelledTimersMessageDoesNotComeThoughItWaits() throws {
    let harness = joined()
    harness.callbacks["counter:*"] = { cause, scope in
      if case .event("cancel", _) = cause { scope.effects = [.cancelTimer(7)] }
      return .returned
    }
    let key = try #require(harness.key("counter:1"))
    harness.holdsCallbacks = true
    harness.receive(#"["1","2","counter:1","cancel",{}]"#)
    for timer in [6, 7, 8] as [UInt64] {
      let message = HostMessage(topic: "counter:1", name: "m\(timer)", payload: .empty, timer: timer)
      harness.perform { $0.deliver(message, to: key, into: &$1) }
    }
    harness.holdsCallbacks = false
    harness.runHeld()
    #expect(harness.ran.suffix(2) == ["handle_message m6", "handle_message m8"])
    #expect(harness.actions.last == "cancel 7")
  }

  @Test func aConnectionLostDuringAuthorizeOwesBeforeCloseOnlyIfItSucceeded() {
    for succeeds in [true, false] {
      let harness = EngineHarness(router("counter:*"))
      harness.callbacks["counter:*"] = { cause, _ in
        if case .authorize = cause { return succeeds ? .returned : .refused }
        return .returned
      }
      harness.holdsCallbacks = true
      harness.receive(#"["1","1","counter:1","phx_join",{}]"#)
      harness.perform { $0.connectionLost(into: &$1) }
      harness.holdsCallbacks = false
      #expect(harness.runHeld() == [])
      #expect(harness.ran == (succeeds ? ["authorize", "before_close shutdown:closed"] : ["authorize"]))
      #expect(harness.actions.last == "finished")
    }
  }

  @Test func aDrainEndsChannelsWithItsReasonAndSaysWhenItIsDone() {
    let harness = joined(["counter:1", "counter:2"])
    #expect(harness.perform { $0.drain(reason: .draining, into: &$1) } == [])
    #expect(harness.ran.filter { $0 == "before_close shutdown:draining" }.count == 2)
    #expect(harness.actions.last == "finished")
    #expect(harness.receive(#"["9","9","counter:3","phx_join",{}]"#) == [])
  }

  @Test func messagesOfTheServerReachHandleMessage() throws {
    let harness = joined()
    harness.callbacks["counter:*"] = { cause, scope in
      if case .message(let message) = cause {
        #expect(message.topic == "news")
        #expect(message.name == "tick")
        try? scope.assigns.set("count", to: message.payload.json?["n"] ?? nil)
      }
      return .returned
    }
    let key = try #require(harness.key("counter:1"))
    let sent = harness.perform {
      $0.deliver(HostMessage(topic: "news", name: "tick", payload: .json(["n": 7])), to: key, into: &$1)
    }
    #expect(sent.map { $0[3]?.stringValue } == ["synq:patch"])
  }

  @Test func aChannelThatCannotKeepUpWithItsMessagesCrashes() throws {
    var limits = SocketLimits()
    limits.maxQueuedMessages = 2
    let harness = EngineHarness(router("counter:*", track: ["count"]), limits: limits)
    harness.callbacks["counter:*"] = counter
    harness.receive(#"["1","1","counter:1","phx_join",{}]"#)
    let key = try #require(harness.key("counter:1"))
    harness.holdsCallbacks = true
    let tick = { (engine: inout SocketEngine, output: inout EngineOutput) in
      engine.deliver(HostMessage(topic: "news", name: "tick", payload: .empty), to: key, into: &output)
    }
    for _ in 1...3 { harness.perform(tick) }
    #expect(harness.logs.isEmpty)
    harness.perform(tick)
    #expect(
      harness.logs.last?.fields.last?.value
        == "more messages wait for the channel than max_queued_messages (2)")
    #expect(harness.runHeld().map { $0[3]?.stringValue } == [])
    #expect(harness.runHeld().map { $0[3]?.stringValue } == ["phx_error"])
  }

  @Test func messagesOfTheServerDoNotUseUpTheRoomForEvents() throws {
    var limits = SocketLimits()
    limits.maxQueuedEvents = 2
    limits.maxQueuedMessages = 3
    let harness = EngineHarness(router("counter:*", track: ["count"]), limits: limits)
    harness.callbacks["counter:*"] = counter
    harness.receive(#"["1","1","counter:1","phx_join",{}]"#)
    let key = try #require(harness.key("counter:1"))
    harness.holdsCallbacks = true
    let tick = { (engine: inout SocketEngine, output: inout EngineOutput) in
      engine.deliver(HostMessage(topic: "news", name: "tick", payload: .empty), to: key, into: &output)
    }
    // One runs, three wait.
    for _ in 1...4 { harness.perform(tick) }
    #expect(harness.receive(#"["1","2","counter:1","inc",{}]"#) == [])
    #expect(harness.receive(#"["1","3","counter:1","inc",{}]"#) == [])
    #expect(
      harness.receive(#"["1","4","counter:1","inc",{}]"#)[0][4]?["response"]?["code"]
        == "too_many_queued_events")
    #expect(harness.logs.isEmpty)
    harness.perform(tick)
    #expect(harness.logs.count == 1)
  }

  @Test func effectsBecomeActionsInTheirOrder() throws {
    let harness = joined()
    harness.callbacks["counter:*"] = { cause, scope in
      guard case .event = cause else { return .returned }
      scope.effects = [
        .broadcast(event: "b", payload: .empty, exceptSelf: false),
        .broadcast(event: "b", payload: .empty, exceptSelf: true),
        .publish(message: "p", payload: [:], exceptSelf: false), .subscribe(topic: "t"),
        .unsubscribe(topic: "t"),
        .sendAfter(.milliseconds(5), message: "later", payload: [:], timer: 1),
        .send(message: "self", payload: [:]),
      ]
      return .returned
    }
    harness.receive(#"["1","2","counter:1","go",{}]"#)
    #expect(
      harness.actions.dropFirst() == [
        "broadcast counter:1 b", "broadcast counter:1 b from", "publish counter:1 p", "subscribe t",
        "unsubscribe t",
        "after 0.005 seconds later",
      ])
    #expect(harness.ran.suffix(2) == ["handle_event go", "handle_message self"])
  }

  @Test func aDetachedReplyComesLaterAndOnce() throws {
    let harness = joined()
    let key = try #require(harness.key("counter:1"))
    let deferred = DeferredReply(rawValue: 1)
    harness.callbacks["counter:*"] = { cause, scope in
      if case .event("later", _) = cause { scope.detached = deferred }
      return .returned
    }
    #expect(harness.receive(#"["1","2","counter:1","later",{}]"#) == [])
    #expect(harness.receive(#"["1","3","counter:1","x",{}]"#).count == 1)
    let response = Response.reply(status: "ok", payload: .json(["later": true]))
    #expect(
      harness.perform { _ = $0.reply(deferred, response, of: key, into: &$1) } == [
        ["1", "2", "counter:1", "phx_reply", ["status": "ok", "response": ["later": true]]]
      ])
    var isGiven = true
    #expect(harness.perform { isGiven = $0.reply(deferred, response, of: key, into: &$1) } == [])
    #expect(!isGiven)
  }

  @Test func aDetachedReplyThatIsFasterThanItsCallbackWaitsForIt() throws {
    let harness = joined()
    let key = try #require(harness.key("counter:1"))
    let deferred = DeferredReply(rawValue: 1)
    harness.callbacks["counter:*"] = { cause, scope in
      if case .event("later", _) = cause { scope.detached = deferred }
      return .returned
    }
    harness.holdsCallbacks = true
    #expect(harness.receive(#"["1","2","counter:1","later",{}]"#) == [])
    let response = Response.reply(status: "ok", payload: .json(["early": true]))
    #expect(harness.perform { _ = $0.reply(deferred, response, of: key, into: &$1) } == [])
    #expect(
      harness.runHeld() == [
        ["1", "2", "counter:1", "phx_reply", ["status": "ok", "response": ["early": true]]]
      ])
    var isGiven = true
    #expect(harness.perform { isGiven = $0.reply(deferred, response, of: key, into: &$1) } == [])
    #expect(!isGiven)
  }

  @Test func broadcastsGoToClientsUnlessIntercepted() throws {
    let harness = EngineHarness(router("counter:*") { $0.intercept = ["shout"] })
    harness.receive(#"["1","1","counter:1","phx_join",{}]"#)
    let key = try #require(harness.key("counter:1"))
    #expect(harness.engine.target(ofBroadcast: "bc", topic: "counter:1", at: key) == .client)
    #expect(harness.engine.target(ofBroadcast: "shout", topic: "counter:1", at: key) == .callback)
    #expect(harness.engine.target(ofBroadcast: "bc", topic: "other", at: key) == .callback)
  }

  @Test func bytesToAClientOfV1CrashTheChannelAsInPhoenix() {
    let harness = EngineHarness(router("plain:*"), serializer: .v1)
    harness.callbacks["plain:*"] = { cause, scope in
      if case .event = cause { scope.effects = [.push(event: "bin", payload: .binary([1]))] }
      return .returned
    }
    harness.receive(#"{"topic":"plain:a","event":"phx_join","payload":{},"ref":"1"}"#)
    #expect(
      harness.receive(#"{"topic":"plain:a","event":"x","payload":{},"ref":"2"}"#) == [
        ["topic": "plain:a", "event": "phx_error", "payload": [:], "ref": nil]
      ])
  }

  /// The binary form has one byte for a length: what it cannot carry is no frame with a wrong one.
  @Test func bytesBelowNamesThatAreTooLongCrashTheChannelAsInPhoenix() {
    let topic = "plain:" + String(repeating: "a", count: 250)
    let harness = EngineHarness(router("plain:*"))
    harness.callbacks["plain:*"] = { cause, scope in
      switch cause {
      case .event("push", _): scope.effects = [.push(event: "bin", payload: .binary([1]))]
      case .event("reply", _): scope.response = .reply(status: "ok", payload: .binary([1]))
      default: break
      }
      return .returned
    }
    for event in ["push", "reply"] {
      harness.receive("[\"1\",\"1\",\"\(topic)\",\"phx_join\",{}]")
      #expect(
        harness.receive("[\"1\",\"2\",\"\(topic)\",\"\(event)\",{}]") == [
          ["1", "1", JSON(topic), "phx_error", [:]]
        ])
      #expect(
        harness.logs.last?.fields.last?.value
          == "a binary payload needs refs and names of at most 255 bytes, one has 256")
    }
    // A ref that the limit allows and a byte does not: 256 digits.
    let ref = String(repeating: "7", count: 256)
    harness.receive(#"["1","1","plain:a","phx_join",{}]"#)
    #expect(
      harness.receive("[\"1\",\(ref),\"plain:a\",\"reply\",{}]") == [["1", "1", "plain:a", "phx_error", [:]]])
  }

  @Test func aJoinReplyThatHasNoFormCrashesTheJoin() {
    let harness = EngineHarness(router("plain:*"), serializer: .v1)
    harness.callbacks["plain:*"] = { cause, scope in
      if case .authorize = cause {
        scope.response = .reply(status: "ok", payload: .binary([1]))
      }
      return .returned
    }
    #expect(
      harness.receive(#"{"topic":"plain:a","event":"phx_join","payload":{},"ref":"1"}"#) == [
        [
          "topic": "plain:a", "event": "phx_reply", "ref": "1",
          "payload": ["status": "error", "response": ["reason": "join crashed"]],
        ]
      ])
    // The host let it in, so it is told the end.
    #expect(harness.ran == ["authorize", "before_close crashed"])
    #expect(harness.key("plain:a") == nil)
  }

  @Test func theMostSpecificPatternWins() throws {
    var router = TopicRouter()
    for pattern in ["*", "room:*", "room:vip:*", "room:lobby"] { router.addChannel(pattern) }
    let found = ["x", "room:1", "room:vip:1", "room:lobby"].map { router.match($0)?.pattern.description }
    #expect(found == ["*", "room:*", "room:vip:*", "room:lobby"])
  }

  @Test(arguments: ["", "a*b", "**", "phoenix"])
  func whatIsNoPatternIsRefused(text: String) {
    #expect(throws: TopicPattern.Malformed.self) { try TopicPattern(text) }
  }
}
