import Dispatch
import Logging
import SynqChannels
import SynqJSON
import SynqHosting
import SynqNetwork
import SynqServer
import SynqWire
import Synchronization

/// A server of channels: configure it, then ``run(grace:)`` it, or ``start()`` it and go on.
/// ```swift
/// let server = try Server(port: 4000)
/// try server.channel("counter:*", Counter())
/// try await server.run(stoppingOn: .interrupt, .terminate)
/// ```
/// Clients connect to `/socket`, unless something else is mounted. All methods may be called from any thread and from
/// callbacks.
public final class Server: Sendable {
  /// On which threads the callbacks of a ``Channel`` run. Those of an ``AsyncChannel`` run as tasks.
  public enum Delivery: Sendable, Hashable {
    /// On this many threads of the server, in parallel, each channel in order. A callback may block: it delays its
    /// channel, and takes one of the threads. One connection gets at most half of them.
    case workers(Int)
    /// The same on one thread for each core, at least 4, and on more, up to 64, while all of them are blocked.
    case workersAsNeeded
    /// On the thread that serves the connection. The fastest; a callback must never block.
    case inline

    /// As many threads as needed: ``workersAsNeeded``.
    public static let workers = Delivery.workersAsNeeded
  }

  /// The files of a TLS server.
  public struct TLS: Sendable, Hashable {
    /// A PEM file: the certificate and its chain.
    public var certificate: String
    /// A PEM file: the private key.
    public var key: String
    /// The oldest version that a client may speak. Default 1.2.
    public var minimumVersion: Version

    /// A version of TLS.
    public enum Version: Sendable, Hashable {
      case tls12
      case tls13
    }

    /// PEM files: the certificate with its chain, and its private key.
    public init(certificate: String, key: String, minimumVersion: Version = .tls12) {
      self.certificate = certificate
      self.key = key
      self.minimumVersion = minimumVersion
    }

    var configuration: TLSConfiguration {
      var configuration = TLSConfiguration(certificateFile: certificate, keyFile: key)
      configuration.minimumVersion = minimumVersion == .tls13 ? .tls13 : .tls12
      return configuration
    }
  }

  package let runtime: ServerRuntime
  let metrics = MetricsSwitch()
  private let limits: Limits
  private let hasMount = Atomic<Bool>(false)

  /// Makes a server that does not listen yet.
  ///
  /// - Parameters:
  ///   - host: the address to listen on. Reachable from elsewhere only when asked for.
  ///   - port: 0 takes a free one, see ``port``.
  ///   - allowedHosts: the names in the `Host` field under which pages of the server's own may connect: `example.com`,
  ///     `*.example.com` (its subdomains too), `*` (any). Stops pages whose name is given this machine's address (DNS
  ///     rebinding). Default: where `host` is of loopback its names and addresses, else any. A proxy that passes its own name
  ///     on needs it.
  ///   - delivery: on which threads callbacks run.
  ///   - loops: threads that serve connections, at most 256. Default: one for each core.
  ///   - limits: against clients that ask for too much.
  ///   - tls: certificate and key. Default: no TLS.
  ///   - cluster: a Redis 6.2 or later, or a Valkey, that joins this server to all that are given the same one:
  ///     `redis://[user:password@]host[:port][/database]`, or `rediss://` for TLS; `?prefix=NAME` keeps several
  ///     clusters in one Redis apart. Broadcasts, messages and disconnects reach the clients of all servers, at most once.
  ///     Default: this server is alone.
  ///   - logger: where crashes and refused clients are told. Default: the process's log handler.
  public init(
    host: String = "127.0.0.1", port: Int = 0, allowedHosts: [String]? = nil, delivery: Delivery = .workers,
    loops: Int? = nil,
    limits: Limits = Limits(), tls: TLS? = nil, cluster: String? = nil, logger: Logger = Logger(label: "synq")
  ) throws(HostError) {
    guard (0...65_535).contains(port) else {
      throw HostError(.invalidArgument, "port: \(port) is not in 0...65535")
    }
    var configuration = ServerConfiguration(logger: logger)
    configuration.network.host = host
    configuration.network.port = port
    configuration.network.allowedHosts = allowedHosts
    switch delivery {
    case .workers(let count): configuration.threads = .workers(count)
    case .workersAsNeeded: configuration.threads = .workersAsNeeded
    case .inline: configuration.threads = .inline
    }
    if let loops { configuration.loopCount = loops }
    try limits.checked().apply(to: &configuration.network.limits)
    configuration.network.tls = tls?.configuration
    if let cluster { try configuration.setCluster(cluster) }
    self.limits = limits
    let runtime = try ServerRuntime(configuration)
    self.runtime = runtime
    // Off the thread that stops: a callback that outlives the deadline may keep a worker for long.
    runtime.whenStopped { DispatchQueue.global().async { runtime.joinThreads() } }
  }

  deinit { try? runtime.stop(timeout: .zero) }

  // MARK: Before the start

  /// Adds a channel. `pattern` is a topic (`lobby`) or a prefix that ends in `*` (`room:*`); the most specific wins.
  ///
  /// Throws a ``SynqChannels/HostError``: `invalidArgument` for a pattern that is none or is taken, `state` after the start.
  public func channel(_ pattern: String, _ channel: some Channel) throws(HostError) {
    let builder = channel.messageBuilder
    try runtime.addChannel(
      pattern, options: try channel.options.checked(channel.presence), callbacks: .with(builder),
      host: ChannelHost(channel, builder, metrics.meter(for: pattern)))
  }

  /// Adds a channel whose callbacks may await; see ``AsyncChannel``.
  public func channel(_ pattern: String, _ channel: some AsyncChannel) throws(HostError) {
    let builder = channel.messageBuilder
    try runtime.addChannel(
      pattern, options: try channel.options.checked(channel.presence), callbacks: .with(builder),
      host: AsyncChannelHost(channel, builder, metrics.meter(for: pattern)))
  }

  /// Serves a socket at PATH/websocket and PATH/longpoll. A server with no mount gets `/socket` with the defaults.
  ///
  /// - Parameter connect: decides about each client that asks to be connected; see ``Connection``. Default: all may.
  public func mount(
    _ path: String, options: MountOptions = MountOptions(),
    connect: (@Sendable (inout Connection) async throws -> Void)? = nil
  ) throws(HostError) {
    var mount = options.mount(at: path)
    let limits = try (options.limits ?? limits).checked()
    limits.apply(to: &mount)
    let hook = ConnectHook(origin: options.originCheck, connect, logger: runtime.logger)
    try runtime.addMount(mount, limits: limits.client, connectHost: hook)
    hasMount.store(true, ordering: .relaxed)
  }

  /// Serves the files of a directory below `prefix` (`/`), for demos and small sites.
  ///
  /// Throws a ``SynqChannels/HostError``: `io` if it is no directory.
  public func files(_ prefix: String, directory: String) throws(HostError) {
    try runtime.addFiles(prefix: prefix, directory: directory)
  }

  // MARK: Life

  /// Binds the port and serves.
  ///
  /// Throws a ``SynqChannels/HostError``: `addressInUse`, `io`, and `state` when it was started before.
  public func start() throws(HostError) {
    if !hasMount.load(ordering: .relaxed) { try mount("/socket") }
    try runtime.start()
    metrics.begin(runtime)
  }

  /// The port that the server listens on; nil before the start.
  public var port: Int? { runtime.port }

  /// Begins the end and returns at once: no new connections; `beforeClose` of each channel runs with `shutdown:draining`;
  /// connections close with 1012, so that clients come back. A second call can only shorten the deadline.
  ///
  /// - Parameter timeout: what is not done by then is cut off. Default: no end.
  public func stop(timeout: Duration? = nil) throws(HostError) { try runtime.stop(timeout: timeout) }

  /// Waits until the server has stopped.
  public func wait() async {
    await withCheckedContinuation { continuation in runtime.whenStopped { continuation.resume() } }
  }

  // MARK: While it runs

  /// Reads certificate and key again, from the same files: connections that begin from now on use them, those that run go
  /// on. Blocks while it reads.
  ///
  /// Throws a ``SynqChannels/HostError``, and all stays as it was: `io` when the files cannot be used, `state` before the start and for
  /// a server without TLS, `closed` when it has stopped.
  public func reloadTLS() throws(HostError) { try runtime.reloadTLS() }

  /// Pushes an event to every client that has joined `topic`, encoded once, and to `handleMessage` of channels that
  /// subscribed to it.
  public func broadcast(_ topic: String, _ event: String, _ payload: JSON = .emptyObject) throws(HostError) {
    try runtime.broadcast(topic: topic, event: event, payload: .json(payload))
  }

  /// Pushes an event to every client that has joined `topic`, encoded once.
  public func broadcast(_ topic: String, _ event: String, _ payload: some Encodable) throws(HostError) {
    try broadcast(topic, event, try JSON.encoded(payload, "payload"))
  }

  /// Pushes an event with bytes to every client of `topic` that speaks serializer V2.
  public func broadcast(_ topic: String, _ event: String, bytes: [UInt8]) throws(HostError) {
    try runtime.broadcast(topic: topic, event: event, payload: .binary(bytes))
  }

  /// Sends a message to `handleMessage` of every channel that has joined `topic` or subscribed to it.
  public func publish(_ topic: String, _ message: String, _ payload: JSON = .emptyObject) throws(HostError) {
    try runtime.publish(topic: topic, message: message, payload: payload)
  }

  /// Sends a message to `handleMessage` of every channel that has joined `topic` or subscribed to it.
  public func publish(_ topic: String, _ message: String, _ payload: some Encodable) throws(HostError) {
    try publish(topic, message, try JSON.encoded(payload, "payload"))
  }

  /// The same for messages that replace one another, such as the newest price: while one waits for a channel whose callback
  /// runs, a newer one of the same topic, message and key takes its place.
  public func publishLatest(
    _ topic: String, _ message: String, _ payload: JSON = .emptyObject, key: String
  ) throws(HostError) {
    try runtime.publish(topic: topic, message: message, payload: payload, key: key)
  }

  /// Closes every connection of this id (``Connection/id``) with 1001, so that its clients come back and are asked again.
  public func disconnect(id: String) throws(HostError) { try runtime.disconnect(id: id) }

  /// What the server counts; zeros before the start.
  public var stats: Stats { runtime.stats.map(Stats.init) ?? Stats() }
}
