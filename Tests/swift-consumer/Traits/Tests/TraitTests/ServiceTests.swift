import Logging
import ServiceLifecycle
import ServiceLifecycleTestKit
import Synq
import Tally
import Testing

/// A channel whose end takes until it is told to, and who tells why it ended.
struct Lingering: AsyncChannel {
  let reasons: AsyncStream<CloseReason>.Continuation
  let lingers: Bool

  func beforeClose(reason: CloseReason, socket: Socket) async {
    reasons.yield(reason)
    if lingers { try? await Task.sleep(for: .seconds(3600)) }
  }
}

/// A client that joins, sees its state and is done: then the group may end.
struct Visit: Service {
  let server: Server

  func run() async throws {
    let client = try await WebSocketClient(port: try #require(server.port))
    try await client.send(["1", "1", "tally:1", "phx_join", [:]])
    while try await client.receive()?[3] != "synq:change" {}
  }
}

@Suite struct ServiceTests {
  /// A started server with a client that has joined.
  private func serve(lingers: Bool) async throws -> (Server, WebSocketClient, AsyncStream<CloseReason>) {
    let (reasons, continuation) = AsyncStream.makeStream(of: CloseReason.self)
    let server = try Server(loops: 1)
    try server.channel("t:*", Lingering(reasons: continuation, lingers: lingers))
    try server.start()
    let client = try await WebSocketClient(port: try #require(server.port))
    try await client.send(["1", "1", "t:1", "phx_join", [:]])
    #expect(try await client.receive()?[4]?["status"] == "ok")
    return (server, client, reasons)
  }

  @Test func aGracefulShutdownDrains() async throws {
    let (server, client, reasons) = try await serve(lingers: false)
    try await testGracefulShutdown { trigger in
      async let running: Void = server.run()
      trigger.triggerGracefulShutdown()
      while try await client.receive() != nil {}
      try await running
    }
    var reason = reasons.makeAsyncIterator()
    #expect(await reason.next()?.rawValue == "shutdown:draining")
    #expect(throws: HostError.self) { try server.broadcast("t:1", "late") }
  }

  @Test func whatOutlivesTheDeadlineIsCutOff() async throws {
    let (server, client, _) = try await serve(lingers: true)
    try await testGracefulShutdown { trigger in
      async let running: Void = server.service(grace: .zero).run()
      trigger.triggerGracefulShutdown()
      try await running
    }
    _ = client
  }

  @Test func aServiceGroupRunsAndStopsIt() async throws {
    let server = try Server(loops: 1)
    try server.channel("tally:*", Tally())
    try server.start()
    let configuration = ServiceGroupConfiguration(
      services: [
        .init(service: server),
        .init(service: Visit(server: server), successTerminationBehavior: .gracefullyShutdownGroup),
      ], logger: Logger(label: "test"))
    try await ServiceGroup(configuration: configuration).run()
    await server.wait()
    #expect(throws: HostError.self) { try server.broadcast("tally:1", "late") }
  }

  @Test func aServerThatCannotStartFailsTheService() async throws {
    let first = try Server()
    try first.start()
    let second = try Server(port: try #require(first.port))
    await #expect(throws: HostError.self) { try await second.service().run() }
    try first.stop(timeout: .zero)
    await first.wait()
  }
}
