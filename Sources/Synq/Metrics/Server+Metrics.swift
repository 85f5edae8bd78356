#if MetricsSupport
import Metrics
import SynqChannels
import SynqHosting
import SynqServer
import Synchronization

extension Server {
  /// Reports what the server counts and how long its callbacks take to swift-metrics, from its start to its end; with the
  /// trait `MetricsSupport` of this package.
  ///
  /// | metric | kind | what |
  /// | --- | --- | --- |
  /// | `synq.connections`, `synq.channels` | meter | open and joined now |
  /// | `synq.connections.opened` | counter | connections since the start |
  /// | `synq.messages.received`, `synq.messages.sent` | counter | messages from and to clients |
  /// | `synq.bytes.sent` | counter | bytes of those messages |
  /// | `synq.callbacks`, `synq.callbacks.crashed` | counter | callbacks run, and failed |
  /// | `synq.callback.duration` | timer | a callback, from its begin to its answer; by `channel` (the pattern) and `callback` |
  /// | `synq.callback.wait` | timer | a callback that is due, until it begins: the queue of the workers; likewise |
  ///
  /// Meters and counters are brought up to date at an interval and once at the end, so that they cost a message
  /// nothing; timers are recorded with each callback.
  ///
  /// - Parameters:
  ///   - factory: where to. Default: the one that the process was bootstrapped with.
  ///   - interval: between two reports. Default 1 s.
  /// - Throws: a ``SynqChannels/HostError`` of code `state` after the start or when it was called before, `invalidArgument` for an
  ///   interval that is not positive.
  public func reportMetrics(
    to factory: any MetricsFactory = MetricsSystem.factory, every interval: Duration = .seconds(1)
  ) throws(HostError) {
    guard interval > .zero else { throw HostError(.invalidArgument, "every: \(interval) is not positive") }
    guard !runtime.wasStarted else { throw HostError(.state, "server: this must be done before the start") }
    guard metrics.enable(ServerMetrics(factory), factory: factory, every: interval) else {
      throw HostError(.state, "server: it reports metrics already")
    }
  }
}

/// The metrics of one server, and what was reported of them so far.
final class ServerMetrics: Sendable {
  private let connections: Meter
  private let channels: Meter
  private let connectionsOpened: Metrics.Counter
  private let messagesReceived: Metrics.Counter
  private let messagesSent: Metrics.Counter
  private let bytesSent: Metrics.Counter
  private let callbacks: Metrics.Counter
  private let callbacksCrashed: Metrics.Counter
  private let reported = Mutex(Stats())

  init(_ factory: any MetricsFactory) {
    connections = Meter(label: "synq.connections", factory: factory)
    channels = Meter(label: "synq.channels", factory: factory)
    connectionsOpened = Metrics.Counter(label: "synq.connections.opened", factory: factory)
    messagesReceived = Metrics.Counter(label: "synq.messages.received", factory: factory)
    messagesSent = Metrics.Counter(label: "synq.messages.sent", factory: factory)
    bytesSent = Metrics.Counter(label: "synq.bytes.sent", factory: factory)
    callbacks = Metrics.Counter(label: "synq.callbacks", factory: factory)
    callbacksCrashed = Metrics.Counter(label: "synq.callbacks.crashed", factory: factory)
  }

  func report(_ stats: ServerStats) {
    let (old, now) = reported.withLock { reported in
      let (old, now) = (reported, Stats(stats))
      reported = now
      return (old, now)
    }
    connections.set(now.connections)
    channels.set(now.channels)
    connectionsOpened.increment(by: now.connectionsTotal - old.connectionsTotal)
    messagesReceived.increment(by: now.messagesIn - old.messagesIn)
    messagesSent.increment(by: now.messagesOut - old.messagesOut)
    bytesSent.increment(by: now.bytesOut - old.bytesOut)
    callbacks.increment(by: now.callbacks - old.callbacks)
    callbacksCrashed.increment(by: now.crashes - old.crashes)
  }
}

/// Whether and how a server reports metrics.
final class MetricsSwitch: Sendable {
  private struct State {
    var meters: [CallbackMeter] = []
    var metrics: ServerMetrics?
    var factory: (any MetricsFactory)?
    var interval = Duration.seconds(1)
  }

  private let state = Mutex(State())

  /// The meter of a channel that is added.
  func meter(for pattern: String) -> CallbackMeter {
    let meter = CallbackMeter(pattern: pattern)
    let factory = state.withLock { state in
      state.meters.append(meter)
      return state.factory
    }
    if let factory { meter.start(factory) }
    return meter
  }

  /// False if it was enabled before.
  func enable(_ metrics: ServerMetrics, factory: any MetricsFactory, every interval: Duration) -> Bool {
    let meters = state.withLock { state -> [CallbackMeter]? in
      guard state.metrics == nil else { return nil }
      state.metrics = metrics
      state.factory = factory
      state.interval = interval
      return state.meters
    }
    for meter in meters ?? [] { meter.start(factory) }
    return meters != nil
  }

  /// The server has started.
  func begin(_ runtime: ServerRuntime) {
    let (metrics, interval) = state.withLock { ($0.metrics, $0.interval) }
    guard let metrics, let stats = runtime.stats else { return }
    let reports = Task {
      while true {
        try await Task.sleep(for: interval)
        metrics.report(stats)
      }
    }
    runtime.whenStopped {
      reports.cancel()
      metrics.report(stats)
    }
  }
}
#else
import SynqHosting
import SynqServer

/// Reports nothing: the trait `MetricsSupport` is not enabled.
struct MetricsSwitch: Sendable {
  func meter(for pattern: String) -> CallbackMeter { CallbackMeter(pattern: pattern) }
  func begin(_ runtime: ServerRuntime) {}
}
#endif
