import Logging
import NIOCore
import NIOHTTP1
import SynqHosting
import SynqJSON
import SynqWebSocket
import SynqWire

/// One connection while it speaks HTTP: answers one request after the other, until one asks for a WebSocket.
///
/// Confined to its event loop.
final class HTTPConnection: ChannelDuplexHandler, RemovableChannelHandler, LoopMember {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundIn = HTTPServerResponsePart
  typealias OutboundOut = HTTPServerResponsePart

  private enum Phase {
    /// For the next request.
    case waiting
    /// The end of `request` is to come.
    case reading
    /// Nothing more is read until the answer is sent.
    case answering
    /// A part of a long answer waits for the peer to take it.
    case sending
    /// All of the answer was written. The next request is taken when the peer has taken it: a peer that asks and does not
    /// read makes the server hold one answer.
    case finishing
    /// The answer was sent and our side closed; the peer's bytes are dropped.
    case closing
    case closed
  }

  struct Request {
    var head: HTTPRequestHead
    var target: RequestTarget
    var route: Router.Route
    var body = ByteBuffer()
    /// How large `body` may become; nil when the route reads none.
    var bodyLimit: Int?
  }

  let core: ServerCore
  let loop: NetworkLoop
  private(set) var context: ChannelHandlerContext?
  private var phase = Phase.waiting
  private var request: Request?
  /// Called when the connection is lost while a poll waits on it.
  private var abandonPoll: (() -> Void)?
  /// The host is asked whether this client may connect.
  private var attempt: ConnectAttempt?
  private var isKeptAlive = true
  /// Parts that came in one read with the request that is being answered.
  private var queued = CircularBuffer<HTTPServerRequestPart>(initialCapacity: 0)
  private var isTakingQueued = false
  private var readIsHeld = false
  private var ticksInPhase: UInt32 = 0
  private var hasHadRequest = false
  /// The answer to HEAD has no body, whatever its length says.
  private var isHead = false
  private var pendingAtTick = 0
  private var serverIsClosing = false
  /// The decoder reads no further: its last request asked for an upgrade.
  private var decoderHasStopped = false
  /// The handlers between this one and the socket, which leave with it.
  private let encoder: HTTPResponseEncoder
  private var decoder: ByteToMessageHandler<HTTPRequestDecoder>
  var loopIndex: Int?
  var account = MemoryAccount(AddressKey(nil))

  init(
    core: ServerCore, loop: NetworkLoop, encoder: HTTPResponseEncoder,
    decoder: ByteToMessageHandler<HTTPRequestDecoder>
  ) {
    self.core = core
    self.loop = loop
    self.encoder = encoder
    self.decoder = decoder
  }

  static func makeDecoder(_ limits: NetworkLimits) -> ByteToMessageHandler<HTTPRequestDecoder> {
    var configuration = NIOHTTPDecoderLimitConfiguration()
    configuration.maxHeaderFieldSize = limits.maxHeaderBytes
    configuration.maxHeaderListSize = limits.maxHeaderBytes
    configuration.maxHeaderFieldCount = limits.maxHeaderFields
    return ByteToMessageHandler(
      HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: configuration))
  }

  // MARK: The channel

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    account = MemoryAccount(AddressKey(context.channel.remoteAddress))
    loop.add(self)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    finish()
  }

  func channelInactive(context: ChannelHandlerContext) {
    finish()
    context.fireChannelInactive()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard case ChannelEvent.inputClosed? = event as? ChannelEvent else {
      return context.fireUserInboundEventTriggered(event)
    }
    switch phase {
    // It has no answer to wait for.
    case .waiting, .reading, .closing, .closed: context.close(promise: nil)
    // Half a connection is of no use to a WebSocket: the client has gone.
    case .answering where decoderHasStopped: context.close(promise: nil)
    case .answering, .sending, .finishing:
      isKeptAlive = false
      // A poll is answered at once: whether its client is still there cannot be told, and messages would be lost.
      abandonPoll.take()?()
    }
  }

  private func finish() {
    if case .closed = phase { return }
    phase = .closed
    loop.remove(self)
    queued.removeAll()
    request = nil
    abandonPoll?()
    abandonPoll = nil
    endAttempt(reason: "the client went away before the host had decided")
    context = nil
  }

  /// Notes what to do when the connection is lost while a poll waits, or that it waits no more.
  func pollIsWaiting(_ abandon: (() -> Void)?) {
    abandonPoll = abandon
  }

  /// Notes that the host is asked whether this client may connect, or that it has said so.
  func hostIsAsked(_ attempt: ConnectAttempt?) {
    self.attempt = attempt
  }

  private func endAttempt(reason: String) {
    attempt.take()?.answer(.refused(status: 503, body: "", reason: reason))
  }

  func read(context: ChannelHandlerContext) {
    if isBusy { readIsHeld = true } else { context.read() }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let part = Self.unwrapInboundIn(data)
    switch phase {
    case .answering, .sending, .finishing: queued.append(part)
    case .waiting, .reading: take(part)
    case .closing, .closed: break
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let error = error as? HTTPParserError else {
      context.close(promise: nil)
      return
    }
    switch phase {
    case .waiting, .reading:
      core.logger.info("refusing a request: \(error)", metadata: logMetadata)
      isKeptAlive = false
      phase = .answering
      answer(.empty(error == .headerOverflow ? .requestHeaderFieldsTooLarge : .badRequest))
    case .answering, .sending, .finishing: isKeptAlive = false
    case .closing, .closed: break
    }
  }

  // MARK: Requests

  private func take(_ part: HTTPServerRequestPart) {
    switch part {
    case .head(let head): begin(head)
    case .body(let bytes): takeBody(bytes)
    case .end:
      guard case .reading = phase, let request else { return }
      self.request = nil
      enter(.answering)
      dispatch(request)
    }
  }

  private func begin(_ head: HTTPRequestHead) {
    hasHadRequest = true
    isHead = head.method == .HEAD
    // An HTTP/1.0 client would have to be told that the connection stays.
    isKeptAlive = head.isKeepAlive && head.version == .http1_1
    if let fault = WebSocketHandshake.hostFault(in: head) {
      isKeptAlive = false
      enter(.answering)
      core.logger.info("refusing a request: \(fault)", metadata: logMetadata)
      return answer(.text(.badRequest, fault))
    }
    guard let target = RequestTarget(head.uri) else {
      isKeptAlive = false
      enter(.answering)
      core.logger.info(
        "refusing a request: its target cannot be decoded, or has more than \(RequestTarget.maxPairs) parameters",
        metadata: logMetadata)
      answer(.failure(.badRequest))
      return
    }
    if head.headers.contains(name: "upgrade") {
      decoderHasStopped = head.headers[canonicalForm: "connection"].contains { $0.lowercased() == "upgrade" }
      if !decoderHasStopped { isKeptAlive = false }
    }
    let route = core.router.route(target.segments)
    let bodyLimit = bodyLimit(head, target, route)
    if let bodyLimit, let length = head.headers.first(name: "content-length").flatMap({ Int($0) }),
      length > bodyLimit
    {
      return refuseBody(limit: bodyLimit)
    }
    let request = Request(head: head, target: target, route: route, bodyLimit: bodyLimit)
    if head.headers.first(name: "expect")?.lowercased() == "100-continue" {
      guard bodyLimit != nil else {
        // The body stays where it is (RFC 9110, section 10.1.1), and the connection cannot go on behind it.
        isKeptAlive = false
        enter(.answering)
        return dispatch(request)
      }
      let proceed = HTTPResponseHead(version: .http1_1, status: .continue)
      context?.writeAndFlush(Self.wrapOutboundOut(.head(proceed)), promise: nil)
    }
    self.request = request
    enter(.reading)
  }

  private func takeBody(_ bytes: ByteBuffer) {
    // A body that the route does not read is dropped as it comes.
    guard case .reading = phase, let limit = request?.bodyLimit, let count = request?.body.readableBytes
    else {
      return
    }
    guard count + bytes.readableBytes <= limit else { return refuseBody(limit: limit) }
    request?.body.writeImmutableBuffer(bytes)
    loop.note(bytes.readableBytes, movedBy: self)
  }

  /// Only long poll reads bodies. The rest of this one is not read, so the connection ends.
  private func refuseBody(limit: Int) {
    request = nil
    isKeptAlive = false
    enter(.answering)
    core.logger.info(
      "refusing a request: its body is over the limit of \(limit) bytes", metadata: logMetadata)
    answer(.longPoll(.payloadTooLarge))
  }

  private func dispatch(_ request: Request) {
    switch request.route {
    case .webSocket(let mount, let parameters):
      connectWebSocket(request, mount: mount, parameters: parameters)
    case .file(let tree, let segments): serveFile(request, tree: tree, segments: segments)
    case .longPoll(let mount, let parameters): serveLongPoll(request, mount: mount, parameters: parameters)
    case .page(let page): servePage(page, request)
    case .nothing: answer(.text(.notFound, "no route"))
    }
  }

  // MARK: Answers

  /// Whether a request waits for its answer or for the rest of it.
  var isAnswering: Bool {
    switch phase {
    case .answering, .sending: true
    case .waiting, .reading, .finishing, .closing, .closed: false
    }
  }

  /// Whether an answer is still owed or on its way: nothing more is read meanwhile.
  private var isBusy: Bool {
    if case .finishing = phase { true } else { isAnswering }
  }

  /// Sends the answer to the request that is being answered.
  func answer(_ answer: HTTPAnswer) {
    guard case .answering = phase, let context else { return }
    writeHead(answer, context)
    finishAnswer(context)
  }

  /// Sends the head and first part of an answer; completes when the peer has taken it.
  func beginAnswer(_ answer: HTTPAnswer) -> EventLoopFuture<Void> {
    guard case .answering = phase, let context else { return failed() }
    enter(.sending)
    writeHead(answer, context)
    let sent = loop.eventLoop.makePromise(of: Void.self)
    context.writeAndFlush(Self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer()))), promise: sent)
    return sent.futureResult
  }

  /// Sends a further part; completes when the peer has taken it.
  func continueAnswer(_ part: ByteBuffer) -> EventLoopFuture<Void> {
    guard case .sending = phase, let context else { return failed() }
    enter(.sending)
    let sent = loop.eventLoop.makePromise(of: Void.self)
    context.writeAndFlush(Self.wrapOutboundOut(.body(.byteBuffer(part))), promise: sent)
    return sent.futureResult
  }

  /// Ends an answer of several parts.
  func endAnswer() {
    guard case .sending = phase, let context else { return }
    finishAnswer(context)
  }

  private func finishAnswer(_ context: ChannelHandlerContext) {
    enter(.finishing)
    pendingAtTick = .max
    let sent = loop.eventLoop.makePromise(of: Void.self)
    sent.futureResult.assumeIsolated().whenComplete { self.answered($0) }
    context.writeAndFlush(Self.wrapOutboundOut(.end(nil)), promise: sent)
    if case .finishing = phase { loop.recount(self) }
  }

  /// Ends the connection, for an answer that cannot be finished as it was begun.
  func abandonAnswer() {
    context?.close(promise: nil)
  }

  private func writeHead(_ answer: HTTPAnswer, _ context: ChannelHandlerContext) {
    var answer = answer
    if answer.closes { isKeptAlive = false }
    answer.closes = !isKeptAlive
    let head = HTTPResponseHead(version: .http1_1, status: answer.status, headers: answer.fields(now: .now))
    context.write(Self.wrapOutboundOut(.head(head)), promise: nil)
    if answer.body.readableBytes > 0, !isHead {
      context.write(Self.wrapOutboundOut(.body(.byteBuffer(answer.body))), promise: nil)
    }
  }

  private func failed() -> EventLoopFuture<Void> {
    loop.eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel)
  }

  /// Goes on once the peer has taken an answer: to the next request, or to the connection's end.
  private func answered(_ result: Result<Void, any Error>) {
    guard case .finishing = phase else { return }
    guard case .success = result else {
      context?.close(promise: nil)
      return
    }
    guard isKeptAlive else {
      enter(.closing)
      queued.removeAll()
      context?.close(mode: .output, promise: nil)
      resumeReading()
      return
    }
    enter(.waiting)
    if decoderHasStopped { replaceDecoder() }
    takeQueued()
  }

  /// Takes the requests that came with those that were answered.
  private func takeQueued() {
    // An answer that is taken at once leads back here.
    guard !isTakingQueued else { return }
    isTakingQueued = true
    while !isBusy, let part = queued.popFirst() { take(part) }
    isTakingQueued = false
    resumeReading()
  }

  /// A refused upgrade does not end its connection (`wire/upgrade_*`), but a decoder reads nothing after one.
  private func replaceDecoder() {
    guard let context else { return }
    let fresh = Self.makeDecoder(core.configuration.limits)
    do {
      try context.pipeline.syncOperations.addHandler(fresh, position: .after(decoder))
    } catch {
      return context.close(promise: nil)
    }
    // What came after the request goes on to the new one.
    context.pipeline.syncOperations.removeHandler(decoder, promise: nil)
    decoder = fresh
    decoderHasStopped = false
  }

  private func enter(_ next: Phase) {
    phase = next
    ticksInPhase = 0
    if account.counted > MemoryAccount.granularity { loop.recount(self) }
  }

  private func resumeReading() {
    guard readIsHeld else { return }
    if isBusy { return }
    readIsHeld = false
    context?.read()
  }

  // MARK: Leaving for a WebSocket

  /// Sends the 101 answer and puts a WebSocket in the place of every HTTP handler.
  func upgrade(
    _ headers: HTTPHeaders, to settings: SocketSettings, compression terms: CompressionTerms?,
    attach: (WebSocketConnection) -> Void
  ) {
    guard case .answering = phase, let context else { return }
    let pipeline = context.pipeline.syncOperations
    let head = HTTPResponseHead(version: .http1_1, status: .switchingProtocols, headers: headers)
    context.writeAndFlush(Self.wrapOutboundOut(.head(head)), promise: nil)
    let compression = terms.flatMap { terms in
      settings.mount.compression.map { MessageCompression(terms, $0, shared: loop.compression) }
    }
    let webSocket = WebSocketConnection(core: core, settings: settings, loop: loop, compression: compression)
    do {
      try pipeline.addHandler(webSocket)
      let options = context.channel.syncOptions
      // NIOSSL keeps what it reads and hands on buffers of its own.
      if core.credentials == nil {
        try options?.setOption(.recvAllocator, value: SharedReadAllocator(loop.readBuffer))
      }
    } catch {
      context.close(promise: nil)
      return
    }
    attach(webSocket)
    pipeline.removeHandler(self, promise: nil)
    // The decoder leaves at the end of its own work and then passes on what came after the request, outside of any
    // read: no end of a burst follows it.
    let left = [pipeline.removeHandler(encoder), pipeline.removeHandler(decoder)]
    EventLoopFuture.andAllComplete(left, on: loop.eventLoop).assumeIsolated().whenComplete { _ in
      webSocket.endBurst()
    }
    if readIsHeld { pipeline.read() }
  }

  // MARK: LoopMember

  func tick() {
    ticksInPhase += 1
    let limits = core.configuration.limits
    let allowed: TimeAmount
    switch phase {
    case .finishing, .sending:
      // A slow peer is not an idle one.
      let pending = pendingBytes
      if pending < pendingAtTick { ticksInPhase = 0 }
      pendingAtTick = pending
      allowed = serverIsClosing ? limits.closeTimeout : limits.keepAliveTimeout
    case .waiting: allowed = hasHadRequest ? limits.keepAliveTimeout : limits.handshakeTimeout
    case .reading: allowed = limits.handshakeTimeout
    case .closing: allowed = limits.closeTimeout
    case .answering:
      guard serverIsClosing || attempt != nil else { return }
      allowed = serverIsClosing ? limits.closeTimeout : limits.handshakeTimeout
    case .closed: return
    }
    guard ticksInPhase > loop.ticks(allowed) else { return }
    if attempt != nil, !serverIsClosing {
      return endAttempt(reason: "the host took longer than the handshake's time-out to decide")
    }
    context?.close(promise: nil)
  }

  func shutDown(_ code: CloseCode, reason: String) {
    isKeptAlive = false
    serverIsClosing = true
    ticksInPhase = 0
    switch phase {
    case .waiting, .reading, .sending: context?.close(promise: nil)
    case .answering, .finishing, .closing, .closed: break
    }
  }

  var pendingBytes: Int {
    guard let options = context?.channel.syncOptions else { return 0 }
    return (try? options.getOption(.bufferedWritableBytes)) ?? 0
  }

  func cutOff() {
    context?.close(promise: nil)
  }

  /// A part of a request as it waits, at least.
  private static let partBytes = 512

  var heldBytes: Int { (request?.body.storageCapacity ?? 0) + pendingBytes + queued.count * Self.partBytes }

  func giveUp(_ reason: String) {
    core.logger.warning("closing a connection: \(reason)", metadata: logMetadata)
    context?.close(promise: nil)
  }

  /// Whom a line of the log is about.
  var logMetadata: Logger.Metadata { ["peer": "\(context?.channel.remoteAddress?.hostText ?? "")"] }
}
