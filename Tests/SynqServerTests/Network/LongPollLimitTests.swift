import SynqWire
import Testing

@testable import SynqNetwork

/// What a long-poll client may cost.
@Suite(.timeLimit(.minutes(1))) struct LongPollLimitTests {
  @Test func endsASessionThatIsNotPolled() async throws {
    try await TestServer.with(.echo { $0.mounts[0].longPoll.sessionTimeout = .milliseconds(80) }) { test in
      let client = try await LongPollClient(test)
      let token = try await client.begin()
      #expect(await test.backend.nextEnding() == "the client stopped polling")
      #expect(try await client.post("[1]", token: token).body == "{\"status\":410}")
    }
  }

  @Test func refusesSessionsBeyondTheLimit() async throws {
    try await TestServer.with(.echo { $0.mounts[0].longPoll.maxSessions = 2 }) { test in
      let client = try await LongPollClient(test)
      let token = try await client.begin()
      _ = try await client.begin()
      #expect(try await client.get().body == "{\"status\":429}")
      #expect(
        try await client.post("!close 1001 bye", token: token, type: "text/plain").body == LongPollClient.ok)
      #expect(await test.backend.nextEnding() == "bye")
      _ = try await client.begin()
    }
  }

  @Test func refusesABatchBeyondTheLimitWhole() async throws {
    let configuration = NetworkConfiguration.echo {
      $0.mounts[0].longPoll.maxBatchMessages = 3
      $0.mounts[0].longPoll.window = .milliseconds(20)
    }
    try await TestServer.with(configuration) { test in
      let client = try await LongPollClient(test)
      let token = try await client.begin()
      #expect(try await client.post("[1]\n[2]\n[3]\n[4]", token: token).body == "{\"status\":413}")
      #expect(try await client.get(token: token).body.contains("\"status\":204"))
      #expect(try await client.post("[1]\n[2]\n[3]\n", token: token).body == LongPollClient.ok)
    }
  }

  @Test(arguments: [true, false])
  func refusesABodyBeyondTheLimit(isChunked: Bool) async throws {
    try await TestServer.with(.echo { $0.mounts[0].longPoll.maxBodyBytes = 100 }) { test in
      let client = try await LongPollClient(test)
      let token = try await client.begin()
      let largest = "[\"\(String(repeating: "a", count: 96))\"]"
      #expect(try await client.post(largest, token: token).body == LongPollClient.ok)
      let head = "POST /socket/longpoll?token=\(token) HTTP/1.1\r\nHost: x\r\n"
      try await client.client.send(
        isChunked
          ? head + "Transfer-Encoding: chunked\r\n\r\n65\r\n\(largest) \r\n"
          : head + "Content-Length: 101\r\n\r\n")
      let reply = await client.client.reply()
      #expect(reply.body == "{\"status\":413}")
      #expect(reply.headers["connection"] == "close")
      #expect(await client.client.receiveToEnd() == [])
    }
  }

  @Test func endsASessionWhoseQueueIsFull() async throws {
    try await TestServer.with(.echo { $0.mounts[0].longPoll.maxQueuedBytes = 10_000 }) { test in
      let client = try await LongPollClient(test)
      let token = try await client.begin()
      _ = try await client.post("!flood 20 1000", token: token, type: "text/plain")
      #expect(await test.backend.nextEnding() == "the client does not poll: more than 10000 bytes wait")
      #expect(try await client.get(token: token).body.contains("\"status\":410"))
    }
  }

  @Test func tellsItsSocketWhenTheQueueIsFull() async throws {
    try await TestServer.with(.echo { $0.mounts[0].limits.outboundHighWaterMark = 40_000 }) { test in
      let client = try await LongPollClient(test)
      let token = try await client.begin()
      _ = try await client.post("!flood 1 50000", token: token, type: "text/plain")
      _ = try await client.post("!writable", token: token, type: "text/plain")
      #expect(try await client.get(token: token).body.contains("\"false\""))
      _ = try await client.post("!writable", token: token, type: "text/plain")
      #expect(try await client.get(token: token).body.contains("\"true\""))
    }
  }

  @Test func countsEmptyLinesTowardTheBatch() async throws {
    try await TestServer.with(.echo { $0.mounts[0].longPoll.maxBatchMessages = 3 }) { test in
      let client = try await LongPollClient(test)
      let token = try await client.begin()
      for body in ["\n\n\n[1]", "[1]\n\r\n\n\n", String(repeating: "\n", count: 100_000)] {
        #expect(try await client.post(body, token: token).body == "{\"status\":413}")
      }
      #expect(try await client.post("\n\r\n[1]\n", token: token).body == LongPollClient.ok)
      #expect(try await client.get(token: token).body.contains("\"messages\":[\"[1]\"]"))
    }
  }

  /// The limit of a message is that of a WebSocket's: what came before it is answered, then the session ends.
  @Test(arguments: [true, false])
  func refusesAMessageBeyondTheLimit(isBinary: Bool) async throws {
    try await TestServer.with(.echo { $0.mounts[0].limits.maxMessageBytes = 100 }) { test in
      let client = try await LongPollClient(test)
      let token = try await client.begin()
      func message(_ count: Int) -> String {
        isBinary
          ? Base64.encode([UInt8](repeating: 0, count: count))
          : "[\"\(String(repeating: "a", count: count - 4))\"]"
      }
      #expect(try await client.post(message(100), token: token).body == LongPollClient.ok)
      let batch = "[1]\n\(message(101))\n[2]"
      #expect(try await client.post(batch, token: token).body == "{\"status\":413}")
      #expect(await test.backend.nextEnding() == "a message is over the limit of 100 bytes")
      let answer = try await client.get(token: token).body
      #expect(answer.contains("\"[1]\"],\"status\":200"))
      #expect(try await client.get(token: token).body.contains("\"status\":410"))
    }
  }

  /// The sessions of all mounts are counted together, and a place that is given back is free for the next.
  @Test func refusesSessionsOfOneAddressBeyondTheLimit() async throws {
    let configuration = NetworkConfiguration.echo {
      $0.limits.maxConnectionsPerAddress = 2
      $0.mounts.append(.echo("/other"))
    }
    try await TestServer.with(configuration) { test in
      var client = try await LongPollClient(test)
      let token = try await client.begin()
      client.target = "/other/longpoll?vsn=2.0.0"
      _ = try await client.begin()
      #expect(try await client.get().body == "{\"status\":429}")
      #expect(test.log.text.contains("refusing a connection: its address has 2 long-poll sessions already"))
      client.target = "/socket/longpoll?vsn=2.0.0"
      #expect(try await client.get().body == "{\"status\":429}")
      #expect(
        try await client.post("!close 1001 bye", token: token, type: "text/plain").body == LongPollClient.ok)
      #expect(await test.backend.nextEnding() == "bye")
      _ = try await client.begin()
    }
  }

  @Test func anotherAddressHasItsOwnSessions() throws {
    let server = try ManualServer { $0.limits.maxConnectionsPerAddress = 1 }
    let poll = "GET /socket/longpoll?vsn=2.0.0 HTTP/1.1\r\nHost: x\r\n\r\n"
    for (address, status) in [("10.0.0.1", 410), ("10.0.0.1", 429), ("10.0.0.2", 410), ("10.0.0.2", 429)] {
      let peer = try server.connect(from: address)
      peer.send(Array(poll.utf8))
      #expect(String(decoding: peer.received(), as: UTF8.self).contains("\"status\":\(status)"))
    }
  }
}
