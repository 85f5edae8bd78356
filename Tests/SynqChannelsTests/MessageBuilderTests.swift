import SynqJSON
import SynqWire
import Testing

@testable import SynqChannels

/// A host that builds the messages of the state itself.
@Suite struct MessageBuilderTests {
  /// Joined to a channel whose builder says "full" and "diff"; `inc` adds one to `n`, `stop` does and ends the channel.
  private func joined(
    _ builder: ChannelSpec.Callbacks = .messageBuilder, limits: SocketLimits = SocketLimits(),
    _ configure: (inout ChannelSpec.Options) -> Void = { _ in }
  ) -> (EngineHarness, [JSON]) {
    let harness = EngineHarness(
      router("c:*", track: ["n"], callbacks: .all.union(builder), configure), limits: limits)
    harness.callbacks["c:*"] = { cause, scope in
      switch cause {
      case .initialize: try? scope.assigns.set("n", to: 0)
      case .event("inc", _), .event("stop", _):
        _ = try? scope.assigns.increment(at: "/n", by: 1)
        if case .event("stop", _) = cause { scope.stop = .normal }
      case .event("set", let payload): try? scope.assigns.set("n", to: payload.json ?? .null)
      case .newState(let state, let version):
        scope.message = StateMessage(event: "full", payload: ["is": state, "v": JSON(version)])
      case .updateState(let from, let to, let version):
        scope.message = StateMessage(
          event: "diff", payload: ["from": from, "to": to, "v": JSON(version)])
      default: break
      }
      return .returned
    }
    return (harness, harness.receive(#"["1","1","c:1","phx_join",{}]"#))
  }

  private let first: JSON = ["1", nil, "c:1", "full", ["is": ["n": 0], "v": 0]]

  private func diff(_ from: JSON, _ to: JSON, _ version: Int) -> JSON {
    ["1", nil, "c:1", "diff", ["from": ["n": from], "to": ["n": to], "v": JSON(version)]]
  }

  @Test func theFirstStateAndEachChangeAreTheHostsMessages() {
    let (harness, joined) = joined()
    #expect(joined == [["1", "1", "c:1", "phx_reply", ["status": "ok", "response": [:]]], first])
    let reply: JSON = ["1", "2", "c:1", "phx_reply", ["status": "ok", "response": [:]]]
    #expect(harness.receive(#"["1","2","c:1","inc",{}]"#) == [reply, diff(0, 1, 1)])
    #expect(harness.receive(#"["1","3","c:1","inc",{}]"#).last == diff(1, 2, 2))
    #expect(
      harness.ran == [
        "authorize", "init", "new_state", "handle_event inc", "update_state", "handle_event inc",
        "update_state",
      ])
  }

  @Test func anUnchangedStateAsksForNothing() {
    let (harness, _) = joined()
    #expect(harness.receive(#"["1","2","c:1","set",0]"#).count == 1)
    #expect(harness.ran.last == "handle_event set")
    #expect(harness.receive(#"["1","3","c:1","inc",{}]"#).last == diff(0, 1, 1))
  }

  @Test func atTheWrapTheFullStateIsBuiltWithVersionZero() {
    let (harness, _) = joined { $0.maxVersion = 1 }
    harness.receive(#"["1","2","c:1","inc",{}]"#)
    let full: JSON = ["1", nil, "c:1", "full", ["is": ["n": 2], "v": 0]]
    #expect(harness.receive(#"["1","3","c:1","inc",{}]"#).last == full)
    #expect(harness.receive(#"["1","4","c:1","inc",{}]"#).last == diff(2, 3, 1))
  }

  @Test func aRefreshIsAnsweredWithTheFullStateAndTheCurrentVersion() {
    let (harness, _) = joined()
    harness.receive(#"["1","2","c:1","inc",{}]"#)
    let full: JSON = ["1", nil, "c:1", "full", ["is": ["n": 1], "v": 1]]
    #expect(harness.receive(#"["1","3","c:1","synq:refresh",{}]"#).last == full)
    #expect(harness.receive(#"["1","4","c:1","inc",{}]"#).last == diff(1, 2, 2))
  }

  @Test func whileTheClientDoesNotReadChangesBecomeOneMessage() {
    let (harness, _) = joined()
    harness.engine.isWritable = false
    for ref in 2...4 { #expect(harness.receive(#"["1","\#(ref)","c:1","inc",{}]"#).count == 1) }
    harness.engine.isWritable = true
    #expect(harness.perform { $0.encodeStates(into: &$1) } == [diff(0, 3, 1)])
    #expect(harness.perform { $0.encodeStates(into: &$1) } == [])
  }

  @Test func aStateThatIsDueWhileACallbackRunsIsBuiltAfterIt() {
    let (harness, _) = joined()
    harness.engine.isWritable = false
    harness.receive(#"["1","2","c:1","inc",{}]"#)
    harness.holdsCallbacks = true
    harness.receive(#"["1","3","c:1","inc",{}]"#)
    harness.engine.isWritable = true
    #expect(harness.perform { $0.encodeStates(into: &$1) } == [])
    #expect(harness.runHeld().count == 1)
    #expect(harness.runHeld() == [diff(0, 2, 1)])
  }

  @Test func whatComesWhileAMessageIsBuiltWaitsForIt() {
    let (harness, _) = joined()
    harness.holdsCallbacks = true
    harness.receive(#"["1","2","c:1","inc",{}]"#)
    #expect(harness.runHeld().count == 1)
    #expect(harness.receive(#"["1","3","c:1","inc",{}]"#) == [])
    #expect(harness.runHeld() == [diff(0, 1, 1)])
    #expect(harness.runHeld().count == 1)
    #expect(harness.runHeld() == [diff(1, 2, 2)])
  }

  @Test func theLastStateComesBeforeTheEndThatFollowsIt() {
    let (harness, _) = joined()
    harness.holdsCallbacks = true
    harness.receive(#"["1","2","c:1","stop",{}]"#)
    harness.runHeld()
    harness.receive(#"["1","3","c:1","inc",{}]"#)
    let sent = harness.runHeld()
    #expect(sent.first == diff(0, 1, 1))
    #expect(harness.runHeld().last == ["1", "1", "c:1", "phx_close", [:]])
    #expect(harness.held.isEmpty)
  }

  @Test(arguments: [false, true])
  func aBuilderThatFailsOrGivesNoMessageCrashesTheChannel(fails: Bool) {
    let (harness, _) = joined()
    let callback = harness.callbacks["c:*"]
    harness.callbacks["c:*"] = { cause, scope in
      guard case .updateState = cause else { return callback?(cause, &scope) ?? .returned }
      return fails ? .crashed(cause: "on purpose") : .returned
    }
    #expect(harness.receive(#"["1","2","c:1","inc",{}]"#).last == ["1", "1", "c:1", "phx_error", [:]])
    #expect(harness.ran.last == "before_close crashed")
    let fields = harness.logs.last?.fields.map { "\($0.name)=\($0.value)" }
    let cause = fails ? "on purpose" : "it returned without a message for the state"
    #expect(fields == ["topic=c:1", "callback=update_state", "cause=\(cause)"])
  }

  @Test func theConnectionMayBeLostWhileAMessageIsBuilt() {
    let (harness, _) = joined()
    harness.holdsCallbacks = true
    harness.receive(#"["1","2","c:1","inc",{}]"#)
    harness.runHeld()
    harness.perform { $0.connectionLost(into: &$1) }
    #expect(harness.runHeld() == [])
    #expect(harness.runHeld() == [])
    #expect(harness.ran.suffix(2) == ["update_state", "before_close shutdown:closed"])
    #expect(harness.actions.suffix(2) == ["ended", "finished"])
  }

  @Test func oneHalfOfABuilderLeavesTheOtherToTheLibrary() {
    let (full, sent) = joined(.newState)
    #expect(sent.last == first)
    #expect(full.receive(#"["1","2","c:1","inc",{}]"#).last?[3] == "synq:patch")
    let (patch, joined) = joined(.updateState)
    #expect(joined.last == ["1", nil, "c:1", "synq:change", ["state": ["n": 0], "version": 0]])
    #expect(patch.receive(#"["1","2","c:1","inc",{}]"#).last == diff(0, 1, 1))
  }

  @Test func aPatchOfTheLibrarysBeyondItsLimitIsTheHostsFullState() {
    var limits = SocketLimits()
    limits.maxPatchBytes = 80
    let (harness, _) = joined(.newState, limits: limits)
    #expect(harness.receive(#"["1","2","c:1","inc",{}]"#).last?[3] == "full")
    #expect(harness.receive(#"["1","3","c:1","inc",{}]"#).last?[4]?["v"] == 2)
  }

  @Test func theLimitOfPatchesDoesNotBoundTheHostsMessages() {
    var limits = SocketLimits()
    limits.maxPatchBytes = 1
    #expect(joined(limits: limits).0.receive(#"["1","2","c:1","inc",{}]"#).last == diff(0, 1, 1))
  }

  @Test func aBuilderSeesWhatIsTrackedAsItIs() {
    let (harness, _) = joined()
    #expect(
      harness.receive(#"["1","2","c:1","set",{"__meta__":1}]"#).last == diff(0, ["__meta__": 1], 1))
  }
}
