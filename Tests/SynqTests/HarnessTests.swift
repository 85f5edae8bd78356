import Synq
import SynqTesting
import Synchronization
import Testing

/// What a test sees that fails.
@Suite struct HarnessTests {
  let channel: TestChannel

  init() async throws {
    channel = try await TestServer("counter:*", Counter(), timeout: .milliseconds(20)).join("counter:1")
  }

  @Test func aFailureSaysWhereWhatAndWhatCameInstead() async throws {
    try await channel.push("inc")
    let failure = try await #require(throws: ExpectationFailure.self) {
      try await channel.expectPush("hello", fileID: "App/Tests.swift", line: 7)
    }
    #expect(
      "\(failure)" == """
        App/Tests.swift:7: counter:1: expected "hello" to be pushed, it was not
        What came and was not asked for:
          synq:change {"state":{"count":0},"version":0}
          synq:patch {"operations":[{"op":"replace","path":"/count","value":1}],"version":1}
        """)
  }

  @Test func aStateIsReachedByWhateverCame() async throws {
    try await channel.push("inc")
    try await channel.push("inc")
    try await channel.expectState(["count": 1])
    try await channel.expectPatch([["op": "replace", "path": "/count", "value": 2]])
    try await channel.expectState(["count": 2])
    try await channel.refutePatch()
    let failure = try await #require(throws: ExpectationFailure.self) {
      try await channel.expectState(["count": 3])
    }
    #expect(
      failure.message == """
        counter:1: the state is another
          expected  {"count":3}
          it is     {"count":2}
        """)
  }

  @Test func originsAreAskedAboutAsInAServer() async throws {
    let asked = Mutex<[String]>([])
    let server = try Server()
    try server.channel("counter:*", Counter())
    try server.mount(
      "/asking",
      options: MountOptions(
        origins: .check { origin in
          asked.withLock { $0.append(origin) }
          return origin == "https://good.example"
        }))
    try server.mount("/same")
    try server.mount("/list", options: MountOptions(origins: .list(["//*.example.com"])))
    let test = TestServer(server)
    _ = try await test.connect("/asking", headers: ["Origin": "https://good.example"])
    _ = try await test.connect("/asking")
    _ = try await test.connect(
      "/same", headers: ["origin": "http://localhost:4000", "host": "localhost:4000"])
    _ = try await test.connect("/same", headers: ["origin": "http://a.test", "host": "a.test"])
    _ = try await test.connect("/list", headers: ["origin": "http://a.example.com"])
    _ = try await test.connect("/list", headers: ["origin": "http://elsewhere.test"], id: "nobody is asked")
    for (path, origin) in [
      ("/asking", "https://bad.example"), ("/asking", "null"), ("/same", "http://elsewhere.test"),
      ("/list", "http://elsewhere.test"),
    ] {
      await #expect(throws: ConnectionRefused()) {
        try await test.connect(path, headers: ["origin": origin])
      }
    }
    #expect(asked.withLock { $0 } == ["https://good.example", "https://bad.example"])
  }

  @Test func aMismatchShowsBoth() async throws {
    try await channel.expectFullState()
    try await channel.push("inc")
    let failure = try await #require(throws: ExpectationFailure.self) {
      try await channel.expectPatch([["op": "replace", "path": "/count", "value": 2]])
    }
    #expect(
      failure.message == """
        counter:1: another patch came
          expected [{"op":"replace","path":"/count","value":2}]
          but got  [{"op":"replace","path":"/count","value":1}]
        """)
  }

  @Test func aCrashEndsTheWaitAndTheLogSaysWhy() async throws {
    let server = try TestServer("c:*", Crashing(), timeout: .seconds(600))
    let channel = try await server.join("c:1")
    let failure = try await #require(throws: ExpectationFailure.self) { try await channel.push("go") }
    #expect(
      failure.message == """
        c:1: expected a reply to "go", none came
        What came and was not asked for:
          phx_error {}
        The log says:
          error: the channel crashed callback=handle_event cause=Boom: Boom() event=go peer=127.0.0.1 topic=c:1
        """)
  }

  @Test func refutationsFailForWhatCame() async throws {
    await #expect(throws: ExpectationFailure.self) { try await channel.refuteFullState() }
    try await channel.expectFullState()
    try await channel.refuteFullState()
    try await channel.push("inc")
    await #expect(throws: ExpectationFailure.self) { try await channel.refutePatch() }
  }

  @Test func aMessageThatNobodyHandlesIsInTheLog() async throws {
    let server = try TestServer("c:*", Crashing())
    try await server.join("c:1").sendMessage("lost")
    #expect(
      server.log == [
        "warning: a message was dropped: the channel has no handleMessage message=lost topic=c:1"
      ])
  }

  private struct Crashing: Channel {
    struct Boom: Error {}
    func handleEvent(_ event: String, _ payload: JSON, socket: Socket) throws -> Response { throw Boom() }
  }
}
