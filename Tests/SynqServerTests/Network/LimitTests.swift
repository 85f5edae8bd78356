import NIOCore
import SynqWire
import Testing

@testable import SynqNetwork

/// One test for each limit of a connection that no other suite shows.
@Suite(.timeLimit(.minutes(1))) struct LimitTests {
  private static let request = "GET /none HTTP/1.1\r\nHost: x\r\n\r\n"

  @Test func refusesConnectionsBeyondTheLimit() async throws {
    try await TestServer.with(.echo { $0.limits.maxConnections = 2 }) { test in
      let first = try await test.webSocket()
      let second = try await test.connect()
      #expect(try await second.request(Self.request).status == 404)
      let refused = try await test.connect()
      #expect(await refused.reply().status == 503)
      #expect(await refused.receiveToEnd() == [])
      #expect(test.log.text.contains("refusing a connection: there are 2 already"))
      // A place that is given back is free for the next.
      try await first.send(ClientFrame.close(1000))
      _ = await first.receiveToEnd()
      #expect(await test.backend.nextEnding() != nil)
      // The socket has ended; its place is free once TCP has ended too, which nothing tells.
      var status = 503
      for _ in 1...1_000 where status == 503 {
        let next = try await test.connect()
        status = (try? await next.request(Self.request).status) ?? 503
      }
      #expect(status == 404)
    }
  }

  @Test func refusesConnectionsOfOneAddressBeyondTheLimit() async throws {
    try await TestServer.with(.echo { $0.limits.maxConnectionsPerAddress = 1 }) { test in
      let first = try await test.connect()
      #expect(try await first.request(Self.request).status == 404)
      let refused = try await test.connect()
      #expect(await refused.reply().status == 503)
      #expect(await refused.receiveToEnd() == [])
      #expect(test.log.text.contains("refusing a connection: its address has 1 already"))
    }
  }

  @Test func countsAnIPv6NetworkAsOneAddress() throws {
    func key(_ address: String) throws -> AddressKey {
      AddressKey(try SocketAddress(ipAddress: address, port: 1))
    }
    #expect(try key("2001:db8:1:2::1") == key("2001:db8:1:2:ffff::9"))
    #expect(try key("2001:db8:1:2::1") != key("2001:db8:1:3::1"))
    #expect(try key("::ffff:10.0.0.1") == key("10.0.0.1"))
    #expect(try key("10.0.0.1") != key("10.0.0.2"))
    #expect(try SocketAddress(ipAddress: "::ffff:10.0.0.1", port: 1).hostText == "10.0.0.1")
    #expect(try SocketAddress(ipAddress: "::1", port: 1).hostText == "::1")
  }

  @Test(arguments: ["", "GET /none HTTP/1.1\r\nHost: x\r\nX-Slow: "])
  func closesAConnectionWhoseRequestDoesNotCome(_ start: String) async throws {
    try await TestServer.with(.echo { $0.limits.handshakeTimeout = .milliseconds(80) }) { test in
      let client = try await test.connect()
      // The server may be faster than this client.
      client.sendAndForget(Array(start.utf8))
      #expect(await client.receiveToEnd() == [])
    }
  }

  @Test func closesAConnectionWhoseBodyDoesNotCome() async throws {
    try await TestServer.with(.echo { $0.limits.handshakeTimeout = .milliseconds(80) }) { test in
      let client = try await test.connect()
      client.sendAndForget(Array("POST /none HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n123".utf8))
      #expect(await client.receiveToEnd() == [])
    }
  }

  @Test func closesAConnectionThatIsKeptAliveForNothing() async throws {
    try await TestServer.with(.echo { $0.limits.keepAliveTimeout = .milliseconds(80) }) { test in
      let client = try await test.connect()
      #expect(try await client.request(Self.request).status == 404)
      #expect(await client.receiveToEnd() == [])
    }
  }

  @Test func refusesAHeaderThatIsTooLarge() async throws {
    try await TestServer.with(.echo { $0.limits.maxHeaderBytes = 1_000 }) { test in
      let long = String(repeating: "a", count: 1_000)
      let fields = (0..<99).map { "X-\($0): 12345678\r\n" }.joined()
      for (request, status) in [
        ("GET / HTTP/1.1\r\nX-Long: \(long)\r\n\r\n", 431), ("GET /\(long) HTTP/1.1\r\n\r\n", 431),
        ("GET / HTTP/1.1\r\n\(fields)\r\n", 431), (Self.request, 404),
      ] {
        let client = try await test.connect()
        #expect(try await client.request(request).status == status)
      }
    }
  }

  @Test func refusesTooManyFields() async throws {
    try await TestServer.with(.echo { $0.limits.maxHeaderFields = 10 }) { test in
      for (count, status) in [(10, 404), (11, 431)] {
        let fields = (1..<count).map { "a\($0): b\r\n" }.joined()
        let client = try await test.connect()
        #expect(try await client.request("GET / HTTP/1.1\r\nHost: x\r\n\(fields)\r\n").status == status)
      }
    }
  }

  /// The peer neither reads the close frame's echo nor closes its side: the server does not wait for ever.
  @Test func doesNotWaitForAPeerThatNeverCloses() async throws {
    let configuration = NetworkConfiguration.echo { $0.limits.closeTimeout = .milliseconds(80) }
    try await TestServer.with(configuration) { test in
      let client = try await RawClient.connect(port: test.port, halfClosure: true)
      _ = try await client.upgrade()
      try await client.send(ClientFrame.close(1000))
      #expect(await client.receive(4) == [0x88, 2, 3, 0xE8])
      // The server would not stop, and this test not end.
      try await test.server.closeAll(.serviceRestart, reason: "stopping").get()
      #expect(test.server.connectionCount == 0)
    }
  }

  /// A request is read to its end before the next one is looked at; pipelined ones are answered in order.
  @Test func answersPipelinedRequestsInOrder() async throws {
    try await TestServer.with { test in
      let client = try await test.connect()
      try await client.send(
        Self.request + "OPTIONS /socket/longpoll HTTP/1.1\r\nHost: x\r\n\r\n"
          + "POST /socket/longpoll HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n[]" + Self.request)
      #expect(await client.reply().status == 404)
      #expect(await client.reply().status == 200)
      #expect(await client.reply().body == "{\"status\":410}")
      #expect(await client.reply().status == 404)
    }
  }

  /// A client that asks and does not read is answered once, however often it asks; then it is not read from.
  @Test func theNextRequestIsTakenWhenTheAnswerBeforeItWas() throws {
    let server = try ManualServer()
    let peer = try server.connect()
    peer.reads = false
    for _ in 0..<50 { peer.send(Array(String(repeating: Self.request, count: 20).utf8)) }
    #expect((1...300).contains(peer.heldBytes))
    #expect(peer.unreadBytes > 0)
    peer.reads = true
    #expect(String(decoding: peer.received(), as: UTF8.self).components(of: "HTTP/1.1 404") == 1_000)
  }

  /// A client that closes its side behind its request has said all, and gets its answer.
  @Test(arguments: [1, 3]) func aClientThatClosesItsSideGetsItsAnswers(count: Int) async throws {
    try await TestServer.with { test in
      let client = try await test.connect()
      try await client.send(String(repeating: Self.request, count: count))
      try await client.closeOutput()
      let text = String(decoding: await client.receiveToEnd(), as: UTF8.self)
      #expect(text.components(of: "HTTP/1.1 404") >= 1)
    }
  }

  @Test func aPollWhoseClientClosesItsSideIsAnsweredWithNothing() async throws {
    try await TestServer.with { test in
      let token = try await LongPollClient(test).begin()
      let poll = try await LongPollClient(test)
      try await poll.beginGet(token: token)
      try await poll.client.closeOutput()
      #expect(String(decoding: await poll.client.receiveToEnd(), as: UTF8.self).contains("\"status\":204"))
      // What comes meanwhile is for the next poll.
      let post = try await LongPollClient(test).post("later", token: token, type: "text/plain")
      #expect(post.body == LongPollClient.ok)
      #expect(try await LongPollClient(test).get(token: token).body.contains("\"messages\":[\"later\"]"))
    }
  }

  /// A part now and then is enough: a slow line is not an idle one.
  @Test(arguments: [true, false]) func anAnswerThatNobodyReadsIsGivenUp(takes: Bool) throws {
    let server = try ManualServer { $0.limits.keepAliveTimeout = .seconds(30) }
    let peer = try server.connect()
    peer.reads = false
    peer.send(Array(Self.request.utf8))
    for _ in 0..<4 {
      server.loop.advanceTime(by: .seconds(20))
      if takes { peer.take(10) }
    }
    #expect(peer.channel.isActive == takes)
  }

  @Test func closesWhereTheClientAsksForIt() async throws {
    try await TestServer.with { test in
      let client = try await test.connect()
      let reply = try await client.request("GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
      #expect(reply.headers["connection"] == "close")
      #expect(await client.receiveToEnd() == [])
    }
  }

  @Test func waitsForABodyThatIsAnnounced() async throws {
    try await TestServer.with { test in
      let token = try await LongPollClient(test).begin()
      let fields = "Host: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
      let client = try await test.connect()
      try await client.send("POST /socket/longpoll?token=\(token) HTTP/1.1\r\n\(fields)")
      #expect(await client.receive(through: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
      try await client.send("[]")
      #expect(await client.reply().body == "{\"status\":200}")
      // Nobody is asked for a body that is not wanted.
      let stranger = try await test.connect()
      let reply = try await stranger.request("POST /socket/longpoll?token=guessed HTTP/1.1\r\n\(fields)")
      #expect(reply.body == "{\"status\":410}")
      #expect(await stranger.receiveToEnd() == [])
    }
  }
}

extension String {
  /// How often `part` is in it.
  fileprivate func components(of part: String) -> Int {
    split(separator: part, omittingEmptySubsequences: false).count - 1
  }
}
