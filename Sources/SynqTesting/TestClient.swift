import Synq
import SynqChannels
import SynqJSON
import SynqHosting
import SynqWire
import Synchronization

/// A client of a test: one connection at a time, and the channels that it joined.
public final class TestClient: Sendable {
  /// The server that it connects to.
  public let server: TestServer
  let inbox = Inbox()
  private let request: ConnectRequest
  /// Given when `connect` is not to be asked.
  private let grant: ConnectGrant?

  private struct State {
    var link: Link?
    var joined: [JoinedTopic] = []
    var refs = 0
    var closeCode: Int?
  }

  private let state = Mutex(State())

  init(_ server: TestServer, request: ConnectRequest, grant: ConnectGrant?) {
    self.server = server
    self.request = request
    self.grant = grant
  }

  // MARK: Channels

  /// Joins a topic, and returns when the server has let the client in.
  ///
  /// - Throws: ``JoinRefused`` with the answer.
  public func join(
    _ topic: String, _ params: JSON = .emptyObject, fileID: StaticString = #fileID, line: Int = #line
  ) async throws -> TestChannel {
    let joined = JoinedTopic(topic: topic, params: params, dialect: server.dialect(of: topic))
    state.withLock { state in
      state.joined.removeAll { $0.topic == topic }
      state.joined.append(joined)
    }
    let channel = TestChannel(self, joined)
    do {
      try await channel.join(fileID: fileID, line: line)
    } catch {
      forget(joined)
      throw error
    }
    return channel
  }

  func forget(_ joined: JoinedTopic) { state.withLock { state in state.joined.removeAll { $0 === joined } } }

  // MARK: The connection

  /// Whether the client is connected.
  public var isConnected: Bool { state.withLock { $0.link != nil } }

  /// The code with which the server closed the connection: 1001 after a disconnect by id, 1012 when it stopped.
  public var closeCode: Int? { state.withLock { $0.closeCode } }

  /// Loses the connection, as when the network fails; returns when each channel's `beforeClose` is done.
  public func disconnect(fileID: StaticString = #fileID, line: Int = #line) async throws {
    if let link = takeLink() { await server.loop.run { link.lose(reason: "the test's client disconnects") } }
    inbox.disappointAll()
    try await server.settle(fileID: fileID, line: line)
  }

  /// Connects again, after losing the connection if it has one, and joins its channels again, in their order and with
  /// their params, as the stock clients do.
  ///
  /// - Throws: ``Synq/ConnectionRefused`` and ``JoinRefused``.
  public func reconnect(fileID: StaticString = #fileID, line: Int = #line) async throws {
    try await disconnect(fileID: fileID, line: line)
    try await connect()
    for joined in state.withLock({ $0.joined }) {
      try await TestChannel(self, joined).join(fileID: fileID, line: line)
    }
  }

  /// Stops reading: the server holds state back, until ``resumeReading()`` gets it as one patch.
  public func pauseReading() async {
    guard let link = state.withLock({ $0.link }) else { return }
    await server.loop.run { link.isWritable = false }
  }

  /// Reads again.
  public func resumeReading() async {
    guard let link = state.withLock({ $0.link }) else { return }
    await server.loop.run {
      link.isWritable = true
      link.driver?.transportBecameWritable()
    }
  }

  func connect() async throws {
    let (server, request) = (server, request)
    var outcome = ConnectOutcome.accepted(grant ?? ConnectGrant())
    if grant == nil {
      outcome = await withCheckedContinuation { continuation in
        server.loop.execute {
          server.hub.connect(request, on: server.loop).whenSuccess { continuation.resume(returning: $0) }
        }
      }
    }
    switch outcome {
    case .refused(let status, let body, _): throw ConnectionRefused(status: status, body: body)
    case .failed: throw ConnectionRefused(status: 500)
    case .originRefused: throw ConnectionRefused()
    case .accepted(let grant):
      let link = Link(self, loop: server.loop)
      state.withLock { state in
        state.link = link
        state.closeCode = nil
      }
      await server.accept(grant, request, link: link)
    }
  }

  private func takeLink() -> Link? { state.withLock { $0.link.take() } }

  func connectionIsClosed(_ code: CloseCode) {
    state.withLock { state in
      state.closeCode = Int(code.rawValue)
      state.link = nil
    }
    inbox.disappointAll()
  }

  // MARK: Messages

  func nextRef() -> JSON {
    JSON(
      String(
        state.withLock { state in
          state.refs += 1
          return state.refs
        }))
  }

  func send(_ message: JSON, _ place: Place) throws {
    guard let link = state.withLock({ $0.link }) else {
      throw server.failure("the client is not connected", place)
    }
    server.loop.execute { link.receive(text: Array("\(message)".utf8)) }
  }

  func send(binary: [UInt8], _ place: Place) throws {
    guard let link = state.withLock({ $0.link }) else {
      throw server.failure("the client is not connected", place)
    }
    server.loop.execute { link.receive(binary: binary) }
  }

  func receive(_ frame: ServerFrame) {
    var frame = frame
    let joined = state.withLock { [frame] state in state.joined.first { $0.topic == frame.topic } }
    joined?.follow(&frame)
    inbox.append(frame)
  }

  /// Runs `body` on the loop with the server's side of the connection.
  func onServer<T: Sendable>(_ body: @escaping @Sendable (SocketDriver) -> T) async -> T? {
    guard let link = state.withLock({ $0.link }) else { return nil }
    return await server.loop.run { link.driver.map(body) }
  }
}
