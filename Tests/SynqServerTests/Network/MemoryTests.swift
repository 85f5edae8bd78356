import NIOCore
import SynqJSON
import Testing

@testable import SynqNetwork
@testable import SynqWebSocket

/// The memory for all clients: whoever holds most of it goes when it is used up, and others are served.
@Suite struct MemoryTests {
  private static func server(_ bytes: Int, perAddress: Int? = nil) throws -> ManualServer {
    try ManualServer {
      $0.limits.memory = MemoryBudget.Limits(bytes: bytes, bytesPerAddress: perAddress ?? bytes)
      $0.mounts[0].limits.idleTimeout = .hours(1)
    }
  }

  /// A message of which `count` bytes have come, and one is missing.
  private static func begun(_ count: Int) -> [UInt8] {
    ClientFrame.header(.binary, length: count + 1)
      + ClientFrame.masked([UInt8](repeating: 0x78, count: count))
  }

  private static func expectServed(_ peer: ManualPeer) {
    peer.send(ClientFrame.text("[null,\"9\",\"phoenix\",\"heartbeat\",{}]"))
    #expect(peer.messages().last?[4]?["status"] == "ok")
  }

  @Test func whoeverHoldsMostGoes() throws {
    let server = try Self.server(3_000_000)
    let victim = try server.join("room:1")
    let small = try server.join("room:2")
    small.send(Self.begun(100_000))
    let large = try (0..<6).map { _ in try server.join("room:3") }
    for peer in large {
      peer.send(Self.begun(900_000))
      server.loop.run()
      #expect(server.memory.bytes <= 3_000_000)
    }
    let closed = large.filter {
      $0.messages().last?.stringValue?.hasPrefix("close 1013 the memory for clients") == true
    }
    #expect((3...5).contains(closed.count))
    #expect(server.log.text.split(separator: "\n").count { $0.contains("max_memory_mb") } == closed.count)
    small.send(Array("x".utf8))
    #expect(small.messages() == ["close 1011 "], "it held little, and its message is whole now")
    Self.expectServed(victim)
  }

  @Test func anAddressHasAPartOfIt() throws {
    let server = try Self.server(10_000_000, perAddress: 2_000_000)
    func join(_ address: String) throws -> ManualPeer {
      let peer = try server.connect(from: address)
      peer.send(Array(UpgradeRequest.text("/socket/websocket?vsn=2.0.0").utf8))
      _ = peer.received()
      return peer
    }
    let other = try join("10.0.0.2")
    other.send(Self.begun(950_000))
    let greedy = try (0..<4).map { _ in try join("10.0.0.1") }
    for peer in greedy { peer.send(Self.begun(900_000)) }
    server.loop.run()
    #expect(greedy.count { $0.messages().last?.stringValue?.hasPrefix("close 1013") == true } == 2)
    #expect(other.messages().isEmpty)
    #expect(server.memory.bytes < 3_500_000)
  }

  /// What all members of a topic wait for is one.
  @Test func whatManyWaitForIsCountedOnce() throws {
    let server = try Self.server(3_000_000)
    let other = try server.join("room:1")
    let stalled = try (0..<20).map { _ in try server.join("room:1") }
    for peer in stalled { peer.reads = false }
    server.push("shout", JSON(String(repeating: "l", count: 500_000)), from: other)
    #expect((500_000...2_000_000).contains(server.memory.bytes))
    for peer in stalled {
      peer.reads = true
      #expect(peer.messages().count == 1)
    }
    #expect(server.memory.bytes < 200_000)
  }

  @Test func whoDoesNotReadGoesToo() throws {
    let server = try Self.server(3_000_000)
    let talkers = try (0..<8).map { try server.join("room:\($0)") }
    let stalled = try (0..<8).map { try server.join("room:\($0)") }
    for peer in stalled { peer.reads = false }
    for (number, talker) in talkers.enumerated() {
      server.push(
        "shout", JSON(String(repeating: "l", count: 900_000)), topic: "room:\(number)", from: talker)
      server.loop.run()
      #expect(server.memory.bytes <= 3_000_000)
    }
    #expect(stalled.count { !$0.channel.isActive } >= 4)
    for talker in talkers { Self.expectServed(talker) }
  }

  @Test func allIsCountedDownAgain() throws {
    let server = try Self.server(3_000_000)
    let peers = try (0..<5).map { _ in try server.join("room:1") }
    #expect(server.memory.bytes == 5 * 4_096)
    for peer in peers[1...] { peer.reads = false }
    for number in 0..<50 {
      server.push("shout", JSON("\(number) \(String(repeating: "l", count: 20_000))"), from: peers[0])
    }
    peers[0].send(Self.begun(300_000))
    #expect(server.memory.bytes > 1_000_000)
    for peer in peers { peer.disconnect() }
    #expect(server.memory.bytes == 0)
  }

  // MARK: What is begun

  @Test func aMessageThatDoesNotArriveEndsItsConnection() throws {
    let server = try Self.server(3_000_000)
    let peer = try server.join("room:1")
    peer.send(Self.begun(1_000).dropLast(100))
    for _ in 0..<5 {
      #expect(peer.messages() == [])
      peer.send([0x78])
      server.loop.advanceTime(by: .seconds(15))
    }
    #expect(peer.messages().last == "close 1008 a message did not arrive within message_timeout_ms")
  }

  @Test func manyMessagesOfWhichAPartIsAlwaysToComeDoNot() throws {
    let server = try Self.server(3_000_000)
    let peer = try server.join("room:1")
    let beat = ClientFrame.text("[null,\"9\",\"phoenix\",\"heartbeat\",{}]")
    peer.send(Array(beat[..<10]))
    for _ in 0..<40 {
      peer.send(Array(beat[10...] + beat[..<10]))
      server.loop.advanceTime(by: .seconds(5))
    }
    #expect(peer.messages().count == 40)
    #expect(peer.channel.isActive)
  }

  /// The token comes before the body: nothing is kept of one without a session.
  @Test func theBodyOfAnUnknownSenderIsNotKept() throws {
    let server = try Self.server(3_000_000)
    let peer = try server.connect()
    let head =
      "POST /socket/longpoll?vsn=2.0.0&token=guessed HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n"
    peer.send(Array(head.utf8))
    for _ in 0..<9 {
      peer.send([UInt8](repeating: 0x78, count: 100_000))
      #expect(server.memory.bytes < 50_000)
    }
    #expect(String(decoding: peer.received(), as: UTF8.self).hasSuffix("{\"status\":410}"))
  }

  @Test func theDefaultIsAPartOfWhatThereIs() {
    let limits = MemoryBudget.Limits.default
    #expect(limits.bytes >= 64 << 20)
    #expect(limits.bytesPerAddress == limits.bytes / 2)
    #expect(
      MemoryBudget.Limits(megabytes: 100, perAddress: 0)
        == MemoryBudget.Limits(bytes: 100_000_000, bytesPerAddress: 50_000_000))
    #expect(MemoryBudget.Limits(megabytes: 100, perAddress: 10).bytesPerAddress == 10_000_000)
  }
}
