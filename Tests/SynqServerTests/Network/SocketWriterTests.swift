import Testing

@testable import SynqNetwork

/// Bytes that the kernel takes at once, those that NIO carries on, and again those that it takes at once: one order.
@Suite struct SocketWriterTests {
  /// More than the buffers of a connection hold, so that most of it waits.
  private static let sizes = (0..<600).map { 1 + ($0 * 7_919) % 60_000 }

  @Test(.timeLimit(.minutes(1))) func whatASlowClientGetsKeepsItsOrder() async throws {
    let configuration = NetworkConfiguration.echo { $0.mounts[0].limits.maxOutboundBytes = 100_000_000 }
    try await TestServer.with(configuration) { test in
      let client = try await test.webSocket()
      for _ in 0..<2 {
        try await client.stopReading()
        let burst = Self.sizes.flatMap { ClientFrame.text($0 % 3 == 0 ? "!share \($0)" : "!flood 1 \($0)") }
        try await client.send(burst + ClientFrame.text("told"))
        try await client.startReading()
        for size in Self.sizes {
          let frame = await client.frame()
          #expect(frame?.payload == [UInt8](repeating: size % 3 == 0 ? 0x79 : 0x78, count: size))
        }
        #expect(await client.frame()?.payload == Array("told".utf8))
        try await client.send(ClientFrame.text("heard"))
        #expect(await client.frame()?.payload == Array("heard".utf8))
      }
    }
  }

  /// A client that is gone before its answers are written ends as any other does.
  @Test(.timeLimit(.minutes(1))) func aClientThatResetsWhileItIsSentMuchEnds() async throws {
    try await TestServer.with { test in
      let client = try await test.webSocket()
      try await client.stopReading()
      try await client.send(ClientFrame.text("!flood 40 60000"))
      try await client.close()
      #expect(await test.backend.nextEnding() != nil)
    }
  }
}
