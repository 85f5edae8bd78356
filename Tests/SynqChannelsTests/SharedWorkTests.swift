import SynqJSON
import SynqWire
import Testing

@testable import SynqChannels

/// Channels that get the same message share what they make of it, and nobody can tell but by the memory.
struct SharedWorkTests {
  /// Joins `topics`, whose `list` is what `initial` gives; a message does to it what `handle` does.
  private func harness(
    _ router: TopicRouter, _ topics: [String], initial: @escaping (String) -> JSON = { _ in [1, 2] },
    handle: @escaping (Int, inout Assigns) throws -> Void
  ) -> EngineHarness {
    let harness = EngineHarness(router)
    var joined = 0
    var member = 0
    for pattern in Set(topics.map { $0.prefix { $0 != ":" } + ":*" }) {
      harness.callbacks[String(pattern)] = { cause, scope in
        switch cause {
        case .initialize:
          try? scope.assigns.set("list", to: initial(topics[joined]))
          joined += 1
        case .message:
          defer { member = (member + 1) % topics.count }
          do { try handle(member, &scope.assigns) } catch { return .crashed(cause: "\(error)") }
        default: break
        }
        return .returned
      }
    }
    for (index, topic) in topics.enumerated() {
      harness.receive(#"["\#(index)","\#(index)","\#(topic)","phx_join",{}]"#)
    }
    return harness
  }

  private func deliver(_ message: HostMessage, to topics: [String], of harness: EngineHarness) -> [JSON] {
    topics.flatMap { topic -> [JSON] in
      guard let key = harness.key(topic) else { return ["\(topic) is gone"] }
      return harness.perform { $0.deliver(message, to: key, into: &$1) }
    }
  }

  private func said(_ payload: JSON = .emptyObject, isShared: Bool = true) -> HostMessage {
    HostMessage(topic: "news", name: "said", payload: .json(payload), isShared: isShared)
  }

  private func list(_ topic: String, of harness: EngineHarness) -> JSON? {
    harness.key(topic).flatMap { harness.engine[$0]?.assigns["list"] }
  }

  @Test func membersThatDoTheSameShareTheMemoryAndThePatch() {
    let topics = ["room:1", "room:2", "room:3"]
    let harness = harness(router("room:*", track: ["list"]), topics) { _, assigns in
      try assigns.change(.insert(["id": 3]), at: "/list/0")
      try assigns.change(.remove, at: "/list/2")
    }
    let sent = deliver(said(), to: topics, of: harness)
    #expect(
      sent
        == topics.enumerated().map { index, topic in
          .text(
            """
            ["\(index)",null,"\(topic)","synq:patch",
              {"operations":[{"op":"replace","path":"/list","value":[{"id":3},1]}],"version":1}]
            """)
        })
    let lists = topics.compactMap { list($0, of: harness) }
    #expect(lists == Array(repeating: [["id": 3], 1], count: 3))
    #expect(lists.allSatisfy { $0.sharesStorage(with: lists[0]) })
  }

  @Test func membersWithOtherValuesGetTheirOwn() {
    let topics = ["room:1", "room:2", "room:3"]
    let harness = harness(
      router("room:*", track: ["list"]), topics, initial: { $0 == "room:2" ? [1, 5] : [1, 2] }
    ) { _, assigns in try assigns.change(.append(7), at: "/list") }
    let sent = deliver(said(), to: topics, of: harness)
    #expect(
      sent.map { $0[4]?["operations"] }
        == Array(repeating: [["op": "add", "path": "/list/-", "value": 7]], count: 3))
    #expect(topics.map { list($0, of: harness) } == [[1, 2, 7], [1, 5, 7], [1, 2, 7]])
  }

  @Test func membersThatDoOtherThingsGetTheirOwn() {
    let topics = ["room:1", "room:2", "room:3", "room:4", "room:5"]
    let harness = harness(router("room:*", track: ["list"]), topics) { member, assigns in
      switch member {
      case 0: try assigns.change(.insert(7), at: "/list/0")
      case 1: try assigns.change(.insert(8), at: "/list/0")
      case 2: try assigns.change(.insert(7), at: "/list/1")
      case 3: try assigns.change(.set(7), at: "/list/0")
      default: try assigns.change(.remove, at: "/list/0")
      }
    }
    #expect(deliver(said(), to: topics, of: harness).count == 5)
    #expect(topics.map { list($0, of: harness) } == [[7, 1, 2], [8, 1, 2], [1, 7, 2], [7, 2], [2]])
  }

  @Test func whatIsRefusedIsRefusedToEach() {
    let topics = ["room:1", "room:2"]
    let harness = harness(router("room:*", track: ["list"]), topics) { _, assigns in
      try assigns.change(.append(["constructor": 1]), at: "/list")
    }
    #expect(deliver(said(), to: topics, of: harness).map { $0[3] } == ["phx_error", "phx_error"])
    #expect(harness.logs.count == 2)
  }

  @Test func channelsWithOtherOptionsGetTheirOwn() {
    var router = router("open:*", track: ["list"]) { $0.allowsPrototypeKeys = true }
    router.addChannel("strict:*", track: ["list"])
    router.addChannel("bare:*", track: ["list"]) { $0.ignoreKeys = ["text"] }
    let topics = ["open:1", "strict:1", "bare:1"]
    let harness = harness(router, topics) { _, assigns in
      try assigns.change(.append(["constructor": 1, "text": 2]), at: "/list")
    }
    #expect(
      deliver(said(), to: ["open:1", "strict:1"], of: harness).map { $0[3] } == ["synq:patch", "phx_error"])
    let bare = self.harness(router, topics) { _, assigns in
      try assigns.change(.append(["text": 2, "id": 1]), at: "/list")
    }
    _ = deliver(said(), to: topics, of: bare)
    #expect(
      topics.map { list($0, of: bare)?[2] }
        == [["text": 2, "id": 1], ["text": 2, "id": 1], ["id": 1]])
  }

  @Test func nothingIsKeptBeyondTheMessage() {
    weak var work: SharedWork?
    let topics = ["room:1", "room:2"]
    let harness = harness(router("room:*", track: ["list"]), topics) { _, assigns in
      try assigns.change(.append(7), at: "/list")
    }
    do {
      let message = said()
      work = message.work
      _ = deliver(message, to: topics, of: harness)
      #expect(work != nil)
    }
    #expect(work == nil)
    #expect(said(isShared: false).work == nil)
  }

  @Test func nothingIsKeptByTheMessagesOfAHostOfItsOwn() throws {
    weak var work: SharedWork?
    let harness = EngineHarness(router("room:*", track: ["list"], callbacks: .all.union(.messageBuilder)))
    harness.callbacks["room:*"] = { cause, scope in
      switch cause {
      case .initialize: try? scope.assigns.set("list", to: [1, 2])
      case .message: try? scope.assigns.change(.append(7), at: "/list")
      case .newState, .updateState: scope.message = StateMessage(event: "state", payload: .emptyObject)
      default: break
      }
      return .returned
    }
    harness.receive(#"["1","1","room:1","phx_join",{}]"#)
    let key = try #require(harness.key("room:1"))
    do {
      let message = said()
      work = message.work
      #expect(harness.perform { $0.deliver(message, to: key, into: &$1) }.map { $0[3] } == ["state"])
    }
    #expect(work == nil)
  }

  @Test func whatWasGivenUpIsWorkedOutByEach() {
    let topics = ["room:1", "room:2"]
    let harness = harness(router("room:*", track: ["list"]), topics) { _, assigns in
      try assigns.change(.append(7), at: "/list")
    }
    let message = said()
    message.work?.giveUp()
    #expect(deliver(message, to: topics, of: harness).count == 2)
    let lists = topics.compactMap { list($0, of: harness) }
    #expect(lists == [[1, 2, 7], [1, 2, 7]])
    #expect(!lists[0].sharesStorage(with: lists[1]))
  }

  /// The same random edits by sixteen members, some of whom go ways of their own, shared and each for itself.
  @Test(arguments: 1...8) func sharingChangesNothingThatIsSent(seed: Int) {
    let topics = (1...16).map { "room:\($0)" }
    func run(isShared: Bool) -> [JSON] {
      var round = UInt64(seed) << 32
      let harness = harness(router("room:*", track: ["list"]), topics) { member, assigns in
        // Everybody's random numbers are the same but those of whoever is on their own this time.
        var random = RandomNumbers(state: round % 5 == 0 && member % 3 == 0 ? round + UInt64(member) : round)
        for _ in 0...random.below(3) {
          let length = assigns["list"]?.count ?? 0
          let place = ("/list" as JSONPointer).appending(random.below(length + 1))
          let value = JSON(random.below(4))
          switch random.below(5) {
          case 0: try? assigns.change(.remove, at: place)
          case 1: try? assigns.change(.set(value), at: place)
          case 2: try? assigns.change(.set(["of": value]), at: place)
          default: try? assigns.change(.insert(value), at: place)
          }
        }
      }
      return (0..<100).flatMap { _ -> [JSON] in
        round += 1
        return deliver(said(isShared: isShared), to: topics, of: harness)
      }
    }
    let alone = run(isShared: false)
    #expect(alone.count > 1_000)
    #expect(run(isShared: true) == alone)
  }
}

/// SplitMix64.
private struct RandomNumbers {
  var state: UInt64

  mutating func below(_ bound: Int) -> Int {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return Int((z ^ (z >> 31)) % UInt64(bound))
  }
}
