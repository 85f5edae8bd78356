import Logging
import NIOCore
import NIOPosix
import SynqRedis

/// A client as a test uses it: `await` in the place of callbacks, and its events one after the other.
final class TestRedisClient: Sendable {
  let loop: any EventLoop
  private let client: NIOLoopBoundBox<RedisClient?>
  private let events: AsyncStream<RedisClient.Event>
  private let ends: AsyncStream<RedisClient.Event>.Continuation

  init(_ text: String, change: @escaping @Sendable (inout RedisConfiguration) -> Void = { _ in }) async throws
  {
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    var configuration = RedisConfiguration(url: try RedisURL(text))
    configuration.firstPause = .milliseconds(5)
    configuration.longestPause = .milliseconds(50)
    change(&configuration)
    let (events, ends) = AsyncStream<RedisClient.Event>.makeStream()
    let box = NIOLoopBoundBox<RedisClient?>.makeEmptyBox(valueType: RedisClient.self, eventLoop: loop)
    try await loop.submit { [configuration] in
      let client = try RedisClient(
        configuration, on: loop, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
      ) { ends.yield($0) }
      box.value = client
      client.start()
    }.get()
    self.loop = loop
    self.events = events
    self.ends = ends
    client = box
  }

  deinit { loop.execute { [client] in client.value?.close() } }

  /// The answer to a command.
  func callAsFunction(_ name: String, _ arguments: RedisCommand.Argument...) async throws -> RESPValue {
    let promise = loop.makePromise(of: RESPValue.self)
    loop.execute { [self] in
      client.value?.send(RedisCommand(name, arguments)) {
        promise.completeWith($0.mapError { $0 as any Error })
      }
    }
    return try await promise.futureResult.get()
  }

  /// The answers to commands that are sent in one burst.
  func burst(_ commands: [RedisCommand]) async throws -> [Result<RESPValue, RedisError>] {
    let promises = commands.map { _ in loop.makePromise(of: Result<RESPValue, RedisError>.self) }
    loop.execute { [self] in
      for (command, promise) in zip(commands, promises) {
        client.value?.send(command) { promise.succeed($0) }
      }
    }
    return try await EventLoopFuture.whenAllSucceed(promises.map(\.futureResult), on: loop).get()
  }

  func subscribe(_ channel: String) async throws {
    try await loop.submit { [self] in client.value?.subscribe(channel) }.get()
  }

  func unsubscribe(_ channel: String) async throws {
    try await loop.submit { [self] in client.value?.unsubscribe(channel) }.get()
  }

  func close() async throws {
    try await loop.submit { [self] in client.value?.close() }.get()
    ends.finish()
  }

  /// The next event of which `choose` makes something; others are passed over.
  func next<T>(_ choose: (RedisClient.Event) -> T?) async -> T? {
    for await event in events { if let chosen = choose(event) { return chosen } }
    return nil
  }

  func connected() async { await next { if case .connected = $0 { () } else { nil } } }

  /// Waits until commands are taken and a subscription stands, in whichever order.
  func connectedAndSubscribed() async {
    var missing: Set<String> = ["connected", "subscribed"]
    while !missing.isEmpty {
      let event = await next { event -> String? in
        switch event {
        case .connected: "connected"
        case .subscribed: "subscribed"
        case .disconnected, .subscriptionsLost, .message: nil
        }
      }
      guard let event else { return }
      missing.remove(event)
    }
  }

  func disconnected() async -> RedisError? {
    await next { if case .disconnected(let error) = $0 { error } else { nil } }
  }

  func subscribed() async -> String? {
    await next { if case .subscribed(let channel) = $0 { channel } else { nil } }
  }

  func message() async -> String? {
    await next {
      if case .message(_, let payload) = $0 { String(decoding: payload, as: UTF8.self) } else { nil }
    }
  }

  /// What is left of the events.
  func rest() async -> [RedisClient.Event] { await events.reduce(into: []) { $0.append($1) } }
}
