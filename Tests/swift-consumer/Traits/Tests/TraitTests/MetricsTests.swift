import Logging
import MetricsTestKit
import Synq
import Tally
import Testing

struct Boom: Error {}

struct Crashing: AsyncChannel {
  func handleEvent(_ event: String, _ payload: JSON, socket: Socket) async throws -> Response { throw Boom() }
}

@Suite struct MetricsTests {
  @Test func aConversationIsCountedAndItsCallbacksAreTimed() async throws {
    let metrics = TestMetrics()
    let server = try Server(loops: 1, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    try server.channel("tally:*", Tally())
    try server.reportMetrics(to: metrics, every: .seconds(3600))
    try server.channel("crash:*", Crashing())
    try server.start()
    let client = try await WebSocketClient(port: try #require(server.port))
    try await client.send(["1", "1", "tally:1", "phx_join", [:]])
    try await client.send(["1", "2", "tally:1", "inc", [:]])
    for _ in 1...4 { _ = try await client.receive() }  // join's reply, state, event's reply, patch
    try await client.send(["2", "3", "crash:1", "phx_join", [:]])
    try await client.send(["2", "4", "crash:1", "boom", [:]])
    while try await client.receive()?[3] != "phx_error" {}
    let counted = server.stats
    try server.stop()
    while try await client.receive() != nil {}
    await server.wait()

    func total(_ label: String) -> Int64 { metrics.counterTotal(label: label) }
    #expect(total("synq.connections.opened") == 1)
    #expect(total("synq.messages.received") == 4)
    #expect(total("synq.callbacks.crashed") == 1)
    #expect(total("synq.callbacks") == 8)  // authorize, init, an event and before_close of each
    #expect(total("synq.messages.sent") >= Int64(counted.messagesOut))
    #expect(total("synq.bytes.sent") >= Int64(counted.bytesOut))
    #expect(try metrics.expectMeter("synq.connections").lastValue == 0)
    #expect(try metrics.expectMeter("synq.channels").lastValue == 0)
    for (channel, callback, count) in [
      ("tally:*", "authorize", 1), ("tally:*", "init", 1), ("tally:*", "handle_event", 1),
      ("tally:*", "handle_message", 0), ("tally:*", "before_close", 1), ("crash:*", "handle_event", 1),
      ("crash:*", "before_close", 1),
    ] {
      let dimensions = [("channel", channel), ("callback", callback)]
      let duration = try metrics.expectTimer("synq.callback.duration", dimensions)
      let wait = try metrics.expectTimer("synq.callback.wait", dimensions)
      #expect(duration.values.count == count, "\(channel) \(callback)")
      #expect(wait.values.count == count, "\(channel) \(callback)")
      #expect((duration.values + wait.values).allSatisfy { $0 >= 0 })
    }
  }

  @Test func metricsAreReportedFromTheStartAndOnce() async throws {
    let server = try Server(loops: 1)
    #expect(throws: HostError.self) { try server.reportMetrics(to: TestMetrics(), every: .zero) }
    try server.reportMetrics(to: TestMetrics())
    #expect(throws: HostError.self) { try server.reportMetrics(to: TestMetrics()) }
    try server.start()
    #expect(throws: HostError.self) { try server.reportMetrics(to: TestMetrics()) }
    try server.stop(timeout: .zero)
    await server.wait()
  }
}
