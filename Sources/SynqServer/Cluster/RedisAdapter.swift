import Logging
import NIOCore
import SynqChannels
import SynqCluster
import SynqHosting
import SynqJSON
import SynqRedis
import SynqWire
import Synchronization

/// Joins the servers that are given the same Redis and prefix: what one broadcasts, publishes or disconnects reaches all.
///
/// At most once, in order for each sender. What is lost is noticed and logged: by the sender, when there is no
/// connection, and by the others, when a number of the sender is missing.
final class RedisAdapter: PubSubAdapter, Sendable {
  private struct Outbox {
    var bodies: [Bulletin.Body] = []
    var bytes = 0
    var lost = 0
    var loop: (any EventLoop)?
    var messages: NIOLoopBound<RedisMessages>?
  }

  /// Bytes that may wait for the event loop; what comes beyond is lost.
  private static let maxQueuedBytes = 64 * 1024 * 1024

  private let configuration: RedisConfiguration
  private let logger: Logger
  private let outbox = Mutex(Outbox())

  /// - Throws: when the file of roots for TLS cannot be read.
  init(_ configuration: RedisConfiguration, logger: Logger) throws(HostError) {
    self.configuration = configuration
    self.logger = logger
    guard configuration.url.isTLS else { return }
    do { _ = try RedisTLS(configuration.url) } catch {
      throw HostError(.io, "cluster: \(error) (of the file ca=, or of a library without TLS)")
    }
  }

  func begin(on loop: any EventLoop, _ deliver: @escaping @Sendable (TopicMessage) -> Void) {
    outbox.withLock { $0.loop = loop }
    loop.execute { [self] in
      guard let messages = try? RedisMessages(configuration, on: loop, logger: logger, deliver) else {
        return
      }
      let bound = NIOLoopBound(messages, eventLoop: loop)
      outbox.withLock { outbox in
        // It may have ended before it began.
        if outbox.loop != nil { outbox.messages = bound } else { messages.close() }
      }
      flush()
    }
  }

  func send(_ message: TopicMessage) {
    let body = Self.body(of: message)
    let loop = outbox.withLock { outbox -> (any EventLoop)? in
      guard let loop = outbox.loop else { return nil }
      guard outbox.bytes + body.size <= Self.maxQueuedBytes else {
        outbox.lost += 1
        return nil
      }
      outbox.bytes += body.size
      outbox.bodies.append(body)
      // The others of a burst find the loop on its way.
      return outbox.bodies.count == 1 ? loop : nil
    }
    loop?.execute { [self] in flush() }
  }

  private func flush() {
    let (bodies, lost, messages) = outbox.withLock { outbox in
      guard outbox.messages != nil else { return ([Bulletin.Body](), 0, outbox.messages) }
      defer { (outbox.bodies, outbox.bytes, outbox.lost) = ([], 0, 0) }
      return (outbox.bodies, outbox.lost, outbox.messages)
    }
    messages?.value.send(bodies, lost: lost)
  }

  func end() {
    let loop = outbox.withLock { $0.loop.take() }
    loop?.execute { [self] in
      flush()
      let messages = outbox.withLock { $0.messages.take() }
      messages?.value.close()
    }
  }

  private static func body(of message: TopicMessage) -> Bulletin.Body {
    switch message {
    case .broadcast(let topic, let event, .json(let json)):
      .broadcast(topic: topic, event: event, payload: text(json), isBinary: false)
    case .broadcast(let topic, let event, .binary(let bytes)):
      .broadcast(topic: topic, event: event, payload: bytes, isBinary: true)
    case .publish(let topic, let name, let payload):
      .publish(topic: topic, message: name, payload: text(payload))
    case .disconnect(let id): .disconnect(id: id)
    }
  }

  private static func text(_ json: JSON) -> [UInt8] {
    var writer = ByteWriter()
    writer.append(json: json)
    return writer.bytes
  }
}

extension Bulletin.Body {
  /// About the bytes that it takes while it waits.
  fileprivate var size: Int {
    switch self {
    case .heartbeat, .leaving: 64
    case .broadcast(let topic, let name, let payload, _), .publish(let topic, let name, let payload):
      64 + topic.utf8.count + name.utf8.count + payload.count
    case .disconnect(let id): 64 + id.utf8.count
    }
  }
}
