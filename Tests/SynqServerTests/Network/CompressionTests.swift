import SynqWire
import Testing

@testable import SynqNetwork
@testable import SynqWebSocket

@Suite(.timeLimit(.minutes(1))) struct CompressionTests {
  private static func configuration(_ change: (inout CompressionOptions) -> Void = { _ in })
    -> NetworkConfiguration
  {
    .echo {
      var options = CompressionOptions()
      options.minBytes = 0
      change(&options)
      $0.mounts[0].compression = options
    }
  }

  // MARK: Negotiation

  @Test(
    arguments: [
      ("permessage-deflate", ""),
      ("permessage-deflate; client_max_window_bits", ";client_max_window_bits=15"),
      ("permessage-deflate; client_max_window_bits=10", ";client_max_window_bits=10"),
      ("permessage-deflate; client_max_window_bits=\"10\"", ";client_max_window_bits=10"),
      ("permessage-deflate; server_max_window_bits=9", ";server_max_window_bits=9"),
      ("permessage-deflate;server_no_context_takeover", ";server_no_context_takeover"),
      ("permessage-deflate; client_no_context_takeover", ";client_no_context_takeover"),
      ("x-other, permessage-deflate; server_max_window_bits=8, permessage-deflate", ""),
      ("permessage-deflate; server_max_window_bits", nil),
      ("permessage-deflate; server_max_window_bits=16", nil),
      ("permessage-deflate; server_max_window_bits=09", nil),
      ("permessage-deflate; client_max_window_bits=7", nil),
      ("permessage-deflate; client_no_context_takeover=1", nil),
      ("permessage-deflate; client_no_context_takeover; client_no_context_takeover", nil),
      ("permessage-deflate; unknown", nil), ("permessage-deflate;", nil), ("x-other", nil),
    ] as [(String, String?)])
  func agrees(_ offer: String, _ answer: String?) {
    var options = CompressionOptions()
    options.contextTakeover = true
    #expect(CompressionTerms.agree(on: [offer], options)?.answer == answer.map { "permessage-deflate\($0)" })
  }

  @Test func doesWithoutContextByDefault() {
    let terms = CompressionTerms.agree(on: ["permessage-deflate"], CompressionOptions())
    #expect(terms?.answer == "permessage-deflate;server_no_context_takeover;client_no_context_takeover")
  }

  @Test func isOffUnlessTheMountHasIt() async throws {
    try await TestServer.with { test in
      let client = try await test.connect()
      let reply = try await client.upgrade(fields: "Sec-WebSocket-Extensions: permessage-deflate\r\n")
      #expect(reply.headers["sec-websocket-extensions"] == nil)
      try await client.send(ClientFrame.frame(.text, [0x78], rsv: 0x40))
      #expect(await client.receiveToEnd() == [0x88, 2, 3, 0xEA])
    }
  }

  // MARK: Messages

  /// RFC 7692, section 7.2.3: "Hello" in one block, and again with what the window holds of it.
  private static let hello: [UInt8] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]
  private static let helloAgain: [UInt8] = [0xF2, 0x00, 0x11, 0x00, 0x00]

  private static func compressed(_ test: TestServer) async throws -> RawClient {
    let client = try await test.connect()
    let reply = try await client.upgrade(fields: "Sec-WebSocket-Extensions: permessage-deflate\r\n")
    #expect(reply.headers["sec-websocket-extensions"]?.hasPrefix("permessage-deflate") == true)
    return client
  }

  /// What the server sends, expanded with what it sent before.
  private static func expanded(_ client: RawClient, _ inflater: UnsafeInflater) async -> String {
    guard let frame = await client.frame() else { return "the end" }
    var output = UnsafeMessageBuffer()
    let result = frame.payload.withUnsafeBytes {
      inflater.inflate($0, into: &output, limit: 1_000, takesContext: true)
    }
    return result == .whole ? String(decoding: output.bytes, as: UTF8.self) : "\(result)"
  }

  @Test func speaksTheExamplesOfTheRFC() async throws {
    try await TestServer.with(Self.configuration { $0.contextTakeover = true }) { test in
      let client = try await Self.compressed(test)
      let inflater = try #require(UnsafeInflater())
      try await client.send(ClientFrame.frame(.text, Self.hello, rsv: 0x40))
      #expect(await client.receive(9) == [0xC1, 7] + Self.hello)
      try await client.send(ClientFrame.frame(.text, Self.helloAgain, rsv: 0x40))
      #expect(await client.receive(7) == [0xC1, 5] + Self.helloAgain)
      var output = UnsafeMessageBuffer()
      let known = Self.hello.withUnsafeBytes {
        inflater.inflate($0, into: &output, limit: 100, takesContext: true)
      }
      let again = Self.helloAgain.withUnsafeBytes {
        inflater.inflate($0, into: &output, limit: 100, takesContext: true)
      }
      #expect((known, again) == (.whole, .whole))
      #expect(String(decoding: output.bytes, as: UTF8.self) == "HelloHello")
      // In fragments, only the first of which has the bit (section 6.1).
      try await client.send(
        ClientFrame.frame(.text, Array(Self.helloAgain[..<2]), isFinal: false, rsv: 0x40)
          + ClientFrame.frame(.continuation, Array(Self.helloAgain[2...])))
      #expect(await Self.expanded(client, inflater) == "Hello")
      // A block without compression (section 7.2.3.3), and a message that is not compressed.
      let stored: [UInt8] = [0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00]
      try await client.send(ClientFrame.frame(.text, stored, rsv: 0x40) + ClientFrame.text("Hello"))
      #expect(await Self.expanded(client, inflater) == "Hello")
      #expect(await Self.expanded(client, inflater) == "Hello")
      // The last block may be final (section 7.2.3.4).
      try await client.send(ClientFrame.frame(.text, [0xF3] + Self.hello.dropFirst() + [0x00], rsv: 0x40))
      #expect(await Self.expanded(client, inflater) == "Hello")
    }
  }

  @Test(arguments: [false, true]) func aPreparedMessageIsCompressedAsOthersAre(takesContext: Bool)
    async throws
  {
    try await TestServer.with(Self.configuration { $0.contextTakeover = takesContext }) { test in
      let client = try await Self.compressed(test)
      let inflater = try #require(UnsafeInflater())
      try await client.send(ClientFrame.text("!prepared Hello"))
      #expect(await Self.expanded(client, inflater) == "before")
      #expect(await Self.expanded(client, inflater) == "Hello")
      #expect(await Self.expanded(client, inflater) == "behind")
    }
  }

  /// A hundred connections, one deflate.
  @Test func aPreparedMessageIsCompressedOnceForAllOfOneForm() throws {
    let shared = SharedCompression()
    let message = PreparedMessage(.text, Array("Hello".utf8))
    var options = CompressionOptions()
    options.minBytes = 0
    let terms = CompressionTerms.agree(on: ["permessage-deflate"], options)
    let narrow = CompressionTerms.agree(on: ["permessage-deflate; server_max_window_bits=9"], options)
    let first = try MessageCompression(#require(terms), options, shared: shared)
    #expect(first.compressed(message) == Self.hello)
    shared.output.removeAll(keeping: 0)
    let second = try MessageCompression(#require(terms), options, shared: shared)
    #expect(second.compressed(message) == Self.hello)
    #expect(shared.output.count == 0, "the second one deflated again")
    let third = try MessageCompression(#require(narrow), options, shared: shared)
    #expect(third.compressed(message) == Self.hello)
    #expect(shared.output.count > 0)
  }

  @Test func remembersNothingByDefault() async throws {
    try await TestServer.with(Self.configuration()) { test in
      let client = try await Self.compressed(test)
      for _ in 0..<3 {
        try await client.send(ClientFrame.frame(.text, Self.hello, rsv: 0x40))
        #expect(await client.receive(9) == [0xC1, 7] + Self.hello)
      }
      // An empty message is one empty block.
      try await client.send(ClientFrame.frame(.text, [0x00], rsv: 0x40))
      #expect(await client.receive(3) == [0xC1, 1, 0])
      try await client.send(ClientFrame.frame(.text, Self.helloAgain, rsv: 0x40))
      #expect(await client.receiveToEnd() == [0x88, 2, 3, 0xEF])
      #expect(await test.backend.nextEnding() == "a compressed message cannot be inflated")
    }
  }

  @Test func sendsSmallMessagesAsTheyAre() async throws {
    try await TestServer.with(Self.configuration { $0.minBytes = 6 }) { test in
      let client = try await Self.compressed(test)
      try await client.send(ClientFrame.text("Hello") + ClientFrame.text("Hello!"))
      #expect(await client.receive(7) == [0x81, 5] + Array("Hello".utf8))
      #expect(await client.receive(1) == [0xC1])
    }
  }

  @Test func twoConnectionsShareWhatRemembersNothing() async throws {
    try await TestServer.with(Self.configuration()) { test in
      let first = try await Self.compressed(test)
      let second = try await Self.compressed(test)
      for client in [first, second, first, second] {
        try await client.send(ClientFrame.frame(.text, Self.hello, rsv: 0x40))
        #expect(await client.receive(9) == [0xC1, 7] + Self.hello)
      }
    }
  }

  // MARK: Limits

  /// `count` zero bytes, deflated.
  private static func zeros(_ count: Int) -> [UInt8] {
    var output = UnsafeMessageBuffer()
    [UInt8](repeating: 0, count: count).withUnsafeBytes {
      UnsafeDeflater(level: 9, windowBits: 15)?.deflate($0, into: &output, takesContext: false)
    }
    return Array(output.bytes)
  }

  @Test func boundsHowFarAMessageInflates() async throws {
    try await TestServer.with(Self.configuration { $0.maxInflateRatio = 10 }) { test in
      let small = try await Self.compressed(test)
      // The first 64 kB are free.
      try await small.send(ClientFrame.frame(.binary, Self.zeros(65_536), rsv: 0x40))
      #expect(await small.frame()?.payload.isEmpty == false)
      try await small.send(ClientFrame.frame(.binary, Self.zeros(65_537), rsv: 0x40))
      #expect(await small.receiveToEnd() == [0x88, 2, 3, 0xF1])
      #expect(
        await test.backend.nextEnding() == "a compressed message inflates to more than 10 times its size")
    }
  }

  /// An empty stream is two bytes and costs a reset: RFC 7692 has no use for more than the one that ends the message.
  @Test func boundsHowManyStreamsAMessageIs() async throws {
    try await TestServer.with(Self.configuration()) { test in
      let client = try await Self.compressed(test)
      func streams(_ count: Int) -> [UInt8] {
        ClientFrame.frame(.text, [UInt8]([[UInt8]](repeating: [3, 0], count: count).joined()), rsv: 0x40)
      }
      try await client.send(streams(16))
      #expect(await client.receive(3) == [0xC1, 1, 0])
      // The count is each message's own.
      try await client.send(streams(16))
      #expect(await client.receive(3) == [0xC1, 1, 0])
      try await client.send(streams(17))
      #expect(await client.receiveToEnd() == [0x88, 2, 3, 0xEF])
      #expect(await test.backend.nextEnding() == "a compressed message cannot be inflated")
    }
  }

  /// A message whose last block is final, as in RFC 7692, section 7.2.3.4, and one that refers to it.
  @Test func theWindowOutlivesAFinalBlock() throws {
    let inflater = try #require(UnsafeInflater())
    var output = UnsafeMessageBuffer()
    let results = [[0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00], Self.helloAgain].map { message in
      message.withUnsafeBytes { inflater.inflate($0, into: &output, limit: 100, takesContext: true) }
    }
    #expect(results == [.whole, .whole])
    #expect(String(decoding: output.bytes, as: UTF8.self) == "HelloHello")
  }

  @Test func boundsAnInflatedMessage() async throws {
    var configuration = Self.configuration { $0.maxInflateRatio = 2_000 }
    configuration.mounts[0].limits.maxMessageBytes = 100_000
    try await TestServer.with(configuration) { test in
      let client = try await Self.compressed(test)
      try await client.send(ClientFrame.frame(.binary, Self.zeros(100_000), rsv: 0x40))
      #expect(await client.frame()?.payload.isEmpty == false)
      try await client.send(ClientFrame.frame(.binary, Self.zeros(100_001), rsv: 0x40))
      #expect(await client.receiveToEnd() == [0x88, 2, 3, 0xF1])
      #expect(await test.backend.nextEnding() == "a message is over the limit of 100000 bytes")
    }
  }

  @Test(
    arguments: [
      (ClientFrame.frame(.text, [0xFF, 0xFF], rsv: 0x40), 1007),
      (ClientFrame.frame(.text, [0x00, 0x01, 0x00, 0xFE, 0xFF, 0xFF, 0x00], rsv: 0x40), 1007),
      (ClientFrame.frame(.ping, [], rsv: 0x40), 1002),
      (ClientFrame.text("a", isFinal: false) + ClientFrame.frame(.continuation, [], rsv: 0x40), 1002),
    ] as [([UInt8], UInt16)])
  func refuses(_ bytes: [UInt8], _ code: UInt16) async throws {
    try await TestServer.with(Self.configuration()) { test in
      let client = try await Self.compressed(test)
      try await client.send(bytes)
      #expect(await client.receiveToEnd() == [0x88, 2, UInt8(code >> 8), UInt8(code & 0xFF)])
    }
  }
}
