import NIOCore
import SynqWire
import Testing

@testable import SynqNetwork

@Suite(.timeLimit(.minutes(1))) struct WebSocketTests {
  @Test func echoesTextAndBinary() async throws {
    try await TestServer.with { test in
      let client = try await test.webSocket()
      try await client.send(ClientFrame.text("héllo"))
      #expect(await client.receive(8) == [0x81, 6] + Array("héllo".utf8))
      try await client.send(ClientFrame.frame(.binary, [0, 1, 2, 255]))
      #expect(await client.receive(6) == [0x82, 4, 0, 1, 2, 255])
    }
  }

  @Test(arguments: [0, 125, 126, 65_535, 65_536, 1_000_000])
  func echoesEveryFormOfLength(_ length: Int) async throws {
    try await TestServer.with { test in
      let client = try await test.webSocket()
      let payload = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
      try await client.send(ClientFrame.frame(.binary, payload))
      let frame = await client.frame()
      #expect(frame?.opcode == .binary)
      #expect(frame?.payload == payload)
    }
  }

  @Test func sendsAWholeBurstInOneRun() async throws {
    try await TestServer.with { test in
      let client = try await test.webSocket()
      let many = (0..<100).flatMap { ClientFrame.text("message \($0)") }
      try await client.send(many)
      for index in 0..<100 { #expect(await client.text() == "message \(index)") }
    }
  }

  /// Frames that come with the upgrade request are for the WebSocket, not for the HTTP decoder.
  @Test func readsFramesThatComeWithTheRequest() async throws {
    try await TestServer.with { test in
      let client = try await test.connect()
      try await client.send(
        Array(UpgradeRequest.text("/socket/websocket").utf8) + ClientFrame.text("a") + ClientFrame.text("b"))
      #expect(await client.reply().status == 101)
      #expect(await client.text() == "a")
      #expect(await client.text() == "b")
    }
  }

  /// `wire/ws_protocol`.
  @Test func answersPingsAlsoInsideAMessage() async throws {
    try await TestServer.with { test in
      let client = try await test.webSocket()
      try await client.send(ClientFrame.frame(.ping, Array("hi".utf8)))
      #expect(await client.receive(4) == [0x8A, 2, 0x68, 0x69])
      try await client.send(ClientFrame.text("[1,", isFinal: false) + ClientFrame.frame(.ping, []))
      #expect(await client.receive(2) == [0x8A, 0])
      try await client.send(
        ClientFrame.frame(.pong, [1]) + ClientFrame.frame(.continuation, Array("2]".utf8)))
      #expect(await client.text() == "[1,2]")
    }
  }

  /// RFC 6455, 5.5.1: the code is echoed; `wire/ws_close_close_empty`: none is answered with 1000.
  @Test(
    arguments: [
      (ClientFrame.close(1000), 1000), (ClientFrame.close(3000, "bye"), 3000),
      (ClientFrame.frame(.close, []), 1000), (ClientFrame.close(1005), 1002),
      (ClientFrame.frame(.close, [3]), 1002),
    ] as [([UInt8], UInt16)])
  func answersACloseAndEnds(_ close: [UInt8], _ code: UInt16) async throws {
    try await TestServer.with { test in
      let client = try await test.webSocket()
      try await client.send(close)
      #expect(await client.receiveToEnd() == [0x88, 2, UInt8(code >> 8), UInt8(code & 0xFF)])
      #expect(await test.backend.nextEnding() != nil)
    }
  }

  @Test func answersWhatCameBeforeTheClose() async throws {
    try await TestServer.with { test in
      let client = try await test.webSocket()
      try await client.send(ClientFrame.text("last") + ClientFrame.close(1001) + ClientFrame.text("late"))
      #expect(await client.receiveToEnd() == [0x81, 4] + Array("last".utf8) + [0x88, 2, 0x03, 0xE9])
    }
  }

  @Test(arguments: FrameDecoderTests.bad)
  func closesWithTheCodeOfTheViolation(_ bad: FrameDecoderTests.Bad) async throws {
    try await TestServer.with(.echo { $0.mounts[0].limits.maxFrameBytes = 1 << 20 }) { test in
      let client = try await test.webSocket()
      try await client.send(bad.bytes)
      #expect(
        await client.receiveToEnd().suffix(4) == [0x88, 2, UInt8(bad.code >> 8), UInt8(bad.code & 0xFF)])
      #expect(await test.backend.nextEnding() == bad.violation.description)
      #expect(test.log.text.contains("closing a WebSocket: \(bad.violation)"))
    }
  }

  /// `wire/frame_8mb`: the client is still sending when it is refused, and must get the close frame, not a reset.
  @Test func refusesALargeFrameToAClientThatGoesOnSending() async throws {
    try await TestServer.with { test in
      let client = try await test.webSocket()
      client.sendAndForget(
        ClientFrame.header(.text, length: 9_000_000) + [UInt8](repeating: 0x61, count: 9_000_000))
      #expect(await client.receiveToEnd() == [0x88, 2, 0x03, 0xF1])
    }
  }

  @Test func theHostClosesAfterWhatItSent() async throws {
    try await TestServer.with { test in
      let client = try await test.webSocket()
      try await client.send(ClientFrame.text("one") + ClientFrame.text("!close 1011 not for the client"))
      // What was said in the burst comes after the host's close and is not sent.
      #expect(await client.receiveToEnd() == [0x88, 2, 0x03, 0xF3])
      #expect(await test.backend.nextEnding() == "not for the client")
    }
  }

  @Test func namesTheReasonOfACodeThatPhoenixDoesNotSend() async throws {
    try await TestServer.with { test in
      let client = try await test.webSocket()
      try await client.send(ClientFrame.text("!close 1008 too many joins"))
      #expect(await client.receiveToEnd() == [0x88, 16, 0x03, 0xF0] + Array("too many joins".utf8))
    }
  }

  @Test func tellsTheSocketOnceWhenTheConnectionIsLost() async throws {
    try await TestServer.with { test in
      let client = try await test.webSocket()
      try await client.send(ClientFrame.text("a"))
      #expect(await client.text() == "a")
      try await client.close()
      #expect(await test.backend.nextEnding() == "the connection was lost")
    }
  }

  @Test func closesAllWithTheGivenCode() async throws {
    try await TestServer.with { test in
      let client = try await test.webSocket()
      let other = try await test.connect()
      _ = try await other.request("GET /none HTTP/1.1\r\nHost: x\r\n\r\n")
      try await test.server.stopAccepting().get()
      try await test.server.closeAll(.serviceRestart, reason: "stopping").get()
      #expect(await client.receiveToEnd() == [0x88, 2, 0x03, 0xF4])
      #expect(await other.receiveToEnd() == [])
      #expect(await test.backend.nextEnding() == "stopping")
    }
  }

  @Test func closesInBatches() async throws {
    try await TestServer.with { test in
      var clients: [RawClient] = []
      for _ in 0..<5 { clients.append(try await test.webSocket()) }
      // The pause never ends: only the first batch is closed.
      let first = test.server.closeAll(.serviceRestart, reason: "batch", batch: 2, pause: .hours(1))
      #expect(await test.backend.nextEnding() == "batch")
      #expect(await test.backend.nextEnding() == "batch")
      var closed = 0
      try await test.server.closeAll(.serviceRestart, reason: "rest").get()
      try await first.get()
      for _ in 0..<3 where await test.backend.nextEnding() == "rest" { closed += 1 }
      #expect(closed == 3)
      for client in clients { #expect(await client.receiveToEnd() == [0x88, 2, 0x03, 0xF4]) }
    }
  }

  @Test func aPreparedMessageGoesBetweenOthers() async throws {
    try await TestServer.with { test in
      let client = try await test.webSocket()
      try await client.send(ClientFrame.text("!prepared the same for all"))
      #expect(await client.text() == "before")
      #expect(await client.text() == "the same for all")
      #expect(await client.text() == "behind")
    }
  }

  // MARK: Limits

  /// `wire/idle_timeout`.
  @Test func closesAConnectionThatIsIdle() async throws {
    try await TestServer.with(.echo { $0.mounts[0].limits.idleTimeout = .milliseconds(80) }) { test in
      let client = try await test.webSocket()
      #expect(await client.receiveToEnd() == [0x88, 2, 0x03, 0xEA])
      #expect(await test.backend.nextEnding() == "the client sent nothing for the idle timeout")
    }
  }

  @Test func closesAClientThatDoesNotReadAtTheLimit() async throws {
    let configuration = NetworkConfiguration.echo { $0.mounts[0].limits.maxOutboundBytes = 1_000_000 }
    try await TestServer.with(configuration) { test in
      let client = try await test.connect(autoRead: false)
      try await client.send(
        Array(UpgradeRequest.text("/socket/websocket").utf8) + ClientFrame.text("!flood 200 100000"))
      #expect(await test.backend.nextEnding() == "the client does not read: more than 1000000 bytes wait")
      try await client.startReading()
      #expect(await client.reply().status == 101)
      let received = await client.receiveToEnd()
      // What was accepted is delivered, then the close frame with code and reason.
      #expect(received.count < 200 * 100_000)
      #expect(String(decoding: received.suffix(54), as: UTF8.self).contains("the client does not read"))
    }
  }

  /// The client's own messages wait in the network, not in the server, while it does not read.
  @Test func readsNoMoreFromAClientThatDoesNotRead() async throws {
    try await TestServer.with { test in
      let client = try await test.connect(autoRead: false)
      try await client.send(UpgradeRequest.text("/socket/websocket"))
      let message = ClientFrame.frame(.binary, [UInt8](repeating: 1, count: 60_000))
      for _ in 0..<500 { client.sendAndForget(message) }
      try await client.startReading()
      #expect(await client.reply().status == 101)
      for _ in 0..<500 { #expect(await client.frame()?.payload.count == 60_000) }
      #expect(!test.log.text.contains("does not read"))
    }
  }
}
