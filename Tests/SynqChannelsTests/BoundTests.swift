import SynqJSON
import SynqWire
import Testing

@testable import SynqChannels

/// What a client may make the server keep or do, whatever it sends in whatever order.
@Suite struct BoundTests {
  private func harness(
    _ limits: SocketLimits = SocketLimits(), callbacks: ChannelSpec.Callbacks = .all
  ) -> EngineHarness {
    let harness = EngineHarness(router("c:*", track: ["n"], callbacks: callbacks), limits: limits)
    harness.callbacks["c:*"] = { cause, scope in
      if case .initialize = cause {
        try? scope.assigns.set("n", to: JSON(String(repeating: "x", count: 1000)))
      }
      return .returned
    }
    return harness
  }

  @Test func statesThatARefreshAsksForWaitWhereTheOutboxIsFull() {
    let harness = harness()
    harness.receive(#"["1","1","c:1","phx_join",{}]"#)
    var output = EngineOutput()
    let refresh = Array(#"["1","2","c:1","synq:refresh",{}]"#.utf8)
    for _ in 0..<1000 {
      refresh.withUnsafeBytes { harness.engine.receive(text: $0, limits: JSONLimits(), into: &output) }
    }
    #expect(output.outbox.bytes.count < SocketEngine.fullOutbox + 2000 + 1000 * 100)
    #expect(harness.hasWaitingStates)
    output.outbox.removeAll()
    harness.engine.encodeStates(into: &output)
    #expect(output.outbox.marks.count == 1)
    #expect(!harness.hasWaitingStates)
  }

  @Test func manyStatesThatWaitAreEncodedInParts() {
    let harness = harness()
    for n in 0..<100 { harness.receive(#"["1","1","c:\#(n)","phx_join",{}]"#) }
    harness.engine.isWritable = false
    for n in 0..<100 { harness.receive(#"["1","2","c:\#(n)","synq:refresh",{}]"#) }
    var output = EngineOutput()
    var states = 0
    while harness.engine.hasWaitingStates {
      harness.engine.encodeStates(into: &output)
      #expect(output.outbox.bytes.count < SocketEngine.fullOutbox + 2000)
      states += output.outbox.marks.count
      output.outbox.removeAll()
    }
    #expect(states == 100)
  }

  /// What a client joins with goes when `init` is done; where it failed, and may be tried again, it counts as what waits.
  @Test func paramsGoWhenInitIsDone() {
    var limits = SocketLimits()
    limits.maxQueuedBytes = 5_000
    let params = #"{"x":"\#(String(repeating: "p", count: 2_000))"}"#
    for callbacks in [ChannelSpec.Callbacks.all, []] {
      let harness = harness(limits, callbacks: callbacks)
      for n in 0..<20 { harness.receive(#"["1","1","c:\#(n)","phx_join",\#(params)]"#) }
      #expect(harness.engine.heldBytes == 0)
    }
    let failing = harness(limits)
    var seen: [Payload] = []
    failing.callbacks["c:*"] = { cause, scope in
      guard case .initialize(let params) = cause else { return .returned }
      seen.append(params)
      scope.response = .error(ErrorReport(code: "not_yet", message: ""))
      return .returned
    }
    for n in 0..<20 { failing.receive(#"["1","1","c:\#(n)","phx_join",\#(params)]"#) }
    #expect((4_000...5_000).contains(failing.engine.heldBytes))
    #expect(seen.count == 2)
    failing.receive(#"["1","2","c:0","synq:refresh",{}]"#)
    #expect(seen.count == 3 && seen.last?.size == seen.first?.size)
  }

  @Test func channelsThatEndAreNotWithoutEnd() {
    var limits = SocketLimits()
    limits.maxChannels = 4
    let harness = harness(limits)
    var refused = 0
    for round in 0..<10 {
      for n in 0..<4 { harness.receive(#"["1","1","c:\#(round)-\#(n)","phx_join",{}]"#) }
      harness.holdsCallbacks = true
      for n in 0..<4 {
        harness.receive(#"["1","2","c:\#(round)-\#(n)","phx_leave",{}]"#)
        let sent = harness.receive(#"["2","3","c:\#(round)-\#(n)","phx_join",{}]"#)
        refused += sent.count { $0[4]?["response"]?["reason"] == "too many channels joined" }
      }
      harness.holdsCallbacks = false
    }
    #expect(harness.held.count <= 8)
    #expect(refused > 0)
  }

  @Test func whatWaitsIsFewBytes() {
    var limits = SocketLimits()
    limits.maxQueuedBytes = 1000
    let harness = harness(limits)
    for n in 1...2 { harness.receive(#"["1","1","c:\#(n)","phx_join",{}]"#) }
    harness.holdsCallbacks = true
    for n in 1...2 { #expect(harness.receive(#"["1","2","c:\#(n)","a",{}]"#) == []) }
    let large = String(repeating: "y", count: 800)
    // One may be larger than all, and is then alone.
    #expect(harness.receive(#"["1","3","c:1","b","\#(large)\#(large)"]"#) == [])
    let sent = harness.receive(#"["1","4","c:2","b","\#(large)"]"#)
    #expect(sent.first?[4]?["response"]?["code"] == "too_many_queued_events")
    harness.runHeld()
    harness.runHeld()
    #expect(harness.receive(#"["1","5","c:2","b","\#(large)"]"#).first?[4]?["response"]?["code"] == nil)
  }

  @Test(arguments: [#""n\u0000""#, "\"\(String(repeating: "n", count: 257))\""])
  func theNameInATypedEventIsAsLimitedAsAnEvents(name: String) {
    let harness = harness()
    harness.receive(#"["1","1","c:1","phx_join",{}]"#)
    let sent = harness.receive(#"["1","2","c:1","synq:event",{"type":\#(name)}]"#)
    #expect(sent.first?[4]?["response"]?["code"] == "event_not_allowed")
    #expect(!harness.ran.contains { $0.hasPrefix("handle_event") })
  }

  @Test func anEventsNameIsWhatFollowsThePrefixByteByByte() {
    let harness = harness()
    harness.receive(#"["1","1","c:1","phx_join",{}]"#)
    harness.receive("[\"1\",\"2\",\"c:1\",\"synq:event:\u{301}x\",{}]")
    #expect(harness.ran.last.map { Array($0.utf8) } == Array("handle_event \u{301}x".utf8))
  }

  @Test func messagesToOneselfAreBoundedAndNeedAHandler() {
    var limits = SocketLimits()
    limits.maxQueuedMessages = 3
    let harness = harness(limits)
    harness.receive(#"["1","1","c:1","phx_join",{}]"#)
    let effects = (0..<5).map { Effect.send(message: "m\($0)", payload: .emptyObject) }
    harness.callbacks["c:*"] = { cause, scope in
      if case .event = cause { scope.effects = effects }
      return .returned
    }
    #expect(harness.receive(#"["1","2","c:1","flood",{}]"#).last?[3] == "phx_error")
    #expect(!harness.ran.contains("handle_message m0"))

    let deaf = self.harness(callbacks: [.handleEvent])
    deaf.callbacks["c:*"] = { _, scope in
      scope.effects = [.send(message: "lost", payload: .emptyObject)]
      return .returned
    }
    deaf.receive(#"["1","1","c:1","phx_join",{}]"#)
    deaf.receive(#"["1","2","c:1","send",{}]"#)
    #expect(deaf.logs.last?.message == "a message was dropped: the channel has no handle_message")
  }

  @Test func leavesAndJoinsThatWaitedAreWorkedOffOneAfterTheOther() {
    var limits = SocketLimits()
    limits.maxQueuedEvents = 10_000
    let harness = harness(limits, callbacks: [.handleEvent])
    harness.receive(#"["0","0","c:1","phx_join",{}]"#)
    harness.holdsCallbacks = true
    harness.receive(#"["0","1","c:1","slow",{}]"#)
    for n in 1...600 {
      harness.receive(#"["\#(n)","\#(n)","c:1","phx_join",{}]"#)
      harness.receive(#"["\#(n)","l\#(n)","c:1","phx_leave",{}]"#)
    }
    let sent = harness.runHeld()
    #expect(sent.count { $0[3] == "phx_close" } == 601)
    #expect(harness.key("c:1") == nil)
    #expect(harness.channelCount == 0)
  }
}
