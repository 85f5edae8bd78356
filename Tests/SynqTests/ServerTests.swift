import Synq
import SynqTesting
import Testing

@Suite struct ServerTests {
  @Test(arguments: [Server.Delivery.inline, .workers(2)])
  func aConversationOverARealConnection(_ delivery: Server.Delivery) async throws {
    let server = try Server(delivery: delivery, loops: 1, limits: .patient)
    try server.channel("counter:*", Counter())
    try server.start()
    let client = try await WebSocketClient(port: try #require(server.port))

    try await client.send(["1", "1", "counter:1", "phx_join", [:]])
    #expect(
      try await client.receive() == ["1", "1", "counter:1", "phx_reply", ["status": "ok", "response": [:]]])
    #expect(
      try await client.receive() == [
        "1", nil, "counter:1", "synq:change", ["state": ["count": 0], "version": 0],
      ])
    try await client.send(["1", "2", "counter:1", "inc", [:]])
    #expect(
      try await client.receive() == [
        "1", "2", "counter:1", "phx_reply", ["status": "ok", "response": ["count": 1]],
      ])
    #expect(
      try await client.receive() == [
        "1", nil, "counter:1", "synq:patch",
        ["operations": [["op": "replace", "path": "/count", "value": 1]], "version": 1],
      ])
    try server.broadcast("counter:1", "news", ["n": 1])
    #expect(try await client.receive() == [nil, nil, "counter:1", "news", ["n": 1]])
    #expect(server.stats.channels == 1)
    #expect(server.stats.messagesIn == 2)

    try server.stop()
    #expect(try await client.receive() == nil)
    await server.wait()
  }

  @Test func asyncCallbacksOverARealConnection() async throws {
    let server = try Server(delivery: .workers(1), loops: 1, limits: .patient)
    try server.channel("tally:*", Tally())
    try server.start()
    let client = try await WebSocketClient(port: try #require(server.port))
    try await client.send(["1", "1", "tally:1", "phx_join", ["refuse": true]])
    #expect(try await client.receive()?[4]?["status"] == "error")
    try await client.send(["2", "2", "tally:1", "phx_join", [:]])
    #expect(try await client.receive()?[4]?["status"] == "ok")
    for count in 1...3 {
      try await client.send(["2", "3", "tally:1", "inc", [:]])
      #expect(
        try await client.receive() == [
          "2", "3", "tally:1", "phx_reply", ["status": "ok", "response": JSON(count)],
        ])
    }
    try server.stop()
    #expect(try await client.receive() == nil)
    await server.wait()
  }

  @Test func runReturnsWhenItsTaskIsCancelledAndEveryBeforeCloseIsDone() async throws {
    let journal = Journal()
    let server = try Server(loops: 1, limits: .patient)
    try server.channel("j:*", Keeper(journal: journal))
    try server.start()
    let run = Task { try await server.run() }
    let client = try await WebSocketClient(port: try #require(server.port))
    try await client.send(["1", "1", "j:1", "phx_join", [:]])
    _ = try await client.receive()
    run.cancel()
    while try await client.receive() != nil {}
    try await run.value
    #expect(journal.entries == ["close shutdown:draining"])
  }

  @Test func connectDecidesWhoMayConnect() async throws {
    let server = try Server(loops: 1, limits: .patient)
    try server.channel("w:*", WhoAmI())
    try server.mount("/socket", options: MountOptions(longPoll: false)) { connection in
      await Task.yield()
      guard let name = connection.params["name"]?.stringValue else {
        throw ConnectionRefused(status: 401, body: "who are you?")
      }
      connection.id = name
      try connection.assign("name", to: name)
    }
    try server.start()
    let port = try #require(server.port)
    await #expect(throws: ConnectionFailure.self) { _ = try await WebSocketClient(port: port) }

    let client = try await WebSocketClient(port: port, path: "/socket/websocket?vsn=2.0.0&name=ada")
    try await client.send(["1", "1", "w:1", "phx_join", [:]])
    #expect(try await client.receive()?[4]?["status"] == "ok")
    try await client.send(["1", "2", "w:1", "who", [:]])
    #expect(try await client.receive()?[4]?["response"] == ["name": "ada", "id": "ada"])
    try server.disconnect(id: "ada")
    #expect(try await client.receive() == nil)
    try server.stop()
    await server.wait()
  }

  @Test func aClosureThatMayAwaitDecidesAboutOrigins() async throws {
    let asked = Journal()
    let origins = MountOptions.Origins.check { origin in
      await Task.yield()
      asked.add(origin)
      return origin.hasSuffix(".example.com")
    }
    let server = try Server(loops: 1, limits: .patient)
    try server.mount("/socket", options: MountOptions(origins: origins))
    try server.start()
    let port = try #require(server.port)
    for origin in [nil, "https://a.example.com"] { _ = try await WebSocketClient(port: port, origin: origin) }
    for origin in ["https://example.org", "null", "file://", "garbage"] {
      let failure = await #expect(throws: ConnectionFailure.self) {
        _ = try await WebSocketClient(port: port, origin: origin)
      }
      #expect(failure?.reason == "HTTP/1.1 403 Forbidden")
    }
    #expect(asked.entries == ["https://a.example.com", "https://example.org"])
    try server.stop()
    await server.wait()
  }

  @Test func connectIsAskedByTheHarnessToo() async throws {
    let server = try Server(delivery: .inline)
    try server.channel("w:*", WhoAmI())
    try server.mount("/live") { connection in
      guard connection.token == "secret", connection.header("X-Lab") == "7" else {
        throw SynqError(code: "no")
      }
      try connection.assign("name", to: "lab")
    }
    let test = TestServer(server)
    await #expect(throws: ConnectionRefused(status: 403, body: "no")) { _ = try await test.connect("/live") }
    let client = try await test.connect("/live", headers: ["x-lab": "7"], token: "secret")
    #expect(try await client.join("w:1").push("who") == .ok(["name": "lab", "id": nil]))
  }

  @Test func onlyARunningServerWithTLSReadsItsCertificateAgain() async throws {
    func code(_ server: Server) -> HostError.Code? {
      do throws(HostError) {
        try server.reloadTLS()
        return nil
      } catch {
        return error.code
      }
    }

    let plain = try Server(loops: 1)
    #expect(code(plain) == .state)
    let server = try Server(
      loops: 1, tls: Server.TLS(certificate: "/none.pem", key: "/none.pem", minimumVersion: .tls13))
    #expect(code(server) == .state)
    #expect(throws: HostError.self) { try server.start() }
    try server.stop()
    await server.wait()
    #expect(code(server) == .closed)
  }

  @Test func mistakesNameTheArgument() throws {
    func expect(_ message: String, _ line: Int = #line, _ body: () throws -> Void) {
      let error = #expect(throws: HostError.self, performing: body)
      #expect(error?.message == message, "line \(line)")
    }

    expect("port: 70000 is not in 0...65535") { _ = try Server(port: 70_000) }
    expect("workers: 0 is not in 1...1024") { _ = try Server(delivery: .workers(0)) }
    expect("workers: 1025 is not in 1...1024") { _ = try Server(delivery: .workers(1025)) }
    expect("loops: 0 is not in 1...256") { _ = try Server(loops: 0) }
    expect("loops: 257 is not in 1...256") { _ = try Server(loops: 257) }
    let server = try Server(delivery: .inline)
    try server.channel("a:*", Counter())
    expect("pattern: \"a:*\" has a channel already") { try server.channel("a:*", Counter()) }
    expect("pattern: \"a*b\" has a * that is not at its end") { try server.channel("a*b", Counter()) }
    expect("maxVersion: 0 is not at least 1") { try server.channel("b", Odd()) }
    expect("path: \"socket\" does not begin with /") { try server.mount("socket") }
    expect("directory: \"/nowhere\": No such file or directory") {
      try server.files("/", directory: "/nowhere")
    }
    expect("server: it was not started") { try server.publish("a:1", "x") }
    #expect(server.port == nil)
    #expect(server.stats.connections == 0)
  }

  @Test func aTakenPortIsSaidSo() async throws {
    let first = try Server(delivery: .inline, loops: 1)
    try first.start()
    let second = try Server(port: try #require(first.port), delivery: .inline, loops: 1)
    let error = #expect(throws: HostError.self) { try second.start() }
    #expect(error?.code == .addressInUse)
    try first.stop()
    try first.stop(timeout: .zero)
    await first.wait()
  }
}

private struct Keeper: Channel {
  let journal: Journal
  func beforeClose(reason: CloseReason, socket: Socket) { journal.add("close \(reason)") }
}

private struct WhoAmI: Channel {
  func handleEvent(_ event: String, _ payload: JSON, socket: Socket) throws -> Response {
    .ok(["name": socket["name"] ?? .null, "id": socket.id.map { JSON($0) } ?? .null])
  }
}

private struct Odd: Channel {
  let options = ChannelOptions(maxVersion: 0)
}
