import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOPosix
import SynqHosting
import SynqWire

/// The listening server: accepts connections and serves sockets over WebSocket and long poll, and files.
///
/// Life cycle: `init` checks the configuration, `listen` takes the port, `startAccepting` serves, `stopAccepting` ends
/// listening and keeps connections, `closeAll` ends them. Safe to use from any thread.
package final class NetworkServer: Sendable {
  private let core: ServerCore
  private let group: any EventLoopGroup
  private let loops: [NetworkLoop]
  private let loopsByIdentity: [ObjectIdentifier: NetworkLoop]
  private let acceptor: Acceptor
  private let shedder: MemoryShedder
  private let listener = NIOLockedValueBox<(any NIOCore.Channel)?>(nil)

  /// Checks `configuration`.
  /// - Throws: `NetworkError` that names the first argument at fault.
  package init(
    _ configuration: NetworkConfiguration, backend: any SocketBackend, group: any EventLoopGroup,
    logger: Logger
  ) throws(NetworkError) {
    guard (0...65_535).contains(configuration.port) else {
      throw NetworkError(argument: "port \(configuration.port)", cause: "is not in 0...65535")
    }
    let core = try ServerCore(configuration, backend: backend, logger: logger)
    self.core = core
    self.group = group
    acceptor = Acceptor(logger: logger)
    loops = group.makeIterator().map { NetworkLoop($0, tickLength: core.tickLength, budget: core.memory) }
    shedder = MemoryShedder(budget: core.memory, loops: loops)
    loopsByIdentity = Dictionary(uniqueKeysWithValues: loops.map { (ObjectIdentifier($0.eventLoop), $0) })
  }

  /// Takes the port; clients that come wait until `startAccepting`, in the system's backlog. The future fails with
  /// `NetworkError`: the port is in use, the host is unknown, permission is missing.
  package func listen() -> EventLoopFuture<Void> {
    let configuration = core.configuration
    return ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: Int32(clamping: configuration.backlog))
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelOption(.autoRead, value: false)
      .serverChannelInitializer { [acceptor] channel in
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(acceptor) }
      }
      .childChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
      .childChannelOption(.maxMessagesPerRead, value: 1)
      .childChannelOption(.recvAllocator, value: RequestReadAllocator())
      // A client that has said all may close its side and wait for the answer. TLS has an end of its own.
      .childChannelOption(.allowRemoteHalfClosure, value: core.credentials == nil)
      .childChannelInitializer { channel in self.initialize(channel) }
      .bind(host: configuration.host, port: configuration.port)
      .flatMapErrorThrowing { error in
        throw NetworkError(
          argument: "address \(configuration.host):\(configuration.port)", cause: Self.cause(of: error))
      }
      .map { channel in self.listener.withLockedValue { $0 = channel } }
  }

  /// Serves the clients that come, and those that wait since `listen`.
  package func startAccepting() {
    // Fails for a listener that was closed meanwhile, as it should.
    listener.withLockedValue { $0 }?.setOption(.autoRead, value: true).whenComplete { _ in }
  }

  /// Where the server listens; nil before `listen` completed.
  package var address: SocketAddress? { listener.withLockedValue { $0?.localAddress } }

  /// The port that the server listens on; nil before `listen` completed.
  package var port: Int? { address?.port }

  /// Connections at this moment, of all kinds.
  package var connectionCount: Int { core.counter.count }

  /// Stops listening; connections stay. Completes when the port is free. May be called again.
  package func stopAccepting() -> EventLoopFuture<Void> {
    guard let channel = listener.withLockedValue({ $0 }) else { return group.any().makeSucceededVoidFuture() }
    channel.close(promise: nil)
    return channel.closeFuture
  }

  /// Reads certificate and key again, or those of `configuration`. Connections go on as they are; new ones use what
  /// was read. On an error all stays as it was. Blocks while it reads.
  package func reloadTLS(_ configuration: TLSConfiguration? = nil) throws(NetworkError) {
    guard let credentials = core.credentials, let files = configuration ?? core.configuration.tls else {
      throw NetworkError(argument: "tls", cause: "the server was made without it")
    }
    try credentials.replace(files)
  }

  /// Closes every connection, and those that come from now on: WebSockets with `code`.
  ///
  /// Closes `batch` connections of each event loop at once and as many again after each `pause`, so that clients which
  /// come back elsewhere do not all come at once. A second call closes the rest at its own pace. Completes when all are
  /// gone: a peer to which all was sent has `NetworkLimits.lingerTimeout` to close its side, one that is slow to read
  /// `NetworkLimits.closeTimeout`.
  package func closeAll(
    _ code: CloseCode, reason: String, batch: Int = .max, pause: TimeAmount = .milliseconds(100)
  ) -> EventLoopFuture<Void> {
    let linger = core.configuration.limits.lingerTimeout
    let gone = loops.map { loop in
      loop.eventLoop.flatSubmit {
        loop.shutDown(code, reason: reason, batch: max(batch, 1), pause: pause, linger: linger)
        return loop.becomesEmpty()
      }
    }
    // What one loop has handed to another on the way, and what comes back, is done before they end.
    return EventLoopFuture.andAllSucceed(gone, on: group.any()).flatMap { self.turn() }.flatMap {
      self.turn()
    }
  }

  /// Completes when every loop has done what it was given so far.
  private func turn() -> EventLoopFuture<Void> {
    .andAllSucceed(loops.map { $0.eventLoop.submit {} }, on: group.any())
  }

  /// Closes every connection at once. Of those that were told to close, none is waited for any more.
  package func cutOff() {
    for loop in loops { loop.eventLoop.execute { loop.cutOff() } }
  }

  /// A client of a web server of the program's, on one of the loops; nothing is asked before `open`.
  ///
  /// - Parameter run: runs the calls of `host`, each after the one before, where the program's callbacks run.
  package func makeLink(
    _ request: LinkRequest, host: any LinkHost,
    run: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void
  ) -> LinkConnection? {
    guard let loop = loopsByIdentity[ObjectIdentifier(group.next())] else { return nil }
    return LinkConnection(core: core, loop: loop, request: request, host: host, run: run)
  }

  // MARK: New connections

  private func initialize(_ channel: any NIOCore.Channel) -> EventLoopFuture<Void> {
    guard let loop = loopsByIdentity[ObjectIdentifier(channel.eventLoop)] else {
      return channel.eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
    }
    let address = AddressKey(channel.remoteAddress)
    channel.closeFuture.whenComplete { [acceptor] _ in acceptor.connectionEnded() }
    if let refusal = core.counter.admit(address) {
      core.logger.warning(
        "refusing a connection: \(refusal)", metadata: ["peer": "\(channel.remoteAddress?.hostText ?? "")"])
      return RefusedConnection.begin(channel, isEncrypted: core.credentials != nil, counter: core.counter)
    }
    channel.closeFuture.whenComplete { [core] _ in core.counter.release(address) }
    return channel.eventLoop.makeCompletedFuture {
      try Self.configure(channel, core: core, loop: loop)
    }
  }

  /// Puts the handlers of HTTP into the pipeline of a new connection.
  static func configure(_ channel: any NIOCore.Channel, core: ServerCore, loop: NetworkLoop) throws {
    let encoder = HTTPResponseEncoder()
    let decoder = HTTPConnection.makeDecoder(core.configuration.limits)
    let connection = HTTPConnection(core: core, loop: loop, encoder: encoder, decoder: decoder)
    if let credentials = core.credentials {
      try channel.pipeline.syncOperations.addHandler(credentials.makeHandler())
    }
    try channel.pipeline.syncOperations.addHandlers([encoder, decoder, connection])
  }

  private static func cause(of error: any Error) -> String {
    switch error {
    case let error as IOError where error.errnoCode == EADDRINUSE: "is in use"
    case let error as IOError where error.errnoCode == EACCES: "needs a permission that is missing"
    case let error as IOError where error.errnoCode == EADDRNOTAVAIL: "is not an address of this machine"
    case is SocketAddressError, is NIOConnectionError: "the host is unknown"
    default: "\(error)"
    }
  }
}
