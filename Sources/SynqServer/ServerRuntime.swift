import Glibc
import Logging
import NIOCore
import NIOPosix
import SynqChannels
import SynqHosting
import SynqJSON
import SynqNetwork
import SynqWire
import Synchronization

/// A server from its configuration to its end: what the C and the Swift front doors share.
///
/// Life cycle: configure, `start`, `stop`, `wait`. Safe to use from any thread.
package final class ServerRuntime: Sendable {
  /// Where the server is in its life.
  enum Phase {
    case configuring
    case running
    case stopping
    case stopped
  }

  struct State {
    var configuration: ServerConfiguration
    var router = TopicRouter()
    var hosts: [any CallbackHost] = []
    var connectHosts: [(any ConnectHost)?] = []
    var limits: [ClientLimits] = []
    var phase = Phase.configuring
    var running: Running?
    var deadline: NIODeadline?
    /// Every channel has ended, and the network is being closed.
    var isTakingDown = false
    /// The event loops take no more tasks.
    var loopsAreEnding = false
    /// Nobody waits for peers to close their side.
    var peersAreAbandoned = false
    var whenStopped: [@Sendable () -> Void] = []
  }

  /// What exists between start and end.
  struct Running: Sendable {
    var group: MultiThreadedEventLoopGroup
    var network: NetworkServer
    var hub: ChannelHub
  }

  let state: Mutex<State>
  /// The program's logger behind a queue, so that it keeps no event loop from its work.
  package let logger: Logger
  private let logQueue: LogQueue
  private let logMustEnd: Bool
  /// The program's logger itself, for a hub without loops of its own.
  private let programLogger: Logger
  /// The callbacks that wait for the host; nil with another delivery.
  package let pollQueue: PollQueue?
  private let delivery: Delivery
  let stopped = StopSignal()

  package init(_ configuration: ServerConfiguration) throws(HostError) {
    programLogger = configuration.logger
    logMustEnd = configuration.logMustEnd
    (logQueue, logger) = LogQueue.before(configuration.logger)
    try Self.check(configuration.loopCount, "loops", atMost: ServerConfiguration.maxLoops)
    switch configuration.threads {
    case .inline:
      delivery = .inline
      pollQueue = nil
    case .workers(let count):
      try Self.check(count, "workers", atMost: ServerConfiguration.maxWorkers)
      delivery = .workers(try WorkerPool(threads: count))
      pollQueue = nil
    case .workersAsNeeded:
      delivery = .workers(
        try WorkerPool(
          threads: ServerConfiguration.defaultWorkerCount, growingTo: ServerConfiguration.growingWorkerCount))
      pollQueue = nil
    case .polled:
      let queue = try PollQueue()
      delivery = .polled(queue)
      pollQueue = queue
    }
    state = Mutex(State(configuration: configuration))
  }

  private static func check(_ count: Int, _ name: String, atMost limit: Int) throws(HostError) {
    guard (1...limit).contains(count) else {
      throw HostError(.invalidArgument, "\(name): \(count) is not in 1...\(limit)")
    }
  }

  deinit { logQueue.endSoon() }

  /// Ends the thread of the log, when nothing else of the server runs any more.
  func endLog() { logQueue.end(mustEnd: logMustEnd) }

  // MARK: Configuring

  /// Registers a channel for a topic pattern, before the start.
  package func addChannel(
    _ text: String, options: ChannelSpec.Options, callbacks: ChannelSpec.Callbacks, host: any CallbackHost
  ) throws(HostError) {
    let pattern: TopicPattern
    do throws(TopicPattern.Malformed) {
      pattern = try TopicPattern(text)
    } catch {
      throw HostError(.invalidArgument, "pattern: \"\(text)\" \(error.reason)")
    }
    let names = Set(options.track.map { NameKey($0) })
    if names.count != options.track.count {
      throw HostError(.invalidArgument, "track: names an assign twice")
    }
    if options.track.contains("") { throw HostError(.invalidArgument, "track: has an empty name") }
    for (index, name) in options.track.enumerated() { try Assigns.checkName(name, "track[\(index)]") }
    for (index, name) in options.shared.enumerated() { try Assigns.checkName(name, "shared[\(index)]") }
    if Set(options.shared.map(Topic.init)).count != options.shared.count {
      throw HostError(.invalidArgument, "shared: names an assign twice")
    }
    if let name = options.presenceAssign {
      guard !name.isEmpty else { throw HostError(.invalidArgument, "presence: is empty") }
      try Assigns.checkName(name, "presence")
    }
    if options.shared.isEmpty, options.presenceAssign == nil, options.linger > .zero {
      throw HostError(.invalidArgument, "linger: needs assigns in `shared`")
    }
    try configure { state throws(HostError) in
      guard state.router.add(pattern, options: options, callbacks: callbacks) != nil else {
        throw HostError(.invalidArgument, "pattern: \"\(text)\" has a channel already")
      }
      state.hosts.append(host)
    }
    if text.utf8.last == UInt8(ascii: ":") {
      logger.warning(
        "a pattern without * serves one topic only: to serve all that begin so, end it in *",
        metadata: ["pattern": "\(text)", "meant": "\(text)*"])
    }
  }

  /// Serves a socket at a path, before the start.
  package func addMount(
    _ mount: SocketMount, limits: ClientLimits = ClientLimits(), connectHost: (any ConnectHost)? = nil
  ) throws(HostError) {
    try configure { state throws(HostError) in
      guard mount.path.hasPrefix("/"), mount.path.count > 1 || mount.webSocketPath != "" else {
        throw HostError(.invalidArgument, "path: \"\(mount.path)\" does not begin with /")
      }
      guard !state.configuration.network.mounts.contains(where: { $0.path == mount.path }) else {
        throw HostError(.invalidArgument, "path: \"\(mount.path)\" is mounted already")
      }
      state.configuration.network.mounts.append(mount)
      state.connectHosts.append(connectHost)
      state.limits.append(limits)
    }
  }

  /// Serves the files of a directory below a prefix, before the start.
  package func addFiles(prefix: String, directory: String) throws(HostError) {
    guard prefix.hasPrefix("/") else {
      throw HostError(.invalidArgument, "prefix: \"\(prefix)\" does not begin with /")
    }
    var status = stat()
    guard stat(directory, &status) == 0 else {
      throw HostError(.io, "directory: \"\(directory)\": \(String(cString: strerror(errno)))")
    }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw HostError(.io, "directory: \"\(directory)\" is not a directory")
    }
    try configure { state throws(HostError) in
      state.configuration.network.files.append(StaticRoot(prefix: prefix, directory: directory))
    }
  }

  private func configure(_ body: (inout State) throws(HostError) -> Void) throws(HostError) {
    let result = state.withLock { state -> Result<Void, HostError> in
      guard state.phase == .configuring else {
        return .failure(HostError(.state, "server: this must be done before the start"))
      }
      do throws(HostError) {
        try body(&state)
        return .success(())
      } catch {
        return .failure(error)
      }
    }
    try result.get()
  }

  // MARK: Starting

  /// Binds the port and serves. Blocks until the port is bound; not for use on an event loop.
  ///
  /// - Parameter listens: false for a server without a port, whose clients come by links.
  package func start(listens: Bool = true) throws(HostError) {
    let (configuration, parts) = try beginStart()
    HeapRetention.begin()
    var limitedParts = parts
    limitedParts.turnLength = Self.turnLength
    let hub = ChannelHub(limitedParts)
    var started: MultiThreadedEventLoopGroup?
    do {
      try ProcessFork.checkLoopsCanEnd()
      let group = try EventLoops.make(configuration.loopCount)
      started = group
      let network = try NetworkServer(configuration.network, backend: hub, group: group, logger: logger)
      hub.use(Array(group.makeIterator()))
      if listens { try network.listen().wait() }
      try EventLoops.checkCanAccept()
      state.withLock { $0.running = Running(group: group, network: network, hub: hub) }
      // Not before: a callback may broadcast at once.
      network.startAccepting()
    } catch {
      configuration.adapter?.end()
      if let started {
        ProcessFork.willEndLoops()
        try? started.syncShutdownGracefully()
      }
      state.withLock { $0.phase = .configuring }
      throw HostError(starting: error)
    }
  }

  private func beginStart() throws(HostError) -> (ServerConfiguration, ChannelHub.Parts) {
    let result = state.withLock { state -> Result<(ServerConfiguration, ChannelHub.Parts), HostError> in
      guard state.phase == .configuring else {
        return .failure(HostError(.state, "server: it was started before"))
      }
      state.phase = .running
      var parts = ChannelHub.Parts(
        router: state.router, hosts: state.hosts, connectHosts: state.connectHosts, limits: state.limits,
        delivery: delivery, logger: logger)
      parts.adapter = state.configuration.adapter
      parts.hasMetrics = state.configuration.network.pages.contains { $0.page == .metrics }
      return .success((state.configuration, parts))
    }
    return try result.get()
  }

  /// What a hub without a network needs to serve the channels and mounts that were added so far.
  package var hubParts: (parts: ChannelHub.Parts, mounts: [SocketMount]) {
    state.withLock { state in
      let parts = ChannelHub.Parts(
        router: state.router, hosts: state.hosts, connectHosts: state.connectHosts, limits: state.limits,
        delivery: delivery, logger: programLogger)
      return (parts, state.configuration.network.mounts)
    }
  }

  // MARK: Running

  /// The port that the server listens on; nil before the start.
  package var port: Int? { state.withLock { $0.running?.network.port } }

  package var stats: ServerStats? { state.withLock { $0.running?.hub.stats } }

  /// What the server counts, as OpenMetrics text.
  package func metricsText() throws(HostError) -> String { try hub().metricsText }

  /// Serves a page of the server's own at a path, before the start.
  package func addPage(_ page: ServerPage, at path: String) throws(HostError) {
    try configure { state throws(HostError) in
      guard path.utf8.first == UInt8(ascii: "/") else {
        throw HostError(.invalidArgument, "path: \"\(path)\" does not begin with /")
      }
      state.configuration.network.pages.append((path, page))
    }
  }

  /// Pushes an event to every client of the topic.
  package func broadcast(topic: String, event: String, payload: Payload) throws(HostError) {
    guard !event.isEmpty else { throw HostError(.invalidArgument, "event: is empty") }
    try Self.check(hub().broadcast(topic: topic, event: event, payload: payload))
  }

  /// Hands a message to every channel of the topic.
  ///
  /// - Parameter key: it replaces one of the same key that still waits for a channel.
  package func publish(topic: String, message: String, payload: JSON, key: String? = nil) throws(HostError) {
    guard !message.isEmpty else { throw HostError(.invalidArgument, "message: is empty") }
    try Self.check(hub().publish(topic: topic, message: message, payload: payload, key: key))
  }

  /// Who is in a topic.
  package func presences() throws(HostError) -> PresenceDirectory { try hub().presences }

  private static func check(_ isTaken: Bool) throws(HostError) {
    guard !isTaken else { return }
    throw HostError(.limit, "topic: too many messages wait already, members do not keep up; nothing was sent")
  }

  /// So long no client waits for what others cause.
  private static let turnLength = TimeAmount.milliseconds(2)

  package func disconnect(id: String) throws(HostError) { try hub().disconnect(id: id) }

  /// Runs a function of the program's in a topic's turn; see `ChannelHub.update`.
  package func update(
    topic: String, opens: Bool, _ update: any ContextUpdate
  ) throws(HostError) {
    try hub().update(topic: topic, opens: opens, update)
  }

  /// How many channels are in a topic.
  package func memberCount(ofTopic topic: String) throws(HostError) -> Int {
    try hub().memberCount(ofTopic: topic)
  }

  /// Reads certificate and key again; on an error all stays as it was.
  package func reloadTLS() throws(HostError) {
    guard state.withLock({ $0.configuration.network.tls }) != nil else {
      throw HostError(.state, "server: it was made without TLS")
    }
    let network = try running().network
    do throws(NetworkError) {
      try network.reloadTLS()
    } catch {
      throw HostError(.io, error.description)
    }
  }

  private func hub() throws(HostError) -> ChannelHub { try running().hub }

  private func running() throws(HostError) -> Running {
    let (running, phase) = state.withLock { ($0.running, $0.phase) }
    if let running { return running }
    throw phase == .stopped
      ? HostError(.closed, "server: it has stopped") : HostError(.state, "server: it was not started")
  }

  var deliveryOfCallbacks: Delivery { delivery }
}

extension HostError {
  /// An error of the start, as the host should read it.
  fileprivate init(starting error: any Error) {
    switch error {
    case let error as HostError: self = error
    case let error as NetworkError:
      self.init(error.cause == "is in use" ? .addressInUse : .io, error.description)
    default:
      self.init(.io, "server: \(error)")
    }
  }
}
