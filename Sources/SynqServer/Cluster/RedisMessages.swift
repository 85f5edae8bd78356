import Logging
import NIOCore
import SynqCluster
import SynqHosting
import SynqJSON
import SynqRedis
import SynqWire

/// The messages of one process to the others and back, over one channel of Redis. Loop-bound.
final class RedisMessages {
  /// How often each process says that it is there.
  private static let heartbeatInterval = TimeAmount.seconds(5)
  /// How long a process may be silent before it is forgotten.
  private static let memory = Duration.seconds(60)

  private let loop: any EventLoop
  private let logger: Logger
  private let channel: String
  private let deliver: (TopicMessage) -> Void
  private let sender = UInt64.random(in: .min ... .max)
  private var client: RedisClient?
  private var sequence: UInt64 = 0
  private var ledger = SenderLedger()
  private var heartbeat: Scheduled<Void>?
  /// What was lost since this was last logged.
  private var lost = 0
  private var saidUnreadable = false

  init(
    _ configuration: RedisConfiguration, on loop: any EventLoop, logger: Logger,
    _ deliver: @escaping (TopicMessage) -> Void
  ) throws {
    self.loop = loop
    self.logger = logger
    self.deliver = deliver
    channel = "\(configuration.url.prefix):messages"
    client = try RedisClient(configuration, on: loop, logger: logger) { [weak self] in self?.take($0) }
    client?.subscribe(channel)
    client?.start()
    beat()
  }

  // MARK: Out

  /// Sends in this order. `before` were lost before they came here.
  func send(_ bodies: [Bulletin.Body], lost before: Int) {
    sequence += UInt64(before)
    lost += before
    for body in bodies {
      sequence += 1
      publish(body)
    }
  }

  private func publish(_ body: Bulletin.Body) {
    let bulletin = Bulletin(sender: sender, sequence: sequence, body: body)
    client?.send(RedisCommand("PUBLISH", .string(channel), .bytes(bulletin.encoded()))) {
      [weak self] result in
      guard let self, body != .heartbeat, body != .leaving else { return }
      switch result {
      case .success(.error(let text)): isLost(because: text)
      case .failure(let error): isLost(because: error.description)
      case .success: break
      }
    }
  }

  /// Tells once, and how many when the connection is back.
  private func isLost(because reason: String) {
    lost += 1
    if lost == 1 { logger.warning("messages for the other servers are lost: \(reason)") }
  }

  private func beat() {
    publish(.heartbeat)
    _ = ledger.forget(silentSince: now - Self.memory)
    heartbeat = loop.assumeIsolated().scheduleTask(in: Self.heartbeatInterval) { [weak self] in self?.beat() }
  }

  private var now: Duration { .nanoseconds(Int64(loop.now.uptimeNanoseconds)) }

  // MARK: In

  private func take(_ event: RedisClient.Event) {
    switch event {
    case .connected:
      if lost > 0 {
        logger.warning("messages for the other servers were lost", metadata: ["count": "\(lost)"])
      }
      lost = 0
      publish(.heartbeat)
    case .disconnected, .subscribed: break
    case .subscriptionsLost: logger.warning("messages of the other servers may be lost now")
    case .message(_, let payload): read(payload)
    }
  }

  private func read(_ payload: [UInt8]) {
    let bulletin: Bulletin
    do throws(Bulletin.Unreadable) { bulletin = try Bulletin(decoding: payload) } catch {
      if !saidUnreadable { logger.error("what another server sent cannot be read: \(error)") }
      saidUnreadable = true
      return
    }
    guard bulletin.sender != sender else { return }
    switch ledger.receive(bulletin, now: now) {
    case .inOrder: break
    case .old: return
    case .afterGap(let missing):
      logger.warning(
        "messages of another server were lost",
        metadata: ["count": "\(missing)", "server": "\(String(bulletin.sender, radix: 16))"])
    }
    if let message = Self.message(of: bulletin.body) { deliver(message) }
  }

  private static func message(of body: Bulletin.Body) -> TopicMessage? {
    switch body {
    case .heartbeat, .leaving: nil
    case .broadcast(let topic, let event, let payload, isBinary: true):
      .broadcast(topic: topic, event: event, payload: .binary(payload))
    case .broadcast(let topic, let event, let payload, isBinary: false):
      (try? JSON(parsing: payload)).map { .broadcast(topic: topic, event: event, payload: .json($0)) }
    case .publish(let topic, let message, let payload):
      (try? JSON(parsing: payload)).map { .publish(topic: topic, message: message, payload: $0) }
    case .disconnect(let id): .disconnect(id: id)
    }
  }

  /// Says goodbye and ends the connections.
  func close() {
    heartbeat?.cancel()
    publish(.leaving)
    guard let client = self.client.take() else { return }
    // The answer is that of what was sent before, too.
    client.send(RedisCommand("PING")) { _ in client.close() }
    if !client.isConnected { client.close() }
  }
}
