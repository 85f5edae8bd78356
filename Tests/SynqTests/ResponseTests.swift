import Synq
import SynqTesting
import Synchronization
import Testing

/// Answers each event in the way that its name says.
private struct Responder: Channel {
  struct Point: Codable { var x: Int, y: Double }
  struct Boom: Error {}
  enum Late: StorageKey { typealias Value = DetachedReply }

  let options = ChannelOptions(track: ["log"])

  func initialize(topic: String, params: JSON, socket: Socket) throws {
    try socket.assign("log", to: [String]())
  }

  func handleEvent(_ event: String, _ payload: JSON, socket: Socket) throws -> Response {
    try socket.append(event, at: "/log")
    switch event {
    case "noReply": return .noReply
    case "ok": return .ok
    case "literal": return .ok(["a": 1, "b": "x", "c": nil])
    case "encodable": return .ok(Point(x: 1, y: 0.5))
    case "bytes": return .ok(bytes: [1, 2, 255])
    case "status": return .reply("moved", ["to": "room:2"])
    case "error": return .error(code: "full", message: "The room is full", details: ["limit": 3])
    case "throw": throw SynqError(code: "full", message: "The room is full", details: ["limit": 3])
    case "throwCode": throw SynqError(code: "gone")
    case "order":
      try socket.push("first")
      try socket.push("second", Point(x: 2, y: 2))
      return .ok
    case "boom": throw Boom()
    case "nan": return .ok(["value": Double.nan])
    case "stop":
      try socket.stop()
      return .ok("bye")
    case "stopSilently":
      try socket.stop(.shutdown("kicked"))
      return .noReply
    case "stopOddly":
      try socket.stop(CloseReason(rawValue: "odd"))
      return .noReply
    case "detach":
      socket[Late.self] = try socket.detachReply()
      return .noReply
    case "detachAndAnswerAtOnce":
      try socket.detachReply().send(.ok("early"))
      return .noReply
    case "answer":
      try socket[Late.self]?.send(.ok("late"))
      return .ok
    case "detachAndAnswer":
      _ = try socket.detachReply()
      return .ok("twice")
    default: throw SynqError(code: "unknown_event", message: event)
    }
  }

  func handleBinary(_ event: String, _ bytes: [UInt8], socket: Socket) throws -> Response {
    .ok(bytes: bytes.reversed())
  }
}

@Suite struct ResponseTests {
  static let replies: [(String, Reply)] = [
    ("noReply", .ok),
    ("ok", .ok),
    ("literal", .ok(["a": 1, "b": "x", "c": nil])),
    ("encodable", .ok(["x": 1, "y": 0.5])),
    ("bytes", .ok(bytes: [1, 2, 255])),
    ("status", Reply(status: "moved", response: ["to": "room:2"])),
    ("error", .error(code: "full", message: "The room is full", details: ["limit": 3])),
    ("throw", .error(code: "full", message: "The room is full", details: ["limit": 3])),
    ("throwCode", .error(code: "gone", message: "gone")),
    ("nonsense", .error(code: "unknown_event", message: "nonsense")),
  ]

  let channel: TestChannel

  init() async throws { channel = try await TestServer("r:*", Responder()).join("r:1") }

  @Test(arguments: replies)
  func eachResponseReachesTheClient(_ event: String, _ expected: Reply) async throws {
    #expect(try await channel.push(event) == expected)
    #expect(channel.state == ["log": [JSON(event)]])
  }

  @Test func bytesAreAnsweredWithBytes() async throws {
    #expect(try await channel.push("reverse", bytes: [1, 2, 3]) == .ok(bytes: [3, 2, 1]))
  }

  @Test func pushesComeFirstThenTheReplyThenThePatch() async throws {
    let pending = try channel.pushWithoutWaiting("order")
    try await channel.client.server.settle()
    #expect(
      channel.received == [
        "synq:change {\"state\":{\"log\":[]},\"version\":0}",
        "first {}",
        "second {\"x\":2,\"y\":2.0}",
        "reply ok {} to push \"2\"",
        "synq:patch {\"operations\":[{\"op\":\"add\",\"path\":\"/log/-\",\"value\":\"order\"}],\"version\":1}",
      ])
    #expect(try await channel.expectReply(pending) == .ok)
  }

  @Test(arguments: ["boom", "nan", "detachAndAnswer"])
  func aFailureEndsTheChannelAndWhatItAssignedIsDropped(_ event: String) async throws {
    try await channel.expectFullState()
    _ = try channel.pushWithoutWaiting(event)
    try await channel.expectCrash()
    try await channel.refutePatch()
    try await channel.rejoin()
    try await channel.expectState(["log": []])
  }

  @Test func aCrashIsLoggedWithTopicEventAndCause() async throws {
    _ = try channel.pushWithoutWaiting("boom")
    try await channel.expectCrash()
    #expect(
      channel.client.server.log == [
        "error: the channel crashed callback=handle_event cause=Boom: Boom() event=boom peer=127.0.0.1 topic=r:1"
      ])
  }

  @Test func stopWithAReplyGivesItAndCloses() async throws {
    #expect(try await channel.push("stop") == .ok("bye"))
    try await channel.expectClose()
    #expect(try await channel.push("ok").status == "error")
  }

  @Test func stopWithoutAReplyOnlyCloses() async throws {
    try await channel.expectFullState()
    _ = try channel.pushWithoutWaiting("stopSilently")
    try await channel.expectClose()
    #expect(
      channel.received == [
        "synq:patch {\"operations\":[{\"op\":\"add\",\"path\":\"/log/-\",\"value\":\"stopSilently\"}],\"version\":1}"
      ])
  }

  @Test func stopForAnOddReasonLetsTheClientComeBack() async throws {
    _ = try channel.pushWithoutWaiting("stopOddly")
    try await channel.expectCrash()
  }

  @Test func aDetachedReplyComesLaterAndTheChannelGoesOn() async throws {
    let late = try channel.pushWithoutWaiting("detach")
    #expect(try await channel.push("ok") == .ok)
    #expect(try await channel.push("answer") == .ok)
    #expect(try await channel.expectReply(late) == .ok("late"))
  }

  @Test(arguments: [Server.Delivery.inline, .workers(1)])
  func aDetachedReplyMayComeBeforeItsCallbackHasReturned(_ delivery: Server.Delivery) async throws {
    let server = try Server(delivery: delivery, loops: 1, limits: .patient)
    try server.channel("a:*", Responder())
    try server.start()
    let client = try await WebSocketClient(port: try #require(server.port))
    try await client.send(["1", "1", "a:1", "phx_join", [:]])
    while try await client.receive()?[3] != "phx_reply" {}
    try await client.send(["1", "2", "a:1", "detachAndAnswerAtOnce", [:]])
    while let message = try await client.receive() {
      guard message[1] == "2" else { continue }
      #expect(message == ["1", "2", "a:1", "phx_reply", ["status": "ok", "response": "early"]])
      break
    }
    try server.stop(timeout: .zero)
    await server.wait()
  }
}
