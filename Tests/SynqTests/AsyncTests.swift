import Synq
import SynqTesting
import Synchronization
import Testing

/// A door that a callback waits at until the test opens it.
actor Gate {
  private var isOpen = false
  private var waiters: [CheckedContinuation<Void, Never>] = []
  private var watchers: [CheckedContinuation<Void, Never>] = []

  func open() {
    isOpen = true
    for waiter in waiters { waiter.resume() }
    waiters = []
  }

  func pass() async {
    guard !isOpen else { return }
    await withCheckedContinuation { continuation in
      waiters.append(continuation)
      for watcher in watchers { watcher.resume() }
      watchers = []
    }
  }

  /// Returns when somebody waits.
  func isAwaited() async {
    if waiters.isEmpty { await withCheckedContinuation { watchers.append($0) } }
  }
}

/// Waits at its gate where events say so.
private struct Waiter: AsyncChannel {
  let options = ChannelOptions(track: ["done"])
  let gate = Gate()
  let journal = Journal()

  struct Boom: Error {}

  func authorize(topic: String, params: JSON, socket: Socket) async throws {
    if params["wait"] == true { await gate.pass() }
    if params["refuse"] == true { throw SynqError(code: "no") }
    if params["reply"] == true { try socket.reply(["welcome": true]) }
  }

  func initialize(topic: String, params: JSON, socket: Socket) async throws {
    if params["gate"] == true { await gate.pass() }
    try socket.assign("done", to: [String]())
  }

  func handleEvent(_ event: String, _ payload: JSON, socket: Socket) async throws -> Response {
    switch event {
    case "slow":
      try socket.push("waiting")
      await gate.pass()
      try socket.append("slow", at: "/done")
      return .ok("slow")
    case "fast":
      try socket.append("fast", at: "/done")
      return .ok("fast")
    case "boom":
      try socket.append("boom", at: "/done")
      await Task.yield()
      throw Boom()
    case "error":
      await Task.yield()
      throw SynqError(code: "sorry")
    case "untilCancelled":
      try socket.push("waiting")
      do {
        try await Task.sleep(for: .seconds(3600))
      } catch {
        journal.add("cancelled")
        throw error
      }
      return .ok
    case "detach":
      let reply = try socket.detachReply()
      Task {
        await gate.pass()
        try reply.send(.ok("late"))
      }
      return .noReply
    default: return .error(code: "unknown_event")
    }
  }

  func handleMessage(_ message: ServerMessage, socket: Socket) async throws {
    await Task.yield()
    try socket.append(message.name, at: "/done")
    try socket.sendAfter(.seconds(1), "again")
  }

  func beforeClose(reason: CloseReason, socket: Socket) async {
    await Task.yield()
    journal.add("close \(reason) \(socket["done"] ?? .null)")
  }
}

@Suite struct AsyncTests {
  private let waiter = Waiter()
  let server: TestServer

  init() throws { server = try TestServer("a:*", waiter) }

  @Test func aSuspendedCallbackKeepsTheOrderOfItsChannelAndDelaysNoOther() async throws {
    let first = try await server.join("a:1")
    let second = try await server.join("a:2")
    let slow = try first.pushWithoutWaiting("slow")
    let fast = try first.pushWithoutWaiting("fast")
    try await first.expectPush("waiting")
    #expect(try await second.push("fast") == .ok("fast"))
    #expect(first.state == ["done": []])
    await waiter.gate.open()
    #expect(try await first.expectReply(slow) == .ok("slow"))
    #expect(try await first.expectReply(fast) == .ok("fast"))
    try await server.settle()
    #expect(first.state == ["done": ["slow", "fast"]])
  }

  @Test func initMayAwait() async throws {
    let channel = try await server.join("a:1", ["gate": true])
    #expect(channel.state == nil)
    await waiter.gate.open()
    try await channel.expectState(["done": []])
  }

  @Test func authorizeRefusesOrAnswers() async throws {
    await #expect(throws: JoinRefused(topic: "a:1", reply: .error(code: "no", message: "no"))) {
      _ = try await server.join("a:1", ["refuse": true])
    }
    let channel = try await server.join("a:1", ["reply": true])
    #expect(channel.joinResponse == ["welcome": true])
  }

  @Test func whoLeavesWhileAuthorizeRunsIsOwedNoBeforeClose() async throws {
    let client = try await server.connect()
    let join = Task { try await client.join("a:1", ["wait": true]) }
    await waiter.gate.isAwaited()
    try await client.disconnect()
    await #expect(throws: ExpectationFailure.self) { try await join.value }
    await waiter.gate.open()
    #expect(waiter.journal.entries == [])
  }

  @Test func errorsAreAnsweredAndFailuresCrash() async throws {
    let channel = try await server.join("a:1")
    #expect(try await channel.push("error") == .error(code: "sorry", message: "sorry"))
    _ = try channel.pushWithoutWaiting("boom")
    try await channel.expectCrash()
    try await server.settle()
    #expect(waiter.journal.entries == ["close crashed []"])
  }

  @Test func theTaskIsCancelledWhenItsChannelEndsAndBeforeCloseComesAfterIt() async throws {
    let client = try await server.connect()
    let channel = try await client.join("a:1")
    _ = try channel.pushWithoutWaiting("untilCancelled")
    try await channel.expectPush("waiting")
    try await client.disconnect()
    #expect(waiter.journal.entries == ["cancelled", "close shutdown:closed []"])
  }

  @Test func aDetachedReplyLetsTheChannelGoOn() async throws {
    let channel = try await server.join("a:1")
    let late = try channel.pushWithoutWaiting("detach")
    #expect(try await channel.push("fast") == .ok("fast"))
    await waiter.gate.open()
    #expect(try await channel.expectReply(late) == .ok("late"))
  }

  @Test func timeWaitsForTheCallbacksOfEachTimer() async throws {
    let channel = try await server.join("a:1")
    try await channel.sendMessage("start")
    try await server.advance(by: .seconds(3))
    #expect(channel.state == ["done": ["start", "again", "again", "again"]])
  }

  @Test func aCallbackThatHangsIsNamed() async throws {
    let impatient = try TestServer("a:*", waiter, timeout: .milliseconds(20))
    let channel = try await impatient.join("a:1")
    _ = try channel.pushWithoutWaiting("slow")
    let failure = try await #require(throws: ExpectationFailure.self) { try await impatient.settle() }
    #expect(failure.message == "a callback of a:1 did not end within 0.02 seconds")
    await waiter.gate.open()
  }

  @Test func anActorCanBeAChannel() async throws {
    let server = try TestServer("tally:*", Tally())
    let first = try await server.join("tally:1")
    let second = try await server.join("tally:2")
    #expect(try await first.push("inc") == .ok(1))
    #expect(try await second.push("inc") == .ok(2))
  }
}

/// State that all channels share; a sync callback is as good where nothing is awaited.
actor Tally: AsyncChannel {
  private var total = 0

  nonisolated func authorize(topic: String, params: JSON, socket: Socket) throws {
    if params["refuse"] == true { throw SynqError(code: "no") }
  }

  func handleEvent(_ event: String, _ payload: JSON, socket: Socket) async throws -> Response {
    total += 1
    return .ok(total)
  }
}
