import RedisServer
import Synq
import Testing

/// Servers that are joined by a redis-server.
@Suite(
  .enabled(if: RedisServer.isInstalled, Comment(rawValue: RedisServer.missing)), .serialized,
  .timeLimit(.minutes(2)))
struct ClusterTests {
  /// Tells its client when it has joined, and every message and event.
  struct Room: Channel {
    func handleEvent(_ event: String, _ payload: JSON, socket: Socket) throws -> Response {
      try socket.broadcast("said", payload)
      return .noReply
    }

    func handleMessage(_ message: ServerMessage, socket: Socket) throws {
      try socket.push("got", ["name": JSON(message.name), "payload": message.payload])
    }
  }

  private func start(_ cluster: String) throws -> Server {
    let server = try Server(limits: .patient, cluster: cluster)
    try server.channel("room:*", Room())
    try server.mount("/socket") { $0.id = "user:1" }
    try server.start()
    return server
  }

  private func join(_ server: Server) async throws -> WebSocketClient {
    let client = try await WebSocketClient(port: try #require(server.port))
    try await client.send(["1", "1", "room:1", "phx_join", [:]])
    #expect(try await client.receive()?[3] == "phx_reply")
    return client
  }

  /// Waits until so many servers listen to each other: each has said that it is there, and subscribes.
  private func untilJoined(_ count: Int, _ redis: RedisServer) {
    while true {
      let clients = redis.ask("CLIENT LIST").split(separator: "\n")
      let (ready, listening) = (
        clients.count { $0.contains("cmd=publish") }, clients.count { $0.contains(" sub=1 ") }
      )
      if ready == count, listening == count { return }
    }
  }

  @Test func broadcastsMessagesAndDisconnectsReachAll() async throws {
    let redis = try RedisServer()
    let url = "redis://127.0.0.1:\(redis.port)"
    let (here, there) = (try start(url), try start(url))
    let (client, other) = (try await join(here), try await join(there))
    untilJoined(2, redis)
    try await client.send(["1", "2", "room:1", "say", ["n": 1]])
    #expect(
      try await client.receive() == ["1", "2", "room:1", "phx_reply", ["status": "ok", "response": [:]]])
    #expect(try await client.receive() == [nil, nil, "room:1", "said", ["n": 1]])
    #expect(try await other.receive() == [nil, nil, "room:1", "said", ["n": 1]])
    try there.broadcast("room:1", "news", "all")
    for peer in [client, other] { #expect(try await peer.receive() == [nil, nil, "room:1", "news", "all"]) }
    try here.publish("room:1", "tick", 7)
    let got: JSON = ["1", nil, "room:1", "got", ["name": "tick", "payload": 7]]
    for peer in [client, other] { #expect(try await peer.receive() == got) }
    try here.disconnect(id: "user:1")
    #expect(try await client.receive() == nil)
    #expect(try await other.receive() == nil)
  }

  /// Two clusters in one Redis do not hear each other; one hears again after Redis was away.
  @Test func aPrefixKeepsClustersApartAndALostConnectionComesBack() async throws {
    let redis = try RedisServer()
    let url = "redis://127.0.0.1:\(redis.port)"
    let (here, there, apart) = (try start(url), try start(url), try start(url + "?prefix=other"))
    let (client, other) = (try await join(there), try await join(apart))
    untilJoined(3, redis)
    try here.broadcast("room:1", "news", 1)
    #expect(try await client.receive() == [nil, nil, "room:1", "news", 1])
    redis.kill()
    try here.broadcast("room:1", "news", "lost")
    try redis.start()
    untilJoined(3, redis)
    try here.broadcast("room:1", "news", 2)
    #expect(try await client.receive() == [nil, nil, "room:1", "news", 2])
    try apart.broadcast("room:1", "news", 3)
    #expect(try await other.receive() == [nil, nil, "room:1", "news", 3])
  }

  @Test(arguments: [
    ("localhost", "cluster: \"localhost://…\": does not begin with redis:// or rediss://"),
    ("redis://localhost/x", "cluster: \"redis://…\": the database \"x\" is not a number"),
  ])
  func aURLThatIsWrongIsNamed(url: String, message: String) {
    #expect(throws: HostError(.invalidArgument, message)) { try Server(cluster: url) }
  }
}
