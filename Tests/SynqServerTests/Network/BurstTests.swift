import NIOCore
import NIOEmbedded
import SynqJSON
import SynqWire
import Testing

@testable import SynqHosting
@testable import SynqNetwork

/// What one read brings is answered when it ends, however it ends: the sockets of a loop write into one outbox, and what
/// were left in it would go to another client.
@Suite struct BurstTests {
  private static func post(_ body: [UInt8], token: String) -> [UInt8] {
    Array(
      ("POST /socket/longpoll?vsn=2.0.0&token=\(token) HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
        + "Content-Length: \(body.count)\r\n\r\n").utf8) + body
  }

  /// Sends a request and gives the JSON of its answer.
  private static func answer(_ peer: ManualPeer, to request: [UInt8]) throws -> JSON {
    peer.send(request)
    let text = String(decoding: peer.received(), as: UTF8.self)
    let end = try #require(text.firstRange(of: "\r\n\r\n")?.upperBound)
    return try JSON(parsing: String(text[end...]))
  }

  /// The first lines of the request are answered and change the state of a room; that change is on its way to the other
  /// client, from a task of the loop, before the session has ended.
  @Test(
    arguments: [
      ([0x5B, 0xFF], 408), (Array("[\(String(repeating: " ", count: 1_000))]".utf8), 413),
    ] as [([UInt8], Int)])
  func whatComesBeforeAMessageThatEndsALongPollSessionIsAnsweredThere(_ last: [UInt8], _ status: Int) throws {
    let server = try ManualServer { $0.mounts[0].limits.maxMessageBytes = 1_000 }
    let other = try server.join("room:1")
    let poller = try server.connect()
    func poll(_ token: String) -> [UInt8] {
      Array("GET /socket/longpoll?vsn=2.0.0&token=\(token) HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
    }
    let token = try #require(try Self.answer(poller, to: poll(""))["token"]?.stringValue)
    let lines =
      "[\"1\",\"1\",\"room:1\",\"phx_join\",{}]\n[\"1\",\"2\",\"room:1\",\"write\",\"hello\"]\n"
    let receipt = try Self.answer(poller, to: Self.post(Array(lines.utf8) + last, token: token))
    #expect(receipt == ["status": JSON(status)])

    let messages = other.messages()
    #expect(messages.map { $0[3] } == ["synq:patch"])
    #expect(messages.first?[4]?["operations"] == [["op": "replace", "path": "/text", "value": "hello"]])

    let delivery = try Self.answer(poller, to: poll(token))
    #expect(delivery["status"] == 200)
    let answers = try (0..<(delivery["messages"]?.count ?? 0)).map {
      try JSON(parsing: delivery["messages"]?[$0]?.stringValue ?? "")
    }
    #expect(answers.map { $0[3] } == ["phx_reply", "synq:change", "phx_reply"])
    #expect(try Self.answer(poller, to: poll(token))["status"] == 410)
  }

  /// The host closes while a burst is read: what its socket still says then goes nowhere.
  @Test(.timeLimit(.minutes(1))) func aBurstInWhichTheHostClosesEnds() async throws {
    try await TestServer.with { test in
      let client = try await test.webSocket()
      try await client.send(ClientFrame.text("one") + ClientFrame.text("!close 1011 bye"))
      #expect(await client.receiveToEnd() == [0x88, 2, 0x03, 0xF3])
      #expect(await test.backend.nextEnding() == "bye")
    }
  }

  @Test func aLongPollBurstInWhichTheHostClosesEnds() throws {
    let loop = EmbeddedEventLoop()
    let session = LongPollSession(
      token: "token", mount: 0, address: AddressKey(nil),
      settings: try SocketSettings(.echo(), hosts: HostRule(nil, listeningOn: "::")),
      loop: NetworkLoop(loop, tickLength: .seconds(1), budget: MemoryBudget(.default)),
      logger: LogRecord().logger
    ) {}
    let receiver = ClosingReceiver(session)
    session.attach(receiver)
    let messages = ["one", "two"].map { LongPollMessage(kind: .text, bytes: ByteBuffer(string: $0)) }
    #expect(session.receive(messages) == .refused)
    loop.run()
    #expect(receiver.calls == ["receive one", "readBurstEnded", "transportClosed bye"])
  }

  /// Closes at the first message.
  private final class ClosingReceiver: SocketReceiver {
    private let transport: any SocketTransport
    private(set) var calls: [String] = []

    init(_ transport: any SocketTransport) { self.transport = transport }

    func receive(text: UnsafeRawBufferPointer) {
      calls.append("receive \(String(decoding: text, as: UTF8.self))")
      transport.close(.internalError, reason: "bye")
    }

    func receive(binary: UnsafeRawBufferPointer) { calls.append("receive binary") }
    func readBurstEnded() { calls.append("readBurstEnded") }
    func transportBecameWritable() { calls.append("transportBecameWritable") }
    func transportClosed(reason: String) { calls.append("transportClosed \(reason)") }
  }

  /// A read of pings costs one write, and no more bytes than it brought.
  @Test func thePongsOfABurstAreOneWrite() throws {
    let server = try ManualServer()
    let peer = try server.join("room:1")
    let writes = peer.writes
    let pings = (0..<10_000).flatMap { ClientFrame.frame(.ping, [UInt8(truncatingIfNeeded: $0)]) }
    peer.send(pings)
    #expect(peer.received() == (0..<10_000).flatMap { [0x8A, 1, UInt8(truncatingIfNeeded: $0)] })
    #expect(peer.writes == writes + 1)
  }

  @Test func aPingBeforeTheCloseIsAnsweredBeforeTheClose() throws {
    let server = try ManualServer()
    let peer = try server.join("room:1")
    peer.send(ClientFrame.frame(.ping, [7]) + ClientFrame.close(1000))
    #expect(peer.received() == [0x8A, 1, 7, 0x88, 2, 0x03, 0xE8])
  }
}
