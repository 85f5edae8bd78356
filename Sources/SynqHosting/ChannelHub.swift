import Logging
import NIOCore
import SynqChannels
import SynqJSON
import SynqWire
import Synchronization

/// The part of a server that knows no network: channels, callbacks, loops and topics.
package final class ChannelHub: SocketBackend, Sendable {
  /// What a hub is made of.
  package struct Parts: Sendable {
    package var router: TopicRouter
    /// The callbacks of each spec of the router, in its order.
    package var hosts: [any CallbackHost]
    /// For each mount, who decides about its clients; nil lets every client connect.
    package var connectHosts: [(any ConnectHost)?]
    /// What the clients of each mount may ask for.
    package var limits: [ClientLimits]
    package var delivery: Delivery
    package var logger: Logger
    /// The current time as RFC 3339 UTC.
    package var timestamp: @Sendable () -> String
    /// How long a loop works on what its inbox holds before it looks at its sockets; nil for no end, as where time is a
    /// test's.
    package var turnLength: TimeAmount?
    /// Whether callbacks are measured.
    package var hasMetrics = false
    /// Where the topics go on; nil when they end with this server.
    package var adapter: (any PubSubAdapter)?

    package init(
      router: TopicRouter, hosts: [any CallbackHost], connectHosts: [(any ConnectHost)?],
      limits: [ClientLimits], delivery: Delivery, logger: Logger,
      timestamp: @escaping @Sendable () -> String = { rfc3339Now() }
    ) {
      self.router = router
      self.hosts = hosts
      self.connectHosts = connectHosts
      self.limits = limits
      self.delivery = delivery
      self.logger = logger
      self.timestamp = timestamp
    }
  }

  let router: TopicRouter
  let hosts: [any CallbackHost]
  private let connectHosts: [(any ConnectHost)?]
  package let delivery: Delivery
  private let limits: [ClientLimits]
  let logger: Logger
  private let timestamp: @Sendable () -> String
  private let adapter: (any PubSubAdapter)?
  let turnLength: TimeAmount?
  package let stats = ServerStats()
  /// Who is in the topics.
  package let presences = PresenceDirectory()
  let topics = TopicTable()
  /// What is measured of the callbacks of each spec; empty where nothing is.
  let callbackMetrics: [CallbackMetrics]
  private let topicQueue = TopicQueue()
  /// Whether any channel wants a pause between its state messages.
  let hasPauses: Bool

  private struct Loops {
    var all: [ServerLoop] = []
    var draining = 0
    var isDraining = false
    var isCutOff = false
    var whenDrained: (@Sendable () -> Void)?
  }

  private let loops = Mutex(Loops())

  package init(_ parts: Parts) {
    router = parts.router
    callbackMetrics = parts.hasMetrics ? parts.router.specs.map { _ in CallbackMetrics() } : []
    hasPauses = parts.router.specs.contains { $0.ownPatchInterval > 0 }
    hosts = parts.hosts
    connectHosts = parts.connectHosts
    delivery = parts.delivery
    limits = parts.limits
    logger = parts.logger
    timestamp = parts.timestamp
    adapter = parts.adapter
    turnLength = parts.turnLength
  }

  /// Names the loops that sockets will be accepted on; once, before the first is.
  package func use(_ eventLoops: [any EventLoop]) {
    loops.withLock { loops in loops.all = eventLoops.map { ServerLoop(eventLoop: $0, hub: self) } }
    presences.use(self)
    guard let first = eventLoops.first else { return }
    adapter?.begin(on: first) { [weak self] message in self?.deliver(message) }
  }

  // MARK: Sockets

  /// Asks the host of the mount, on the delivery's threads; without a host every client may connect.
  package func connect(_ request: ConnectRequest, on eventLoop: any EventLoop) -> EventLoopFuture<
    ConnectOutcome
  > {
    guard let loop = loop(for: eventLoop), !loop.isDraining else {
      return eventLoop.makeSucceededFuture(.refused(status: 503, body: "", reason: "the server stops"))
    }
    guard let host = connectHosts[request.mount] else {
      return eventLoop.makeSucceededFuture(.accepted(ConnectGrant()))
    }
    let promise = eventLoop.makePromise(of: ConnectOutcome.self)
    request.attempt.whenAnswered { promise.succeed($0) }
    let call = PendingCall.connect(host, request)
    stats.callbacks.add()
    if delivery.isInline { call.run() } else { loop.submit(call) }
    return promise.futureResult
  }

  /// Makes the socket of an accepted connection: its engine, and the driver that joins it to the transport.
  package func accept(
    _ grant: ConnectGrant, _ request: ConnectRequest, transport: any SocketTransport,
    on eventLoop: any EventLoop
  ) -> any SocketReceiver {
    // A connect callback may say yes after every channel of its loop has ended.
    guard let loop = loop(for: eventLoop) else { return LateSocket() }
    stats.connections.add()
    stats.connectionsTotal.add()
    let limits = limits[request.mount]
    let engine = SocketEngine(
      router: router, serializer: request.serializer, limits: limits.socket, connectionAssigns: grant.assigns,
      timestamp: timestamp)
    let info = SocketInfo(
      grant, peer: request.peer, params: request.params, headers: Self.headersToKeep(of: request),
      delivery: delivery)
    let driver = SocketDriver(
      hub: self, loop: loop, transport: transport, engine: engine, jsonLimits: limits.json, info: info)
    if loop.isDraining { driver.drain() }
    return driver
  }

  private func loop(for eventLoop: any EventLoop) -> ServerLoop? {
    loops.withLock { loops in loops.all.first { $0.eventLoop === eventLoop } }
  }

  /// As Phoenix's `connect_info` does: the user agent and the headers that begin with `x-`.
  private static func headersToKeep(of request: ConnectRequest) -> [(name: String, value: String)] {
    request.headers.compactMap { name, value in
      let name = name.lowercased()
      return name == "user-agent" || name.hasPrefix("x-") ? (name, value) : nil
    }
  }

  // MARK: Topics

  /// The topic that a channel joins, if its channels share something there.
  func sharedTopic(_ name: String, _ spec: ChannelSpec) -> SharedTopic? {
    guard spec.hasSharedAssigns else { return nil }
    return topics.join(name) { makeTopic(name, spec) }
  }

  private func makeTopic(_ name: String, _ spec: ChannelSpec) -> SharedTopic {
    let home = loops.withLock { loops -> ServerLoop? in
      guard !loops.all.isEmpty else { return nil }
      let place = Topic(name).hashValue.magnitude % UInt(loops.all.count)
      return loops.all[Int(place)]
    }
    return SharedTopic(name, spec, hub: self, home: home)
  }

  /// Runs a callback that has got its topic's turn.
  func run(_ context: ChannelContext, _ invocation: Invocation, homeOf topic: SharedTopic) {
    guard delivery.isInline else {
      if delivery.submit([.channel(context, invocation)]) { topic.home?.post(.watchWorkers) }
      return
    }
    if let loop = context.driver?.loop ?? topic.home, !loop.isClosed {
      loop.post(.run(context, invocation))
    } else {
      context.run(invocation)
    }
  }

  /// Runs a function of the program's in the turn of a topic, when that has come.
  ///
  /// - Parameter opens: whether a topic that nobody is in is opened; else it is an error of code `notFound`.
  package func update(topic name: String, opens: Bool, _ update: any ContextUpdate) throws(HostError) {
    guard !name.isEmpty else { throw HostError(.invalidArgument, "topic: is empty") }
    guard let spec = router.match(name) else {
      throw HostError(.invalidArgument, "topic: no channel is registered for \"\(name)\"")
    }
    guard spec.hasSharedAssigns else {
      throw HostError(.invalidArgument, "topic: the channels of \"\(name)\" share nothing (see `shared`)")
    }
    guard !isDraining else { throw HostError(.closed, "server: it stops") }
    if topics.topic(name)?.isHeldByCurrentThread == true {
      throw HostError(
        .state,
        "topic: a callback of \"\(name)\" runs here and has the topic's turn: change the assigns there")
    }
    stats.callbacks.add()
    if opens {
      // Counted as a member while it asks, so that the topic is not forgotten meanwhile.
      let topic = topics.join(name) { makeTopic(name, spec) }
      defer { topic.leave() }
      try topic.requestUpdate(topic.makeCall(.update(update)), opens: true)
    } else {
      guard let topic = topics.topic(name) else { throw .topicIsNotOpen(name) }
      try topic.requestUpdate(topic.makeCall(.update(update)), opens: false)
    }
  }

  /// Tells who asked for an update that it is over, on a thread that may run the program's code.
  func end(_ update: any Update, _ error: HostError?, isOnCallbackThread: Bool) {
    guard let update = update as? any ContextUpdate else { return }
    if isOnCallbackThread || delivery.isInline { return update.ended(error) }
    _ = delivery.submit([.release { update.ended(error) }])
  }

  /// Runs code of the program's that is no callback of a channel, where callbacks run.
  package func runOnHostThread(_ body: @escaping @Sendable () -> Void) {
    if delivery.isInline { return body() }
    guard delivery.submit([.task(body)]) else { return }
    loops.withLock { $0.all.first }?.post(.watchWorkers)
  }

  /// How many channels are in a topic that shares assigns.
  package func memberCount(ofTopic name: String) -> Int { topics.topic(name)?.memberCount ?? 0 }

  /// Whether the server ends.
  var isDraining: Bool { loops.withLock { $0.isDraining } }

  /// Pushes an event to every client of the topic, on all loops and on all servers. False if too much waits already: then
  /// it is dropped, and the log says so.
  @discardableResult
  package func broadcast(
    topic: String, event: String, payload: Payload, except: ChannelContext? = nil
  ) -> Bool {
    guard let hold = hold(payload, for: topic) else { return false }
    presences.flush(before: topic)
    post(.broadcast(topic: topic, event: event, payload: payload, except: except, hold))
    adapter?.send(.broadcast(topic: topic, event: event, payload: payload))
    return true
  }

  /// Hands a message to every channel of the topic, on all loops and on all servers. False if too much waits already: then
  /// it is dropped, and the log says so.
  ///
  /// - Parameter key: a message replaces one of the same key that still waits for a channel.
  @discardableResult
  package func publish(
    topic: String, message: String, payload: JSON, key: String? = nil, except: ChannelContext? = nil
  ) -> Bool {
    guard let hold = hold(.json(payload), for: topic) else { return false }
    post(.publish(topic: topic, message: message, payload: payload, key: key, except: except, hold))
    adapter?.send(.publish(topic: topic, message: message, payload: payload))
    return true
  }

  private func hold(_ payload: Payload, for topic: String) -> TopicHold? {
    if let hold = topicQueue.hold(payload.size) { return hold }
    if topicQueue.mustTell() {
      logger.warning(
        "messages to topics are dropped: they come faster than the members take them",
        metadata: [
          "topic": "\(topic)", "waiting": "\(topicQueue.waiting)", "limit": "\(TopicQueue.maxMessages)",
        ])
    }
    return nil
  }

  /// Whether who sends to topics should be slowed down.
  var isBehind: Bool { topicQueue.isLong || stats.queuedMessages.current >= Self.manyQueuedMessages }

  /// Messages that wait for channels whose callbacks run.
  private static let manyQueuedMessages = 20_000

  /// Closes every connection of an id, on all servers.
  package func disconnect(id: String) {
    post(.disconnect(id: id))
    adapter?.send(.disconnect(id: id))
  }

  /// Takes what another server sent, for the sockets of this one alone.
  private func deliver(_ message: TopicMessage) {
    switch message {
    case .broadcast(let topic, let event, let payload):
      guard let hold = hold(payload, for: topic) else { return }
      post(.broadcast(topic: topic, event: event, payload: payload, except: nil, hold))
    case .publish(let topic, let message, let payload):
      guard let hold = hold(.json(payload), for: topic) else { return }
      post(.publish(topic: topic, message: message, payload: payload, key: nil, except: nil, hold))
    case .disconnect(let id): post(.disconnect(id: id))
    }
  }

  private func post(_ message: LoopMessage) {
    for loop in allLoops { loop.post(message) }
  }

  var allLoops: [ServerLoop] { loops.withLock { $0.all } }

  // MARK: The end

  /// Ends every channel and then every connection; `completion` is called once, when none is left.
  package func drain(_ pace: DrainPace = .atOnce, _ completion: @escaping @Sendable () -> Void) {
    let count = loops.withLock { loops in
      loops.isDraining = true
      loops.draining = loops.all.count
      loops.whenDrained = completion
      return loops.all.count
    }
    if count == 0 {
      adapter?.end()
      completion()
    } else {
      post(.drain(pace.shared(by: count)))
    }
  }

  /// Makes no more pauses in a drain.
  package func hasten() { post(.hasten) }

  /// Closes what is left of a drain, without waiting for callbacks any more.
  package func cutOff() {
    post(.cutOff)
    let isAlone = loops.withLock { loops in
      loops.isCutOff = true
      return loops.all.isEmpty
    }
    if isAlone { topics.removeAll() }
  }

  func loopIsDrained(_ loop: ServerLoop) {
    let completion = loops.withLock { loops -> (@Sendable () -> Void)? in
      guard let place = loops.all.firstIndex(where: { $0 === loop }) else { return nil }
      loops.all.remove(at: place)
      loops.draining -= 1
      return loops.draining == 0 ? loops.whenDrained.take() : nil
    }
    guard let completion else { return }
    if loops.withLock({ $0.isCutOff }) { topics.removeAll() }
    for topic in topics.all { topic.stopLingering() }
    topics.whenEmpty {
      self.adapter?.end()
      completion()
    }
  }

  func log(_ entry: LogEntry, peer: String) {
    var metadata: Logger.Metadata = ["peer": "\(peer)"]
    for (name, value) in entry.fields { metadata[name] = "\(value)" }
    let level: Logger.Level =
      switch entry.level {
      case .debug: .debug
      case .info: .info
      case .warning: .warning
      case .error: .error
      }
    logger.log(level: level, "\(entry.message)", metadata: metadata)
  }
}

/// What the clients of a mount may ask of the engine.
package struct ClientLimits: Sendable {
  package var socket = SocketLimits()
  /// What a message of the client may hold. Small by default: what the parser takes in a millisecond may take a program
  /// a second that makes objects of it.
  package var json = JSONLimits(maxBytes: 1_000_000, maxNodes: 100_000)

  package init() {}
}
