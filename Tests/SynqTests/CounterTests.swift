import Synq
import SynqTesting
import Testing

/// The smallest channel: a counter for each client.
struct Counter: Channel {
  let options = ChannelOptions(track: ["count"])

  struct Increment: Decodable { var by: Int? }

  func initialize(topic: String, params: JSON, socket: Socket) throws {
    try socket.assign("count", to: params["from"] ?? 0)
    try socket.assign("secret", to: "on the server only")
  }

  func handleEvent(_ event: String, _ payload: JSON, socket: Socket) throws -> Response {
    switch event {
    case "inc":
      let by = try payload.decode(Increment.self).by ?? 1
      return .ok(["count": try socket.increment(by: by, at: "/count")])
    case "noop": return .noReply
    default: throw SynqError(code: "unknown_event", message: event)
    }
  }

  func handleMessage(_ message: ServerMessage, socket: Socket) throws {
    try socket.assign("count", to: message.payload["count"] ?? 0)
  }
}

@Suite struct CounterTests {
  let server: TestServer

  init() throws { server = try TestServer("counter:*", Counter()) }

  @Test func joinGivesTheFullStateOfTheTrackedAssignsOnly() async throws {
    let counter = try await server.join("counter:1")
    try await counter.expectState(["count": 0])
    #expect(counter.version == 0)
    #expect(try await counter.assigns == ["count": 0, "secret": "on the server only"])
  }

  @Test func anEventIsAnsweredAndItsChangeComesAsPatch() async throws {
    let counter = try await server.join("counter:1", ["from": 4])
    try await counter.expectState(["count": 4])
    #expect(try await counter.push("inc") == .ok(["count": 5]))
    try await counter.expectPatch([["op": "replace", "path": "/count", "value": 5]])
    #expect(counter.state == ["count": 5])
    #expect(counter.version == 1)
  }

  @Test func anUnchangedStateSendsNothing() async throws {
    let counter = try await server.join("counter:1")
    try await counter.expectFullState()
    #expect(try await counter.push("noop") == .ok)
    #expect(try await counter.push("inc", ["by": 0]) == .ok(["count": 0]))
    try await counter.refutePatch()
    try await counter.refuteFullState()
    #expect(counter.version == 0)
  }

  @Test func aRefreshGivesTheFullStateWithTheCurrentVersion() async throws {
    let counter = try await server.join("counter:1")
    try await counter.expectFullState()
    try await counter.push("inc")
    try await counter.refresh()
    try await counter.expectState(["count": 1])
    #expect(counter.version == 1)
  }

  @Test func channelsOfATopicHaveStateOfTheirOwnAndShareItsMessages() async throws {
    let first = try await server.join("counter:1")
    let second = try await server.join("counter:1")
    try await first.push("inc")
    try await first.expectPatch()
    try await second.refutePatch()
    server.publish("counter:1", "reset", ["count": 9])
    try await first.expectPatch([["op": "replace", "path": "/count", "value": 9]])
    try await second.expectPatch([["op": "replace", "path": "/count", "value": 9]])
  }

  @Test func aMessageReachesOneChannel() async throws {
    let first = try await server.join("counter:1")
    let second = try await server.join("counter:1")
    try await first.sendMessage("reset", ["count": 7])
    #expect(first.state == ["count": 7])
    #expect(second.state == ["count": 0])
  }

  @Test func reconnectStartsAnewAndRejoinsWithTheSameParams() async throws {
    let client = try await server.connect()
    let counter = try await client.join("counter:1", ["from": 2])
    try await counter.push("inc")
    try await client.reconnect()
    try await counter.expectState(["count": 2])
    #expect(try await counter.push("inc") == .ok(["count": 3]))
  }

  @Test func stateIsHeldBackWhileTheClientDoesNotRead() async throws {
    let client = try await server.connect()
    let counter = try await client.join("counter:1")
    try await counter.expectFullState()
    await client.pauseReading()
    for _ in 1...3 { try await counter.push("inc") }
    try await counter.refutePatch()
    await client.resumeReading()
    try await counter.expectPatch([["op": "replace", "path": "/count", "value": 3]])
    #expect(counter.version == 1)
  }

  @Test func anInvalidPayloadIsTheClientsMistakeAndNamesThePlace() async throws {
    let counter = try await server.join("counter:1")
    let reply = try await counter.push("inc", ["by": "two"])
    #expect(reply.error?.code == "invalid_payload")
    #expect(reply.error?.message == "/by: expected Int, found string")
    #expect(reply.error?.details == ["path": "/by"])
    #expect(try await counter.push("inc") == .ok(["count": 1]))
  }
}
