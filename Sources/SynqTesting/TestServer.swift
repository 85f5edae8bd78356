import Logging
import NIOCore
import Synq
import SynqChannels
import SynqJSON
import SynqHosting
import SynqNetwork
import SynqWire
import Synchronization

/// Channels without a network, and with time of the test's own.
/// ```swift
/// @Test func incrementsAndAnswers() async throws {
///   let counter = try await TestServer("counter:*", Counter()).join("counter:1")
///   try await counter.expectState(["count": 0])
///   #expect(try await counter.push("inc") == .ok(["count": 1]))
///   try await counter.expectPatch([["op": "replace", "path": "/count", "value": 1]])
/// }
/// ```
/// The engine, its order and its messages are those of a real server; only the transport is not. An expectation returns
/// as soon as it is met, and fails after ``timeout``: only tests that fail wait.
public final class TestServer: Sendable {
  /// How long an expectation waits for what does not come. Default 5 s; nothing of it passes when all goes well.
  public let timeout: Duration

  /// Keeps what the channels were added to.
  private let server: Server
  let loop: TestLoop
  let hub: ChannelHub
  private let mounts: [SocketMount]
  private let router: TopicRouter
  private let recorder: LogRecorder

  private struct State {
    var links: [Link] = []
    var waiters: [(number: Int, continuation: CheckedContinuation<Bool, Never>)] = []
    var waitersMade = 0
  }

  private let state = Mutex(State())

  /// Puts the channels and mounts of a server that was not started under test.
  public init(_ server: Server, timeout: Duration = .seconds(5)) {
    self.server = server
    self.timeout = timeout
    let loop = TestLoop()
    let recorder = LogRecorder()
    var (parts, mounts) = server.runtime.hubParts
    if mounts.isEmpty {
      mounts = [SocketMount(path: "/socket")]
      parts.connectHosts = [nil]
      parts.limits = [ClientLimits()]
    }
    parts.delivery = .inline
    parts.logger = recorder.logger
    // Times of the test's clock, which begins with the epoch.
    parts.timestamp = {
      let now = Int(clamping: loop.now.uptimeNanoseconds)
      return rfc3339(seconds: now / 1_000_000_000, nanoseconds: now % 1_000_000_000)
    }
    hub = ChannelHub(parts)
    hub.use([loop])
    self.loop = loop
    self.recorder = recorder
    self.mounts = mounts
    router = parts.router
    loop.whenQuiet = { [weak self] in self?.loopIsQuiet() }
  }

  /// A server with one channel.
  public convenience init(
    _ pattern: String, _ channel: some Synq.Channel, timeout: Duration = .seconds(5)
  ) throws(HostError) {
    let server = try Server(delivery: .inline)
    try server.channel(pattern, channel)
    self.init(server, timeout: timeout)
  }

  /// A server with one channel.
  public convenience init(
    _ pattern: String, _ channel: some AsyncChannel, timeout: Duration = .seconds(5)
  ) throws(HostError) {
    let server = try Server(delivery: .inline)
    try server.channel(pattern, channel)
    self.init(server, timeout: timeout)
  }

  deinit {
    let (loop, hub, links) = (loop, hub, state.withLock { $0.links })
    // A callback that is still suspended finds its channel gone; the loop needs the hub until it has seen to that. Then
    // nothing may be left in which loop, timers, links and sockets keep one another.
    loop.execute {
      hub.cutOff()
      loop.execute {
        for link in links { link.driver = nil }
        loop.cancelTimers()
        withExtendedLifetime(hub) {}
      }
    }
  }

  // MARK: Clients

  /// Connects a client. The mount's rule about origins, if there is a header `origin`, and its `connect` decide about it.
  ///
  /// - Parameters:
  ///   - path: the mounted path.
  ///   - params: the params of the URL, an object of strings.
  ///   - headers: those of the request; without a `host` the server's is `localhost`.
  ///   - token: what phoenix.js calls `authToken`.
  ///   - id: given, nobody is asked and this is the connection's id.
  ///   - assigns: given, nobody is asked and these are what each channel starts with.
  /// - Throws: ``Synq/ConnectionRefused``.
  public func connect(
    _ path: String = "/socket", params: JSON = .emptyObject,
    headers: [String: String] = [:],  // canonical: header fields of a test, which are ASCII.
    peer: String = "127.0.0.1", token: String? = nil, id: String? = nil, assigns: JSON? = nil
  ) async throws -> TestClient {
    guard let mount = mounts.firstIndex(where: { $0.path == path }) else {
      throw HostError(.invalidArgument, "path: nothing is mounted at \"\(path)\"")
    }
    let fields = headers.sorted { $0.key < $1.key }.map { (name: $0.key.lowercased(), value: $0.value) }
    let origin = fields.first { $0.name == "origin" }?.value
    let host = fields.first { $0.name == "host" }?.value ?? "localhost"
    // No name is looked up in a test, so that none can be rebound.
    let rule = try OriginRule(mounts[mount].origins, hosts: HostRule(["*"], listeningOn: ""))
    let isAsked = id == nil && assigns == nil
    if isAsked, case .refused = rule.judge(origin: origin, host: host) { throw ConnectionRefused() }
    let request = ConnectRequest(
      mount: mount, transport: .webSocket, serializer: .v2, params: params, headers: fields, peer: peer,
      authToken: token, originToCheck: rule.toAskAbout(origin))
    var grant: ConnectGrant?
    if !isAsked {
      let members = assigns?.members.map { (NameKey($0.name), $0.value) } ?? []
      grant = ConnectGrant(id: id, assigns: Dictionary(members) { $1 })
    }
    let client = TestClient(self, request: request, grant: grant)
    try await client.connect()
    return client
  }

  /// Connects a client of its own and joins a topic.
  ///
  /// - Throws: ``JoinRefused`` with the answer.
  public func join(
    _ topic: String, _ params: JSON = .emptyObject, id: String? = nil, assigns: JSON? = nil,
    fileID: StaticString = #fileID, line: Int = #line
  ) async throws -> TestChannel {
    try await connect(id: id, assigns: assigns).join(topic, params, fileID: fileID, line: line)
  }

  func presenceAssign(of topic: String) -> String? { router.match(topic)?.options.presenceAssign }

  func dialect(of topic: String) -> Dialect { router.match(topic)?.options.dialect ?? .synq }

  func accept(_ grant: ConnectGrant, _ request: ConnectRequest, link: Link) async {
    state.withLock { $0.links.append(link) }
    await loop.run { [hub, loop] in
      link.driver = hub.accept(grant, request, transport: link, on: loop) as? SocketDriver
    }
  }

  // MARK: Time

  /// Moves the clock on: timers that become due run in their order, and the callbacks that they cause to their end.
  public func advance(
    by duration: Duration, fileID: StaticString = #fileID, line: Int = #line
  ) async throws {
    try await loop.advance(by: TimeAmount(clamping: duration)) {
      try await settle(fileID: fileID, line: line)
    }
  }

  /// Waits until no callback runs any more.
  public func settle(fileID: StaticString = #fileID, line: Int = #line) async throws {
    let isSettled = await withCheckedContinuation { (continuation: CheckedContinuation<Bool, Never>) in
      let number = state.withLock { state in
        state.waitersMade += 1
        state.waiters.append((state.waitersMade, continuation))
        return state.waitersMade
      }
      let timeout = timeout
      Task { [weak self] in
        try? await Task.sleep(for: timeout)
        self?.giveUpSettling(number)
      }
      // Whoever waits is told when the loop is quiet, which this makes it once more.
      loop.execute {}
    }
    guard !isSettled else { return }
    let busy = await loop.run { [self] in busyTopics.sorted().joined(separator: ", ") }
    throw failure("a callback of \(busy) did not end within \(timeout)", Place(fileID: fileID, line: line))
  }

  private var busyTopics: [String] { state.withLock { $0.links }.flatMap { $0.driver?.busyTopics ?? [] } }

  private func loopIsQuiet() {
    guard busyTopics.isEmpty else { return }
    let waiters = state.withLock { state in
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.continuation.resume(returning: true) }
  }

  private func giveUpSettling(_ number: Int) {
    let waiter = state.withLock { state in
      state.waiters.firstIndex { $0.number == number }.map { state.waiters.remove(at: $0) }
    }
    waiter?.continuation.resume(returning: false)
  }

  // MARK: The server's side

  /// As `Server.broadcast`.
  public func broadcast(_ topic: String, _ event: String, _ payload: JSON = .emptyObject) {
    hub.broadcast(topic: topic, event: event, payload: .json(payload))
  }

  /// As `Server.publish`.
  public func publish(_ topic: String, _ message: String, _ payload: JSON = .emptyObject) {
    hub.publish(topic: topic, message: message, payload: payload)
  }

  /// As `Server.disconnect(id:)`.
  public func disconnect(id: String) { hub.disconnect(id: id) }

  /// Stops the server: each channel's `beforeClose` runs with `shutdown:draining`, and is done when this returns.
  public func stop(fileID: StaticString = #fileID, line: Int = #line) async throws {
    hub.drain {}
    try await settle(fileID: fileID, line: line)
  }

  /// What the server logged so far, as `level: message name=value`.
  public var log: [String] { recorder.entries }

  func failure(_ message: String, _ place: Place) -> ExpectationFailure {
    let log = recorder.entries
    return place.failure(
      log.isEmpty ? message : "\(message)\nThe log says:\n  \(log.joined(separator: "\n  "))")
  }
}
