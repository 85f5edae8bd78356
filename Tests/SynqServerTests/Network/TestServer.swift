import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import SynqJSON
import SynqWire

@testable import SynqHosting
@testable import SynqNetwork

/// A server on a free port with an echo behind it, and what that echo saw.
final class TestServer: Sendable {
  let server: NetworkServer
  let backend: EchoBackend
  let log: LogRecord
  private let group: MultiThreadedEventLoopGroup

  private init(_ configuration: NetworkConfiguration, _ backend: EchoBackend, loops: Int) throws {
    group = MultiThreadedEventLoopGroup(numberOfThreads: loops)
    log = LogRecord()
    self.backend = backend
    server = try NetworkServer(configuration, backend: backend, group: group, logger: log.logger)
  }

  var port: Int { server.port ?? 0 }

  /// Runs `body` with a server of `configuration`, and stops it whatever happens.
  static func with(
    _ configuration: NetworkConfiguration = .echo, backend: EchoBackend = EchoBackend(), loops: Int = 1,
    accepting: Bool = true, _ body: (TestServer) async throws -> Void
  ) async throws {
    let test = try TestServer(configuration, backend, loops: loops)
    try await test.server.listen().get()
    if accepting { test.server.startAccepting() }
    let result: Result<Void, any Error>
    do { result = .success(try await body(test)) } catch { result = .failure(error) }
    try await test.server.stopAccepting().get()
    try await test.server.closeAll(.serviceRestart, reason: "the test is over").get()
    try await test.group.shutdownGracefully()
    try result.get()
  }

  /// Waits until an event loop has looked for what is readable, and gone through it.
  func turn() async throws { try await group.next().submit {}.get() }

  func connect(autoRead: Bool = true) async throws -> RawClient {
    try await RawClient.connect(port: port, autoRead: autoRead)
  }

  /// A client that is upgraded already.
  func webSocket(_ target: String = "/socket/websocket?vsn=2.0.0") async throws -> RawClient {
    let client = try await connect()
    _ = try await client.upgrade(target)
    return client
  }
}

extension NetworkConfiguration {
  /// One socket at "/socket" for any origin. No time-out comes into the way of a test that is kept from its work.
  static var echo: NetworkConfiguration {
    var configuration = NetworkConfiguration()
    configuration.limits.handshakeTimeout = .hours(1)
    configuration.limits.keepAliveTimeout = .hours(1)
    configuration.mounts = [.echo()]
    return configuration
  }

  static func echo(_ change: (inout NetworkConfiguration) -> Void) -> NetworkConfiguration {
    var configuration = echo
    change(&configuration)
    return configuration
  }
}

extension SocketMount {
  static func echo(_ path: String = "/socket", _ change: (inout SocketMount) -> Void = { _ in })
    -> SocketMount
  {
    var mount = SocketMount(path: path)
    mount.origins = .any
    mount.limits.idleTimeout = .hours(1)
    mount.longPoll.sessionTimeout = .hours(1)
    change(&mount)
    return mount
  }
}

/// Accepts every client, unless told otherwise, and gives it an echo.
final class EchoBackend: SocketBackend {
  private let decide: @Sendable (ConnectRequest) throws -> ConnectOutcome
  private let seen = NIOLockedValueBox<[ConnectRequest]>([])
  private let endings = AsyncStream.makeStream(of: String.self)

  init(
    _ decide: @escaping @Sendable (ConnectRequest) throws -> ConnectOutcome = { _ in .accepted(ConnectGrant())
    }
  ) {
    self.decide = decide
  }

  /// The requests so far.
  var requests: [ConnectRequest] { seen.withLockedValue { $0 } }

  /// The reason of the next socket that ends.
  func nextEnding() async -> String? {
    var iterator = endings.stream.makeAsyncIterator()
    return await iterator.next()
  }

  func connect(_ request: ConnectRequest, on eventLoop: any EventLoop) -> EventLoopFuture<ConnectOutcome> {
    seen.withLockedValue { $0.append(request) }
    return eventLoop.makeCompletedFuture { try decide(request) }
  }

  func accept(
    _ grant: ConnectGrant, _ request: ConnectRequest, transport: any SocketTransport,
    on eventLoop: any EventLoop
  ) -> any SocketReceiver {
    EchoReceiver(transport, endings: endings.continuation)
  }
}

/// Sends every message back at the end of its burst; does what a message says that begins with "!".
final class EchoReceiver: SocketReceiver {
  private let transport: any SocketTransport
  private let endings: AsyncStream<String>.Continuation
  private var outbox = Outbox()
  private var ended = false

  init(_ transport: any SocketTransport, endings: AsyncStream<String>.Continuation) {
    self.transport = transport
    self.endings = endings
  }

  func receive(text: UnsafeRawBufferPointer) {
    let words = String(decoding: text, as: UTF8.self).split(separator: " ")
    switch words.first {
    case "!close":
      transport.close(
        CloseCode(rawValue: UInt16(words[1]) ?? 0), reason: words.dropFirst(2).joined(separator: " "))
    case "!flood":
      // As another's broadcasts would: beside the burst, without regard to whether the client reads.
      let count = Int(words[1]) ?? 0
      for _ in 0..<count {
        outbox.bytes.append([UInt8](repeating: 0x78, count: Int(words[2]) ?? 0))
        outbox.endMessage(.text)
        transport.send(&outbox)
      }
    case "!prepared":
      // As a broadcast that other clients get too: behind what was written before.
      outbox.bytes.append(utf8: "before")
      outbox.endMessage(.text)
      transport.send(&outbox)
      transport.send(PreparedMessage(.text, Array(words.dropFirst().joined(separator: " ").utf8)))
      outbox.bytes.append(utf8: "behind")
      outbox.endMessage(.text)
    case "!share":
      transport.send(PreparedMessage(.text, [UInt8](repeating: 0x79, count: Int(words[1]) ?? 0)))
    case "!writable":
      outbox.bytes.append(utf8: "\(transport.isWritable)")
      outbox.endMessage(.text)
    default:
      outbox.bytes.append(text)
      outbox.endMessage(.text)
    }
  }

  func receive(binary: UnsafeRawBufferPointer) {
    outbox.bytes.append(binary)
    outbox.endMessage(.binary)
  }

  func readBurstEnded() { transport.send(&outbox) }
  func transportBecameWritable() {}

  func transportClosed(reason: String) {
    // The outbox of a real socket is shared: whatever is left there goes to another client.
    endings.yield(ended ? "ended twice" : outbox.isEmpty ? reason : "\(reason), and its burst did not end")
    ended = true
  }
}

/// The lines that a logger was given.
struct LogRecord: Sendable {
  private let lines = NIOLockedValueBox<[String]>([])

  var logger: Logger {
    Logger(label: "test") { _ in Handler(lines: lines) }
  }

  var text: String { lines.withLockedValue { $0.joined(separator: "\n") } }

  private struct Handler: LogHandler {
    let lines: NIOLockedValueBox<[String]>
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.debug

    init(lines: NIOLockedValueBox<[String]>) { self.lines = lines }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      lines.withLockedValue { $0.append("\(event.level) \(event.message)") }
    }
  }
}
