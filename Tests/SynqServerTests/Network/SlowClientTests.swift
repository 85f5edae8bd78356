import NIOCore
import SynqChannels
import SynqJSON
import Testing

@testable import SynqNetwork

/// Clients that read slowly or not at all, over minutes that no test waits for.
@Suite struct SlowClientTests {
  /// How much may be held for a stalled client beside what is queued for it: one patch or state that was on its way.
  private static let text = JSON(String(repeating: "t", count: 2_000))

  private static func text(_ number: Int) -> JSON {
    JSON("\(number) \(String(repeating: "t", count: 2_000))")
  }

  /// Ten minutes in which the state changes every second: what is held does not grow, and one patch makes up for all.
  @Test func stateIsCoalescedForAClientThatDoesNotRead() throws {
    let server = try ManualServer { $0.mounts[0].limits.idleTimeout = .minutes(20) }
    let stalled = try server.join("room:1")
    let other = try server.join("room:1")
    stalled.reads = false
    var version = 0
    var seen = 0
    var largest = 0
    for second in 1...600 {
      server.push("write", Self.text(second), from: other)
      server.loop.advanceTime(by: .seconds(1))
      largest = max(largest, stalled.heldBytes)
      seen += other.messages().count
    }
    #expect(seen == 1_200, "the other one has a reply and a patch for each")
    // The high-water mark, and the patch that reached it.
    #expect((65_536...65_536 + 2_200).contains(largest))

    stalled.reads = true
    let messages = stalled.messages()
    for message in messages {
      #expect(message[3] == "synq:patch")
      version += 1
      #expect(message[4]?["version"] == JSON(version))
    }
    // Those that were encoded before the mark was reached, and one from there to the newest.
    #expect(messages.count == (largest / 2_100) + 1)
    #expect(
      messages.last?[4]?["operations"] == [
        ["op": "replace", "path": "/text", "value": Self.text(600)]
      ])
    #expect(messages.dropLast().last?[4]?["operations"]?[0]?["value"] != Self.text(599))
    #expect(stalled.heldBytes == 0)
    server.push("write", "again", from: other)
    #expect(stalled.messages().map { $0[4]?["version"] } == [JSON(version + 1)])
    #expect(server.hub.stats.connections.current == 2)
  }

  /// One segment that asks for a large state a thousand times gets it a few times, whoever reads.
  @Test(arguments: [true, false]) func aBurstOfRefreshesIsNotABurstOfStates(reads: Bool) throws {
    let server = try ManualServer()
    let client = try server.join("room:1")
    server.push("write", JSON(String(repeating: "t", count: 80_000)), from: client)
    #expect(client.messages().count == 2)
    client.reads = reads
    let refresh = ClientFrame.text(#"["1","2","room:1","synq:refresh",{}]"#)
    client.send(Array((0..<1000).map { _ in refresh }.joined()))
    if !reads { #expect(client.heldBytes < 500_000) }
    client.reads = true
    let messages = client.messages()
    #expect(messages.count { $0[3] == "phx_reply" } == 1000)
    #expect((1...10).contains(messages.count { $0[3] == "synq:change" }))
    #expect(
      messages.last { $0[3] == "synq:change" }?[4]?["state"]?["text"]?.stringValue?.utf8.count == 80_000)
  }

  /// Broadcasts cannot be coalesced: they wait, up to the limit, and then the connection ends with its code.
  @Test func broadcastsWaitUpToTheLimitForAClientThatDoesNotRead() throws {
    let limit = 1_000_000
    let server = try ManualServer {
      $0.mounts[0].limits.maxOutboundBytes = limit
      $0.mounts[0].limits.idleTimeout = .minutes(20)
    }
    let stalled = try server.join("room:1")
    let other = try server.join("room:1")
    stalled.reads = false
    var shouts = 0
    var largest = 0
    while server.room.closed.isEmpty, shouts < 1_000 {
      server.push("shout", Self.text(shouts), from: other)
      server.loop.advanceTime(by: .seconds(1))
      shouts += 1
      largest = max(largest, stalled.heldBytes)
    }
    #expect(server.room.closed == ["shutdown:closed"])
    #expect((limit...limit + 2_200).contains(largest))
    #expect(shouts == largest / 2_040 + 1)
    #expect(server.hub.stats.connections.current == 1)
    #expect(server.hub.stats.channels.current == 1)
    // Nothing more is queued for it, and what was is let go when it does not take the close frame either.
    let held = stalled.heldBytes
    server.push("shout", Self.text, from: other)
    #expect(stalled.heldBytes == held)
    #expect(server.networkLoop.memberCount == 2)
    server.loop.advanceTime(by: .seconds(8))
    #expect(!stalled.channel.isActive)
    #expect(server.networkLoop.memberCount == 1)
    // The other one was not touched.
    _ = other.messages()
    server.push("write", "still here", from: other)
    #expect(other.messages().count == 2)
  }

  /// Each small message in a turn of its own: they wait together, in no more memory than twice their size.
  @Test func smallMessagesForAClientThatDoesNotReadShareTheirMemory() throws {
    let server = try ManualServer()
    let stalled = try server.join("room:1")
    let other = try server.join("room:1")
    stalled.reads = false
    for number in 0..<2_000 { server.push("shout", JSON(number), from: other) }
    #expect(stalled.heldBytes > 70_000)
    #expect(stalled.heldMemory < 2 * stalled.heldBytes)
    stalled.reads = true
    #expect(stalled.messages().map { $0[4] } == (0..<2_000).map { JSON($0) })
    #expect(stalled.heldMemory == 0)
  }

  /// A large broadcast is held once, however many do not read.
  @Test func aLargeMessageIsNotCopiedForEachClient() throws {
    let server = try ManualServer()
    let other = try server.join("room:1")
    let stalled = try (0..<20).map { _ in try server.join("room:1") }
    for peer in stalled { peer.reads = false }
    let text = JSON(String(repeating: "l", count: 500_000))
    server.push("shout", text, from: other)
    for peer in stalled {
      #expect(peer.heldBytes > 500_000)
      #expect(peer.heldMemory < 70_000)
      peer.reads = true
      #expect(peer.messages().map { $0[4] } == [text])
    }
  }

  /// What waited is delivered before the close frame, whose reason names the limit.
  @Test func aClientThatReadsAtLastLearnsWhyItWasClosed() throws {
    let server = try ManualServer { $0.mounts[0].limits.maxOutboundBytes = 100_000 }
    let stalled = try server.join("room:1")
    let other = try server.join("room:1")
    stalled.reads = false
    var shouts = 0
    while server.room.closed.isEmpty, shouts < 1_000 {
      server.push("shout", Self.text(shouts), from: other)
      shouts += 1
    }
    stalled.reads = true
    let messages = stalled.messages()
    #expect(messages.last == "close 1013 the client does not read: more than 100000 bytes wait")
    #expect(messages.dropLast().map { $0[4] } == (0..<shouts - 1).map { Self.text($0) })
  }

  /// It sends heartbeats, which are not read while it takes nothing; that it takes nothing is what ends it.
  @Test func aClientThatTakesNothingForTheIdleTimeoutIsClosed() throws {
    let server = try ManualServer { $0.mounts[0].limits.idleTimeout = .seconds(60) }
    let stalled = try server.join("room:1")
    let other = try server.join("room:1")
    stalled.reads = false
    for _ in 0..<40 { server.push("shout", Self.text, from: other) }
    var seconds = 0
    var unread = 0
    while server.room.closed.isEmpty, seconds < 100 {
      stalled.send(ClientFrame.text("[null,\"1\",\"phoenix\",\"heartbeat\",{}]"))
      other.send(ClientFrame.text("[null,\"1\",\"phoenix\",\"heartbeat\",{}]"))
      unread = max(unread, stalled.unreadBytes)
      server.loop.advanceTime(by: .seconds(1))
      seconds += 1
    }
    #expect((60...63).contains(seconds))
    #expect(unread > 1_000)
    #expect(server.room.closed == ["shutdown:closed"])
    stalled.reads = true
    #expect(
      stalled.messages().last
        == "close 1013 the client does not read: nothing was taken for the idle timeout")
  }

  /// A slow line: a large state takes minutes, in which the client's heartbeats are not read. It lives.
  @Test func aClientThatReadsSlowlyIsNotIdle() throws {
    let server = try ManualServer { $0.mounts[0].limits.idleTimeout = .seconds(60) }
    let slow = try server.join("room:1")
    let other = try server.join("room:1")
    slow.reads = false
    server.push("write", JSON(String(repeating: "s", count: 900_000)), from: other)
    #expect(slow.heldBytes > 900_000)
    for _ in 0..<30 {
      slow.send(ClientFrame.text("[null,\"1\",\"phoenix\",\"heartbeat\",{}]"))
      other.send(ClientFrame.text("[null,\"1\",\"phoenix\",\"heartbeat\",{}]"))
      // More comes than it takes.
      server.push("shout", Self.text(1), from: other)
      slow.take(1_000)
      server.loop.advanceTime(by: .seconds(20))
    }
    #expect(server.room.closed == [])
    slow.reads = true
    // The state that took so long, and the heartbeats' replies.
    #expect(slow.messages().filter { $0[3] == "phx_reply" }.count == 30)
    #expect(slow.unreadBytes == 0)
  }
}
