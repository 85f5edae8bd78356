import Synq
import Synchronization
import Testing

@testable import SynqTesting

/// What a channel was told, for the test to see.
final class Journal: Sendable {
  private let lines = Mutex<[String]>([])
  var entries: [String] { lines.withLock { $0 } }
  func add(_ line: String) { lines.withLock { $0.append(line) } }
}

/// Writes down its life, and fails where its params say so.
private struct Witness: Channel {
  let journal = Journal()
  let options = ChannelOptions(track: ["n"], intercept: ["spied"])

  struct Refused: Error {}
  struct User: Codable, Equatable { var name: String }

  func authorize(topic: String, params: JSON, socket: Socket) throws {
    journal.add("authorize \(socket["user"]?.stringValue ?? "nobody")")
    switch params["authorize"] {
    case "refuse": throw SynqError(code: "not_allowed", message: "Members only")
    case "crash": throw Refused()
    case "decode": _ = try params.decode(User.self)
    case "reply": try socket.reply(["seat": 4])
    default: break
    }
  }

  func initialize(topic: String, params: JSON, socket: Socket) throws {
    journal.add("init")
    if params["init"] == "error", journal.entries.count(where: { $0 == "init" }) == 1 {
      throw SynqError(code: "busy")
    }
    try socket.assign("n", to: 1)
    if params["timer"] == true { try socket.sendAfter(.seconds(2), "tick", ["from": "timer"]) }
    if let other = params["subscribe"]?.stringValue { try socket.subscribe(other) }
  }

  func handleEvent(_ event: String, _ payload: JSON, socket: Socket) throws -> Response {
    switch event {
    case "later": try socket.sendAfter(.milliseconds(500), "tick")
    case "never":
      let timer = try socket.sendAfter(.milliseconds(500), "tick")
      return .ok(["cancelled": JSON(timer.cancel()), "again": JSON(timer.cancel())])
    case "many":
      do throws(HostError) {
        for _ in 0...Limits().maxTimers { try socket.sendAfter(.seconds(9), "tick") }
      } catch {
        return .ok(["code": JSON(Int(error.code.rawValue)), "message": JSON(error.message)])
      }
    case "broadcast": try socket.broadcast("news", ["n": 1])
    case "broadcastFrom": try socket.broadcastFrom("news", ["n": 2])
    case "publishFrom": try socket.publishFrom("hello")
    case "spy": try socket.broadcast("spied", ["n": 3])
    default: return .error(code: "unknown_event")
    }
    return .noReply
  }

  func handleMessage(_ message: ServerMessage, socket: Socket) throws {
    journal.add("message \(message.topic) \(message.name) \(message.payload)")
    if message.name == "tick" { try socket.increment(at: "/n") }
  }

  func beforeClose(reason: CloseReason, socket: Socket) {
    journal.add("close \(reason) \(socket["n"] ?? .null)")
  }
}

@Suite struct LifeTests {
  private let witness = Witness()
  let server: TestServer

  init() throws { server = try TestServer("w:*", witness) }

  /// A harness has no end of its own: a test drops it, and with it channels that are open and timers that were not due.
  @Test func nothingIsLeftOfAHarnessThatIsDropped() async throws {
    weak var client: TestClient?
    weak var server: TestServer?
    weak var loop: TestLoop?
    do {
      let dropped = try await TestServer("w:*", Witness()).join("w:1", ["timer": true])
      (client, server, loop) = (dropped.client, dropped.client.server, dropped.client.server.loop)
      try await dropped.push("later")
    }
    #expect(client == nil)
    #expect(server == nil)
    #expect(loop == nil)
  }

  @Test func aRefusedJoinCarriesTheErrorAndOwesNoBeforeClose() async throws {
    await #expect(
      throws: JoinRefused(topic: "w:1", reply: .error(code: "not_allowed", message: "Members only"))
    ) {
      _ = try await server.join("w:1", ["authorize": "refuse"])
    }
    #expect(witness.journal.entries == ["authorize nobody"])
  }

  @Test func aCrashInAuthorizeRefusesTheJoin() async throws {
    await #expect(
      throws: JoinRefused(topic: "w:1", reply: Reply(status: "error", response: ["reason": "join crashed"]))
    ) {
      _ = try await server.join("w:1", ["authorize": "crash"])
    }
  }

  @Test func paramsThatCannotBeDecodedRefuseTheJoin() async throws {
    let refused = try await #require(throws: JoinRefused.self) {
      _ = try await server.join("w:1", ["authorize": "decode"])
    }
    #expect(
      refused.error
        == SynqError(code: "invalid_payload", message: "/name: is missing", details: ["path": "/name"]))
  }

  @Test func authorizeCanAnswerTheJoin() async throws {
    let channel = try await server.join("w:1", ["authorize": "reply"])
    #expect(channel.joinResponse == ["seat": 4])
  }

  @Test func anUnknownTopicIsRefused() async throws {
    let refused = try await #require(throws: JoinRefused.self) { _ = try await server.join("x:1") }
    #expect(refused.reply == Reply(status: "error", response: ["reason": "unmatched topic"]))
  }

  @Test func anErrorInInitLeavesTheChannelWithoutStateUntilARefresh() async throws {
    let channel = try await server.join("w:1", ["init": "error"])
    #expect(try await channel.expectError() == SynqError(code: "busy"))
    #expect(try await channel.push("later").error?.code == "not_initialized")
    try await channel.refresh()
    try await channel.expectState(["n": 1])
  }

  @Test func assignsOfTheConnectionAreThereFromTheStart() async throws {
    _ = try await server.join("w:1", assigns: ["user": "ada"])
    #expect(witness.journal.entries == ["authorize ada", "init"])
  }

  @Test func leavingClosesWithItsReason() async throws {
    let channel = try await server.join("w:1")
    try await channel.leave()
    #expect(witness.journal.entries.last == "close shutdown:left 1")
    try await channel.expectClose()
    #expect(try await channel.assigns == nil)
  }

  @Test func aDelayedMessageCanBeTakenBack() async throws {
    let channel = try await server.join("w:1")
    #expect(try await channel.push("never") == .ok(["cancelled": true, "again": false]))
    try await server.advance(by: .seconds(1))
    #expect(witness.journal.entries == ["authorize nobody", "init"])
  }

  @Test func theTimersOfAChannelHaveALimit() async throws {
    let channel = try await server.join("w:1")
    #expect(
      try await channel.push("many")
        == .ok(["code": -14, "message": "message: the channel has max_timers (1000) that are not due yet"]))
  }

  @Test func losingTheConnectionClosesEachChannelOnce() async throws {
    let client = try await server.connect()
    for topic in ["w:1", "w:2"] { _ = try await client.join(topic) }
    try await client.disconnect()
    #expect(
      witness.journal.entries.filter { $0.hasPrefix("close") } == [
        "close shutdown:closed 1", "close shutdown:closed 1",
      ])
  }

  @Test func aCrashClosesWithItsReason() async throws {
    let channel = try await server.join("w:1")
    try await channel.crash()
    #expect(witness.journal.entries.last == "close crashed 1")
    try await channel.rejoin()
    try await channel.expectState(["n": 1])
  }

  @Test func aServerThatStopsClosesEachChannelAndTheConnection() async throws {
    let client = try await server.connect()
    _ = try await client.join("w:1")
    try await server.stop()
    #expect(witness.journal.entries.last == "close shutdown:draining 1")
    #expect(client.closeCode == 1012)
  }

  @Test func aTimerComesWhenItsTimeIsThere() async throws {
    let channel = try await server.join("w:1", ["timer": true])
    try await server.advance(by: .milliseconds(1_999))
    #expect(channel.state == ["n": 1])
    try await server.advance(by: .milliseconds(1))
    #expect(channel.state == ["n": 2])
    #expect(witness.journal.entries.last == "message w:1 tick {\"from\":\"timer\"}")
  }

  @Test func aTimerOfAChannelThatIsGoneDoesNothing() async throws {
    let channel = try await server.join("w:1", ["timer": true])
    try await channel.leave()
    try await server.advance(by: .seconds(3))
    #expect(witness.journal.entries.last == "close shutdown:left 1")
  }

  @Test func broadcastsReachTheClientsOfTheTopic() async throws {
    let first = try await server.join("w:1")
    let second = try await server.join("w:1")
    let other = try await server.join("w:2")
    try await first.push("broadcast")
    try await first.expectPush("news", ["n": 1])
    try await second.expectPush("news", ["n": 1])
    try await first.push("broadcastFrom")
    try await second.expectPush("news", ["n": 2])
    try await first.refutePush("news")
    try await other.refutePush("news")
    server.broadcast("w:2", "news", ["n": 9])
    try await other.expectPush("news", ["n": 9])
  }

  @Test func interceptedBroadcastsGoToHandleMessage() async throws {
    let channel = try await server.join("w:1")
    try await channel.push("spy")
    try await channel.refutePush("spied")
    #expect(witness.journal.entries.last == "message w:1 spied {\"n\":3}")
  }

  @Test func subscribedTopicsReachHandleMessage() async throws {
    _ = try await server.join("w:1", ["subscribe": "weather"])
    server.publish("weather", "rain", ["mm": 3])
    server.broadcast("weather", "storm")
    try await server.settle()
    #expect(
      witness.journal.entries.suffix(2) == ["message weather rain {\"mm\":3}", "message weather storm {}"])
  }

  @Test func publishFromLeavesOutTheOneThatAsks() async throws {
    let first = try await server.join("w:1")
    _ = try await server.join("w:1")
    try await first.push("publishFrom")
    try await server.settle()
    #expect(witness.journal.entries.filter { $0.hasPrefix("message") } == ["message w:1 hello {}"])
  }

  @Test func aDisconnectByIdClosesThatConnection() async throws {
    let ada = try await server.connect(id: "ada")
    let bob = try await server.connect(id: "bob")
    server.disconnect(id: "ada")
    try await server.settle()
    #expect(ada.closeCode == 1001)
    #expect(!ada.isConnected)
    #expect(bob.isConnected)
  }
}
