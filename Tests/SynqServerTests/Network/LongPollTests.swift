import NIOCore
import SynqWire
import Testing

@testable import SynqHosting
@testable import SynqNetwork

@Suite(.timeLimit(.minutes(1))) struct LongPollTests {
  /// `wire/longpoll_basic`.
  @Test func talksAsRecorded() async throws {
    try await TestServer.with(.echo { $0.mounts[0].longPoll.window = .milliseconds(20) }) { test in
      let client = try await LongPollClient(test)
      let token = try await client.begin()
      #expect(token.utf8.count == 32)
      let posted = try await client.post("[1]\n[\"ä\"]", token: token)
      #expect(posted.body == LongPollClient.ok)
      #expect(
        posted.headers.filter { $0.key != "date" } == [
          "content-length": "14", "vary": "accept-encoding",
          "cache-control": "max-age=0, private, must-revalidate", "access-control-allow-origin": "*",
          "content-type": "application/json; charset=utf-8",
        ])
      let answer = try await client.get(token: token)
      #expect(answer.status == 200)
      #expect(answer.body == "{\"messages\":[\"[1]\",\"[\\\"ä\\\"]\"],\"status\":200,\"token\":\"\(token)\"}")
      let empty = try await client.get(token: token)
      #expect(empty.body == "{\"messages\":[],\"status\":204,\"token\":\"\(token)\"}")
      #expect(try await client.post("[2]", token: token, type: "application/json").body == LongPollClient.ok)
      #expect(try await client.get(token: token).body.hasPrefix("{\"messages\":[\"[2]\"]"))
    }
  }

  @Test func answersAWaitingPollWhenAMessageComes() async throws {
    try await TestServer.with { test in
      let poller = try await LongPollClient(test)
      let sender = try await LongPollClient(test)
      let token = try await poller.begin()
      try await poller.beginGet(token: token)
      #expect(try await sender.post("[1]", token: token).body == LongPollClient.ok)
      #expect(
        await poller.client.reply().body == "{\"messages\":[\"[1]\"],\"status\":200,\"token\":\"\(token)\"}")
    }
  }

  @Test func aPreparedMessageGoesBetweenOthers() async throws {
    try await TestServer.with { test in
      let client = try await LongPollClient(test)
      let token = try await client.begin()
      let post = try await client.post("!prepared the \"same\"", token: token, type: "text/plain")
      #expect(post.body == LongPollClient.ok)
      let reply = try await client.get(token: token)
      #expect(reply.body.hasPrefix(#"{"messages":["before","the \"same\"","behind"],"status":200"#))
    }
  }

  @Test func takesTokensByHeader() async throws {
    try await TestServer.with { test in
      let client = try await LongPollClient(test)
      let token = try await client.begin()
      let field = "X-Phoenix-Longpoll-Token: \(token)\r\n"
      #expect(try await client.post("[1]", token: nil, fields: field).body == LongPollClient.ok)
      #expect(try await client.get(fields: field).body.contains("[1]"))
      _ = try await client.get(fields: "X-Phoenix-AuthToken: secret\r\n")
      #expect(test.backend.requests.map(\.authToken) == [nil, "secret"])
      #expect(test.backend.requests.map(\.transport) == [.longPoll, .longPoll])
    }
  }

  /// `wire/longpoll_errors`.
  @Test func answersErrorsAsRecorded() async throws {
    let configuration = NetworkConfiguration.echo {
      $0.mounts.append(.echo("/origin") { $0.origins = .list(["//example.com"]) })
      $0.mounts.append(.echo("/auth"))
    }
    let backend = EchoBackend { request in
      request.mount == 2 ? .refused(status: 403, body: "", reason: "no") : .accepted(ConnectGrant())
    }
    try await TestServer.with(configuration, backend: backend) { test in
      var client = try await LongPollClient(test)
      #expect(try await client.post("[1]", token: nil).body == "{\"status\":410}")
      #expect(try await client.get(token: "garbage").body.contains("\"status\":410,\"token\":"))
      let put = try await client.client.request(
        "PUT /socket/longpoll?vsn=2.0.0 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
      #expect(put.status == 400)
      #expect(put.body == "")
      #expect(put.headers["access-control-allow-origin"] == "*")
      let options = try await client.client.request(
        "OPTIONS /socket/longpoll?vsn=2.0.0 HTTP/1.1\r\nHost: x\r\nOrigin: http://x\r\n"
          + "Access-Control-Request-Headers: content-type\r\n\r\n")
      #expect(options.status == 200)
      #expect(options.headers["access-control-allow-headers"] == "content-type")
      #expect(options.headers["access-control-allow-methods"] == "get, post, options")
      #expect(options.headers["access-control-max-age"] == "3600")
      client.target = "/socket/longpoll?vsn=3.0.0"
      #expect(try await client.get().body == "{\"status\":403}")
      client.target = "/auth/longpoll?vsn=2.0.0"
      #expect(try await client.get().body == "{\"status\":403}")
      client.target = "/origin/longpoll?vsn=2.0.0"
      #expect(try await client.get(fields: "Origin: http://evil.test\r\n").body == "{\"status\":403}")
    }
  }

  @Test func aTokenIsGoodForItsOwnSocketOnly() async throws {
    try await TestServer.with(.echo { $0.mounts.append(.echo("/other")) }) { test in
      var client = try await LongPollClient(test)
      let token = try await client.begin()
      client.target = "/other/longpoll?vsn=2.0.0"
      #expect(try await client.post("[1]", token: token).body == "{\"status\":410}")
    }
  }

  /// docs/specification.md, section 7: malformed lines answer 408 in every form, and nothing of their batch is taken; the session lives.
  @Test(arguments: ["{not json", "[1]\n{not json", "AAE", "A=A=", "plain", "", "\r\n\n"])
  func answersMalformedLinesWith408(_ body: String) async throws {
    try await TestServer.with(.echo { $0.mounts[0].longPoll.window = .milliseconds(20) }) { test in
      let client = try await LongPollClient(test)
      let token = try await client.begin()
      #expect(try await client.post(body == "AAE" ? "AAE*" : body, token: token).body == "{\"status\":408}")
      #expect(try await client.get(token: token).body.contains("\"messages\":[],\"status\":204"))
      let number = body.hasPrefix("[1]") ? 2 : 1
      #expect(test.log.text.contains("line \(number) of a long-poll request is neither a message nor base64"))
    }
  }

  @Test func endsTheSessionForWhatItsSocketCannotRead() async throws {
    try await TestServer.with { test in
      let client = try await LongPollClient(test)
      let token = try await client.begin()
      #expect(
        try await client.post("!close 1011 not JSON", token: token, type: "text/plain").body
          == "{\"status\":408}")
      #expect(await test.backend.nextEnding() == "not JSON")
      #expect(try await client.get(token: token).body.contains("\"status\":410"))
      let other = try await client.begin()
      try await client.client.send(
        Array("POST /socket/longpoll?token=\(other) HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n".utf8)
          + [0x5B, 0xFF])
      #expect(await client.client.reply().body == "{\"status\":408}")
      #expect(await test.backend.nextEnding() == "text is not UTF-8 at byte 1")
      #expect(test.log.text.contains("ending a long-poll session: text is not UTF-8 at byte 1"))
    }
  }

  /// A host's disconnect is no fault of the message that caused it.
  @Test func deliversWhatWasSentBeforeADisconnect() async throws {
    try await TestServer.with { test in
      let client = try await LongPollClient(test)
      let token = try await client.begin()
      #expect(try await client.post("[1]", token: token).body == LongPollClient.ok)
      #expect(
        try await client.post("!close 1001 bye", token: token, type: "text/plain").body == LongPollClient.ok)
      #expect(await test.backend.nextEnding() == "bye")
      #expect(try await client.get(token: token).body.contains("[\"[1]\"],\"status\":200"))
      #expect(try await client.get(token: token).body.contains("\"status\":410"))
    }
  }

  /// Phoenix answers 500 here (`wire/longpoll_binary`).
  @Test func turnsABinaryReplyIntoAnErrorReply() async throws {
    try await TestServer.with(.echo { $0.mounts[0].longPoll.window = .milliseconds(20) }) { test in
      let client = try await LongPollClient(test)
      let token = try await client.begin()
      let reply: [UInt8] = [1, 1, 0, 7, 2] + Array("1plain:aok".utf8) + [0, 255]
      #expect(try await client.post(Base64.encode(reply), token: token).body == LongPollClient.ok)
      let body = try await client.get(token: token).body
      #expect(
        body.contains("[\\\"1\\\",null,\\\"plain:a\\\",\\\"phx_reply\\\",{\\\"status\\\":\\\"error\\\""))
      #expect(body.contains("\\\"code\\\":\\\"binary_over_longpoll\\\""))
      let push: [UInt8] = [0, 1, 7, 3] + Array("1plain:abin".utf8)
      #expect(try await client.post(Base64.encode(push), token: token).body == LongPollClient.ok)
      #expect(try await client.get(token: token).body.contains("\"status\":204"))
      #expect(test.log.text.contains("a binary message was dropped"))
    }
  }

  @Test func readsObjectsAsTextInV1() async throws {
    try await TestServer.with { test in
      var client = try await LongPollClient(test)
      client.target = "/socket/longpoll?vsn=1.0.0"
      let token = try await client.begin()
      #expect(try await client.post("{\"a\":1}\r\n\r\n{}\n", token: token).body == LongPollClient.ok)
      #expect(try await client.get(token: token).body.contains("[\"{\\\"a\\\":1}\",\"{}\"]"))
    }
  }

  @Test func answersAPollThatIsReplacedWithNothing() async throws {
    try await TestServer.with { test in
      let first = try await LongPollClient(test)
      let second = try await LongPollClient(test)
      let token = try await first.begin()
      // The first poll is with the session before the second one comes: both are on one loop, in order.
      try await first.beginGet(token: token)
      #expect(try await first.client.isTaken(by: second.client))
      try await second.beginGet(token: token)
      #expect(await first.client.reply().body.contains("\"status\":204"))
      #expect(try await first.post("[1]", token: token).body == LongPollClient.ok)
      #expect(await second.client.reply().body.contains("[1]"))
    }
  }

  // MARK: Several loops

  /// The requests of one session come in on connections of every event loop; it stays one session, in order.
  @Test func oneSessionIsServedOnEveryLoop() async throws {
    try await TestServer.with(loops: 3) { test in
      var clients: [LongPollClient] = []
      for _ in 0..<9 { clients.append(try await LongPollClient(test)) }
      let token = try await clients[0].begin()
      for number in 0..<90 {
        // Never the same connection; by turns the same loop and another one.
        let (poller, sender) = (clients[number % 9], clients[(4 * number + 1) % 9])
        try await poller.beginGet(token: token)
        #expect(try await sender.post("[\(number)]\n[\"again\"]", token: token).body == LongPollClient.ok)
        #expect(
          await poller.client.reply().body
            == "{\"messages\":[\"[\(number)]\",\"[\\\"again\\\"]\"],\"status\":200,\"token\":\"\(token)\"}")
      }
      #expect(test.backend.requests.count == 1)
    }
  }

  /// Many sessions at a time, each with connections of other loops than its own: nothing goes to another's client.
  @Test func manySessionsOnManyLoopsStayApart() async throws {
    try await TestServer.with(loops: 4) { test in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for session in 0..<16 {
          group.addTask {
            let poller = try await LongPollClient(test)
            let sender = try await LongPollClient(test)
            let token = try await poller.begin()
            for number in 0..<25 {
              #expect(try await sender.post("[\(session),\(number)]", token: token).body == LongPollClient.ok)
              #expect(try await poller.get(token: token).body.contains("[\"[\(session),\(number)]\"]"))
            }
            // Ended on the loop of the session by a request of another one.
            let bye = try await sender.post("!close 1001 bye", token: token, type: "text/plain")
            #expect(bye.body == LongPollClient.ok)
            #expect(try await sender.post("[0]", token: token).body == "{\"status\":410}")
          }
        }
        try await group.waitForAll()
      }
      for _ in 0..<16 { #expect(await test.backend.nextEnding() == "bye") }
    }
  }
}

extension RawClient {
  /// Waits until the server, which has one loop, has read what was sent before: it answers another client's request
  /// that was sent after it.
  fileprivate func isTaken(by other: RawClient) async throws -> Bool {
    try await other.request("GET /none HTTP/1.1\r\nHost: x\r\n\r\n").status == 404
  }
}
