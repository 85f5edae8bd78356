import Logging
import NIOCore
import NIOPosix

/// A connection that comes back: when one ends, the next is tried after a pause that grows.
///
/// Loop-bound, as `RedisConnection`.
final class RedisLink {
  private enum Phase {
    case idle
    case pausing(Scheduled<Void>)
    case connecting(RedisConnection)
    case connected(RedisConnection)
    case closed
  }

  private let configuration: RedisConfiguration
  private let eventLoop: any EventLoop
  private let tls: RedisTLS?
  private let isForSubscriptions: Bool
  private let logger: Logger
  private let events: RedisConnection.Events
  private var phase = Phase.idle
  private var failures = 0
  /// The last reason that was logged: the same one is not logged at each attempt.
  private var lastReason: String?

  init(
    _ configuration: RedisConfiguration, tls: RedisTLS?, isForSubscriptions: Bool,
    on eventLoop: any EventLoop,
    logger: Logger, _ events: RedisConnection.Events
  ) {
    self.configuration = configuration
    self.eventLoop = eventLoop
    self.tls = tls
    self.isForSubscriptions = isForSubscriptions
    self.logger = logger
    self.events = events
  }

  /// The connection, when it may be used.
  var connection: RedisConnection? {
    switch phase {
    case .connecting(let connection), .connected(let connection):
      connection.phase == .ready ? connection : nil
    case .idle, .pausing, .closed: nil
    }
  }

  func connect() {
    if case .closed = phase { return }
    let made = RedisConnection(
      configuration, isForSubscriptions: isForSubscriptions,
      RedisConnection.Events(
        ready: { [weak self] in self?.isReady() }, pushed: events.pushed,
        ended: { [weak self] error in self?.hasEnded(error) }))
    phase = .connecting(made)
    let bound = NIOLoopBound(made, eventLoop: eventLoop)
    // An IP address is not a name that TLS could ask for.
    let name =
      (try? SocketAddress(ipAddress: configuration.url.host, port: 1)) == nil ? configuration.url.host : nil
    ClientBootstrap(group: eventLoop)
      .connectTimeout(configuration.connectTimeout)
      .channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .channelInitializer { [tls] channel in
        channel.eventLoop.makeCompletedFuture {
          if let tls { try channel.pipeline.syncOperations.addHandler(tls.makeHandler(serverName: name)) }
          try channel.pipeline.syncOperations.addHandler(bound.value)
        }
      }
      .connect(host: configuration.url.host, port: configuration.url.port)
      .assumeIsolated()
      .whenComplete { [weak self] result in self?.connected(made, result.map { _ in }) }
  }

  private func connected(_ connection: RedisConnection, _ result: Result<Void, any Error>) {
    // It may have ended before this was told, and the next one may be on its way.
    guard case .connecting(let current) = phase, current === connection else { return }
    switch result {
    case .success: phase = .connected(connection)
    case .failure(let error): hasEnded(.connectionLost(Self.reason(of: error)))
    }
  }

  /// NIO's errors of a connect say much; what people need is the last cause.
  private static func reason(of error: any Error) -> String {
    guard let error = error as? NIOConnectionError else { return "\(error)" }
    if let last = error.connectionErrors.last { return "\(last.error)" }
    return "the name \(error.host) has no address"
  }

  private func isReady() {
    failures = 0
    lastReason = nil
    logger.info("connected to Redis", metadata: metadata)
    events.ready()
  }

  private func hasEnded(_ error: RedisError) {
    switch phase {
    case .closed, .idle, .pausing: return
    case .connecting, .connected: break
    }
    let reason = error.description
    if lastReason != reason {
      logger.warning("no connection to Redis: \(reason)", metadata: metadata)
      lastReason = reason
    }
    phase = .pausing(
      eventLoop.assumeIsolated().scheduleTask(in: pause()) { [weak self] in self?.connect() })
    events.ended(error)
  }

  /// Doubles with each failure, and differs among processes, which would all come back at once.
  private func pause() -> TimeAmount {
    let first = configuration.firstPause.nanoseconds
    let longest = min(configuration.longestPause.nanoseconds, first << min(failures, 20))
    failures += 1
    return .nanoseconds(Int64.random(in: longest / 2...max(longest, 1)))
  }

  func close() {
    let last = phase
    phase = .closed
    switch last {
    case .pausing(let attempt): attempt.cancel()
    case .connecting(let connection), .connected(let connection): connection.end(.notConnected)
    case .idle, .closed: break
    }
  }

  private var metadata: Logger.Metadata {
    ["redis": "\(configuration.url)", "for": isForSubscriptions ? "subscriptions" : "commands"]
  }
}
