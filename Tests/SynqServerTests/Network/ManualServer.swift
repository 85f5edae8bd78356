import Logging
import NIOCore
import NIOEmbedded
import SynqChannels
import SynqJSON
import SynqWire

@testable import SynqHosting
@testable import SynqNetwork
@testable import SynqWebSocket

/// A whole server – the handlers of its connections, the engine, callbacks – on one thread and with time of the test's
/// own; in the place of the kernel's sockets there are peers that read when they are told to.
///
/// Its channels are "room:*": `{text}`, which the event "write" sets to its payload for all members; the event
/// "shout" broadcasts its payload.
final class ManualServer {
  let loop = EmbeddedEventLoop()
  let hub: ChannelHub
  let networkLoop: NetworkLoop
  let log = LogRecord()
  let room = Room()
  private let core: ServerCore
  private let shedder: MemoryShedder
  var memory: MemoryBudget { core.memory }

  init(
    adapter: (any PubSubAdapter)? = nil, _ change: (inout NetworkConfiguration) -> Void = { _ in }
  ) throws {
    var router = TopicRouter()
    var options = ChannelSpec.Options()
    options.track = ["text"]
    options.maxVersion = 1_000_000
    _ = router.add(try TopicPattern("room:*"), options: options, callbacks: .all)
    let configuration = NetworkConfiguration.echo(change)
    var parts = ChannelHub.Parts(
      router: router, hosts: [room], connectHosts: configuration.mounts.map { _ in nil },
      limits: configuration.mounts.map { _ in ClientLimits() }, delivery: .inline, logger: log.logger,
      timestamp: { "2026-01-02T03:04:05.678Z" })
    parts.adapter = adapter
    hub = ChannelHub(parts)
    hub.use([loop])
    core = try ServerCore(configuration, backend: hub, logger: log.logger)
    networkLoop = NetworkLoop(loop, tickLength: core.tickLength, budget: core.memory)
    shedder = MemoryShedder(budget: core.memory, loops: [networkLoop])
  }

  /// Connections that a test leaves open keep each other, and the engine of their sockets, alive.
  deinit {
    hub.cutOff()
    networkLoop.cutOff()
    loop.run()
  }

  /// A peer that has connected, and nothing more.
  func connect(from address: String = "127.0.0.1") throws -> ManualPeer {
    let peer = ManualPeer(loop)
    try NetworkServer.configure(peer.channel, core: core, loop: networkLoop)
    try peer.channel.connect(to: SocketAddress(ipAddress: address, port: 1)).wait()
    return peer
  }

  /// A peer with a WebSocket that has joined.
  func join(_ topic: String) throws -> ManualPeer {
    let peer = try connect()
    peer.send(Array(UpgradeRequest.text("/socket/websocket?vsn=2.0.0").utf8))
    _ = peer.received()
    peer.send(ClientFrame.text("[\"1\",\"1\",\"\(topic)\",\"phx_join\",{}]"))
    _ = peer.messages()
    return peer
  }

  /// Pushes an event and drops what comes back.
  func push(_ event: String, _ payload: JSON, topic: String = "room:1", from peer: ManualPeer) {
    peer.send(ClientFrame.text("[\"1\",\"2\",\"\(topic)\",\"\(event)\",\(payload)]"))
  }

  final class Room: CallbackHost, @unchecked Sendable {
    /// The reasons of each before_close; used on the test's thread only.
    private(set) var closed: [String] = []

    func channelEnded(_ context: ChannelContext) {}

    func run(_ cause: Invocation.Cause, on context: ChannelContext) -> Outcome {
      do {
        switch cause {
        case .authorize: break
        case .initialize: try set("", on: context)
        case .event("write", .json(let text)):
          try context.perform(.publish(message: "written", payload: text, exceptSelf: false))
        case .event("shout", let payload):
          try context.perform(.broadcast(event: "shouted", payload: payload, exceptSelf: true))
        case .event: break
        case .message(let message):
          if case .json(let text) = message.payload { try set(text, on: context) }
        case .newState, .updateState, .update, .openTopic, .closeTopic: break
        case .beforeClose(let reason): closed.append(reason.rawValue)
        }
        return .returned
      } catch {
        return .crashed(cause: "\(error)")
      }
    }

    private func set(_ text: JSON, on context: ChannelContext) throws {
      try context.withScope { scope throws(HostError) in try scope.assigns.set("text", to: text) }
    }
  }
}

/// The client's end of a connection, and the kernel between the two: what the server flushes waits until the client
/// reads, and what the client sends waits until the server does.
final class ManualPeer {
  let channel: EmbeddedChannel
  private let kernel = Kernel()
  private var input: [UInt8] = []

  fileprivate init(_ loop: EmbeddedEventLoop) {
    channel = EmbeddedChannel(handler: kernel, loop: loop)
  }

  /// Whether the client takes what is flushed.
  var reads: Bool {
    get { kernel.reads }
    set {
      kernel.reads = newValue
      if newValue { take(.max) }
    }
  }

  /// Takes some of the bytes that the server holds.
  func take(_ count: Int) {
    kernel.take(count)
    channel.embeddedEventLoop.run()
  }

  /// How often the server has written to this client.
  var writes: Int { kernel.writes }

  /// Bytes that the server holds for this client.
  var heldBytes: Int {
    let webSocket = try? channel.pipeline.syncOperations.handler(type: WebSocketConnection.self)
    return webSocket?.pendingBytes ?? kernel.held.readableBytes
  }

  /// Memory of the connection's own in which the server holds them.
  var heldMemory: Int {
    let webSocket = try? channel.pipeline.syncOperations.handler(type: WebSocketConnection.self)
    return webSocket?.heldBytes ?? 0
  }

  /// Bytes that the client has sent and the server has not read.
  var unreadBytes: Int { kernel.inbound.readableBytes }

  func send(_ bytes: [UInt8]) {
    kernel.inbound.writeBytes(bytes)
    kernel.deliver()
    channel.embeddedEventLoop.run()
  }

  /// The connection is gone. (`EmbeddedChannel.finish` would end the loop's timers too.)
  func disconnect() {
    channel.close(promise: nil)
    channel.embeddedEventLoop.run()
  }

  /// The bytes that have arrived since the last call.
  func received() -> [UInt8] {
    channel.embeddedEventLoop.run()
    return kernel.arrived.readBytes(length: kernel.arrived.readableBytes) ?? []
  }

  /// The whole messages that have arrived; a close frame as "close CODE REASON".
  func messages() -> [JSON] {
    input += received()
    var messages: [JSON] = []
    while let (opcode, payload) = nextFrame() {
      if opcode == FrameOpcode.close.rawValue {
        let code = Int(payload[0]) << 8 | Int(payload[1])
        messages.append(JSON("close \(code) \(String(decoding: payload.dropFirst(2), as: UTF8.self))"))
      } else {
        messages.append((try? JSON(parsing: payload)) ?? "not JSON")
      }
    }
    return messages
  }

  private func nextFrame() -> (opcode: UInt8, payload: [UInt8])? {
    guard input.count >= 2 else { return nil }
    var length = Int(input[1])
    let extra = length == 126 ? 2 : length == 127 ? 8 : 0
    guard input.count >= 2 + extra else { return nil }
    if extra > 0 { length = input[2..<2 + extra].reduce(0) { $0 << 8 | Int($1) } }
    guard input.count >= 2 + extra + length else { return nil }
    defer { input.removeFirst(2 + extra + length) }
    return (input[0] & 0x0F, Array(input[2 + extra..<2 + extra + length]))
  }

  /// What a socket does between the network and its first handler.
  private final class Kernel: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = ByteBuffer

    var reads = true
    var writes = 0
    var held = ByteBuffer()
    var arrived = ByteBuffer()
    var inbound = ByteBuffer()
    private var wantsRead = false
    /// Promises of what is held, each with the count of all bytes that end with it.
    private var promises: [(end: Int, promise: EventLoopPromise<Void>)] = []
    private var written = 0
    private var context: ChannelHandlerContext?
    private var channel: EmbeddedChannel? { context?.channel as? EmbeddedChannel }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) {
      self.context = nil
      let left = promises
      promises = []
      for (_, promise) in left { promise.fail(ChannelError.ioOnClosedChannel) }
    }

    func channelActive(context: ChannelHandlerContext) {
      context.fireChannelActive()
      context.channel.read()
    }

    // MARK: To the server

    func read(context: ChannelHandlerContext) {
      wantsRead = true
      context.eventLoop.assumeIsolated().execute { self.deliver() }
    }

    func deliver() {
      while wantsRead, inbound.readableBytes > 0, let context, context.channel.isActive {
        wantsRead = false
        let bytes = inbound
        inbound.clear()
        context.fireChannelRead(Self.wrapInboundOut(bytes))
        context.fireChannelReadComplete()
        context.channel.read()
      }
    }

    // MARK: To the client

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
      writes += 1
      if case .byteBuffer(let bytes) = Self.unwrapOutboundIn(data) {
        held.writeImmutableBuffer(bytes)
        written += bytes.readableBytes
      }
      if let promise { promises.append((written, promise)) }
      context.write(data, promise: nil)
    }

    func flush(context: ChannelHandlerContext) {
      if reads { take(.max) }
    }

    /// The server's side of TCP alone is closed behind what waits; the channel stays for the client's.
    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
      if mode == .output { promise?.succeed() } else { context.close(mode: mode, promise: promise) }
    }

    func take(_ count: Int) {
      guard let context, let channel else { return }
      arrived.writeImmutableBuffer(held.readSlice(length: min(count, held.readableBytes)) ?? ByteBuffer())
      held.discardReadBytes()
      context.flush()
      while (try? channel.readOutbound(as: IOData.self)) ?? nil != nil {}
      // What is left counts as buffered, as it does in a socket's channel.
      if held.readableBytes > 0 { context.write(Self.wrapOutboundOut(held), promise: nil) }
      let taken = written - held.readableBytes
      while let first = promises.first, first.end <= taken {
        promises.removeFirst()
        first.promise.succeed()
      }
    }
  }
}
