import Synq
import SynqTesting
import Testing

/// Channels with messages of their own for the state.
@Suite struct MessageBuilderTests {
  private struct Diffs: MessageBuilder {
    struct Refused: Error {}

    func newState(_ state: JSON, version: Int) -> StateMessage {
      StateMessage("all", ["of": state, "at": JSON(version)])
    }

    func updateState(from old: JSON, to new: JSON, version: Int) throws -> StateMessage {
      if new["count"] == 3 { throw Refused() }
      return StateMessage("some", ["by": JSONPatch.diff(from: old, to: new), "at": JSON(version)])
    }
  }

  private struct Sync: Channel {
    let options = ChannelOptions(track: ["count"])
    var messageBuilder: (any MessageBuilder)? { Diffs() }

    func initialize(topic: String, params: JSON, socket: Socket) throws { try socket.assign("count", to: 0) }

    func handleEvent(_ event: String, _ payload: JSON, socket: Socket) throws -> Response {
      .ok(["count": JSON(try socket.increment(at: "/count"))])
    }
  }

  private struct Async: AsyncChannel {
    let options = ChannelOptions(track: ["count"])
    var messageBuilder: (any MessageBuilder)? { Diffs() }

    func initialize(topic: String, params: JSON, socket: Socket) async throws {
      try socket.assign("count", to: 0)
    }

    func handleEvent(_ event: String, _ payload: JSON, socket: Socket) async throws -> Response {
      .ok(["count": JSON(try socket.increment(at: "/count"))])
    }
  }

  private func check(_ server: TestServer) async throws {
    let channel = try await server.join("c:1")
    try await channel.expectPush("all", ["of": ["count": 0], "at": 0])
    #expect(try await channel.push("inc") == .ok(["count": 1]))
    try await channel.expectPush(
      "some", ["by": [["op": "replace", "path": "/count", "value": 1]], "at": 1])
    try await channel.push("inc")
    try await channel.push("inc")
    try await channel.expectCrash()
    #expect(server.log.last?.contains("callback=update_state cause=Refused") == true)
  }

  @Test func aChannelHasMessagesOfItsOwn() async throws { try await check(TestServer("c:*", Sync())) }

  @Test func soHasAnAsyncOne() async throws { try await check(TestServer("c:*", Async())) }
}
