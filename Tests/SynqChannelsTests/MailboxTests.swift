import SynqJSON
import Testing

@testable import SynqChannels

/// What waits for a channel whose callback runs.
@Suite struct MailboxTests {
  private func busy(maxQueuedMessages: Int = 10_000) throws -> (EngineHarness, ChannelKey) {
    var limits = SocketLimits()
    limits.maxQueuedMessages = maxQueuedMessages
    let harness = EngineHarness(router("counter:*", track: ["count"]), limits: limits)
    harness.callbacks["counter:*"] = counter
    harness.receive(#"["1","1","counter:1","phx_join",{}]"#)
    harness.holdsCallbacks = true
    harness.receive(#"["1","2","counter:1","inc",{}]"#)
    return (harness, try #require(harness.key("counter:1")))
  }

  private func message(_ name: String, key: String? = nil) -> HostMessage {
    HostMessage(topic: "counter:1", name: name, payload: .empty, key: key)
  }

  @Test func theNewestMessageOfAKeyTakesThePlaceOfOlderOnes() throws {
    let (harness, key) = try busy()
    for message in [
      message("a", key: "k"), message("b"), message("a", key: "other"), message("a", key: "k"),
      message("c", key: "k"),
    ] { harness.perform { $0.deliver(message, to: key, into: &$1) } }
    #expect(harness.queuedMessages == 4)
    harness.holdsCallbacks = false
    harness.runHeld()
    #expect(harness.ran.suffix(4) == ["b", "a", "a", "c"].map { "handle_message \($0)" })
    #expect(harness.queuedMessages == 0)
  }

  /// A channel that stands still for a day costs one message for each key.
  @Test func messagesThatReplaceOneAnotherTakeNoRoom() throws {
    let (harness, key) = try busy(maxQueuedMessages: 3)
    for number in 0..<100_000 {
      let message = message("at", key: "\(number % 3)")
      harness.perform { $0.deliver(message, to: key, into: &$1) }
    }
    #expect(harness.queuedMessages == 3)
    #expect(harness.logs.isEmpty)
    harness.holdsCallbacks = false
    harness.runHeld()
    #expect(harness.ran.count { $0 == "handle_message at" } == 3)
  }

  @Test func aChannelThatFallsBehindIsToldOnce() throws {
    let (harness, key) = try busy(maxQueuedMessages: 100)
    for _ in 0..<99 { harness.perform { $0.deliver(message("m"), to: key, into: &$1) } }
    #expect(
      harness.logs.map(\.message)
        == ["messages wait for a channel that does not keep up: it ends when max_queued_messages do"])
    harness.holdsCallbacks = false
    harness.runHeld()
    #expect(harness.ran.count { $0 == "handle_message m" } == 99)
  }

  @Test func whatWaitsForAChannelThatEndsIsCountedNoMore() throws {
    let (harness, key) = try busy()
    for _ in 0..<9 { harness.perform { $0.deliver(message("m"), to: key, into: &$1) } }
    harness.perform { $0.connectionLost(into: &$1) }
    #expect(harness.queuedMessages == 0)
  }

  /// The places of keys stay right while things are taken from the front, put there, and leave holes.
  @Test func keysKeepTheirPlaces() throws {
    var mailbox = Mailbox(MailCount())
    var expected: [String] = []
    var number = 0
    for round in 0..<2_000 {
      number += 1
      let (name, key) = ("m\(number)", round % 3 == 0 ? nil : "\(round % 7)")
      if let key { expected.removeAll { $0.hasSuffix("/\(key)") } }
      expected.append(key.map { "\(name)/\($0)" } ?? name)
      mailbox.append(
        .message(
          HostMessage(topic: "t", name: "m", payload: .json(JSON(expected[expected.count - 1])), key: key)))
      if round % 5 == 0 {
        mailbox.prepend(.stop(.normal))
        guard case .stop? = mailbox.popFirst() else {
          return #expect(Bool(false), "what was put first comes first")
        }
      }
      guard round % 2 == 0 || round % 100 > 90 else { continue }
      guard case .message(let first)? = mailbox.popFirst() else { return #expect(expected.isEmpty) }
      #expect(first.payload.json?.stringValue == expected.removeFirst())
      #expect(mailbox.count == expected.count)
    }
  }
}
