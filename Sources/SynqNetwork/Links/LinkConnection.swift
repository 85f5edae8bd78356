import Logging
import NIOCore
import NIOHTTP1
import SynqHosting
import SynqJSON
import SynqWebSocket
import SynqWire

/// One client of a web server of the program's: its messages come and go by calls, not by a socket.
///
/// `@unchecked Sendable`: what the program's threads touch is in `exchange`, which has a lock; all else is touched on the
/// loop only.
package final class LinkConnection: SocketTransport, LoopMember, @unchecked Sendable {
  private enum Phase {
    /// The program is asked whether the client may connect.
    case asking
    case open
    case over
  }

  private let core: ServerCore
  private let loop: NetworkLoop
  private let host: any LinkHost
  private let exchange: LinkExchange
  private let request: LinkRequest
  private var settings: SocketSettings?
  private var attempt: ConnectAttempt?
  /// Whether it is one of the connections that are counted.
  private var isCounted = false
  private var receiver: (any SocketReceiver)?
  private var phase = Phase.asking
  private var quietTicks: UInt32 = 0
  private var closeReason = "the connection was lost"
  var loopIndex: Int?
  var account: MemoryAccount
  /// What waited to be sent when it was counted.
  private var countedWaiting = 0

  init(
    core: ServerCore, loop: NetworkLoop, request: LinkRequest, host: any LinkHost,
    run: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void
  ) {
    self.core = core
    self.loop = loop
    self.request = request
    self.host = host
    account = MemoryAccount(AddressKey(try? SocketAddress(ipAddress: request.peer, port: 0)))
    exchange = LinkExchange(loop.eventLoop, host: host, run: run)
  }

  // MARK: Any thread

  /// Begins on the loop: checks the request and asks the program. Once.
  package func begin() { loop.eventLoop.execute { self.open() } }

  /// Takes a message of the client's. False if the program should read no more until `LinkHost.resume`; nil if the link is
  /// not open.
  package func receive(_ kind: Outbox.Kind, _ bytes: UnsafeRawBufferPointer) -> Bool? {
    exchange.receive(kind, bytes) { self.drainInbox() }
  }

  /// The client's side has taken so many bytes of what `LinkHost.send` gave. False if the link is over.
  package func sent(_ bytes: Int) -> Bool {
    exchange.sent(bytes) {
      self.quietTicks = 0
      guard self.phase == .open else { return }
      self.recount()
      self.receiver?.transportBecameWritable()
    }
  }

  /// The connection is lost or closed by the client. False if the link was over before.
  @discardableResult
  package func lost(reason: String) -> Bool {
    exchange.lose {
      self.closeReason = reason
      self.finish()
    }
  }

  // MARK: Opening

  /// Checks the request as the own port does, and asks the program.
  func open() {
    loop.add(self)
    guard !exchange.isOver else { return finish() }
    if let refusal = core.counter.admit(account.address) {
      core.logger.warning("refusing a connection: \(refusal)", metadata: metadata)
      return refuse(503)
    }
    isCounted = true
    guard let target = RequestTarget("/?" + request.query) else {
      return refuse(400, "the query cannot be read")
    }
    guard let (mount, parameters) = route() else {
      return refuse(404, "nothing is served at \"\(request.path)\"")
    }
    let settings = core.sockets[mount]
    self.settings = settings
    exchange.use(settings.mount.limits)
    let origin = header("origin")
    if case .refused(let expected) = settings.linkOrigins.judge(
      origin: origin, host: request.host ?? header("host"))
    {
      return refuseOrigin(expected: expected)
    }
    let offer = SubprotocolOffer(request.subprotocols ?? offeredSubprotocols)
    guard case .accepted(let subprotocol) = offer.choose(from: settings.mount.subprotocols) else {
      return refuse(403, "no subprotocol of \"\(offer.text)\" is one of \(settings.mount.subprotocols)")
    }
    let vsn = target.value(of: "vsn")
    guard let serializer = Serializer(vsn: vsn) else {
      return refuse(403, "vsn \"\(vsn ?? "")\" is none of 1.0.x, 2.0.x")
    }
    var params = RequestParameters()
    for pair in target.query where pair.name != "vsn" { params.add(pair.name, pair.value) }
    for pair in parameters { params.add(plain: pair.name, pair.value) }
    var connect = ConnectRequest(
      mount: mount, transport: .webSocket, serializer: serializer, params: params.json,
      headers: request.headers, peer: request.peer, authToken: offer.authToken,
      originToCheck: settings.linkOrigins.toAskAbout(origin))
    connect.carrier = request.carrier
    ask(connect, subprotocol: subprotocol)
  }

  private func ask(_ connect: ConnectRequest, subprotocol: String?) {
    attempt = connect.attempt
    core.backend.connect(connect, on: loop.eventLoop).hop(to: loop.eventLoop).assumeIsolated().whenComplete {
      outcome in
      self.attempt = nil
      guard self.phase == .asking else { return }
      switch outcome {
      case .success(.accepted(let grant)): self.accept(grant, connect, subprotocol: subprotocol)
      case .success(.refused(let status, let body, let reason)): self.refuse(status, reason, body: body)
      case .success(.failed(let reason, let code)):
        var metadata = self.metadata
        metadata["code"] = "\(code)"
        self.core.logger.error("\(reason)", metadata: metadata)
        self.refuse(500)
      case .success(.originRefused): self.refuseOrigin(expected: OriginRule.whatHostsAllow)
      case .failure(let error):
        self.core.logger.error("connect failed: \(error)", metadata: self.metadata)
        self.refuse(500)
      }
    }
  }

  private func accept(_ grant: ConnectGrant, _ connect: ConnectRequest, subprotocol: String?) {
    phase = .open
    quietTicks = 0
    exchange.open(subprotocol: subprotocol)
    let receiver = core.backend.accept(grant, connect, transport: self, on: loop.eventLoop)
    if phase == .open {
      self.receiver = receiver
    } else {
      receiver.transportClosed(reason: closeReason)
    }
  }

  private func route() -> (mount: Int, parameters: [(name: String, value: String)])? {
    let segments = request.path.split(separator: "/").map(String.init)
    if case .webSocket(let mount, let parameters) = core.router.route(segments) { return (mount, parameters) }
    guard let path = request.mount,
      let mount = core.sockets.firstIndex(where: { $0.mount.path == path }),
      let pattern = core.sockets[mount].mount.webSocketPath.flatMap({ try? PathPattern("/\($0)") }),
      let parameters = pattern.match(segments)
    else { return nil }
    return (mount, parameters)
  }

  private func header(_ name: String) -> String? {
    request.headers.first { $0.name.lowercased() == name }?.value
  }

  private var offeredSubprotocols: [String] {
    var headers = HTTPHeaders()
    for (name, value) in request.headers where name.lowercased() == "sec-websocket-protocol" {
      headers.add(name: "sec-websocket-protocol", value: value)
    }
    return headers[canonicalForm: "sec-websocket-protocol"].map(String.init)
  }

  private func refuseOrigin(expected: String) {
    core.logger.warning(
      "refusing a connection: origin \"\(header("origin") ?? "")\" is not allowed, expected \(expected)",
      metadata: metadata)
    refuse(403)
  }

  private func refuse(_ status: Int, _ reason: String? = nil, body: String = "") {
    if let reason { core.logger.info("refusing a connection: \(reason)", metadata: metadata) }
    exchange.end(.refuse(status: status, body: body))
    finish()
  }

  private var metadata: Logger.Metadata { ["peer": "\(request.peer)"] }

  // MARK: Receiving

  private func drainInbox() {
    quietTicks = 0
    for message in exchange.takeInbox() {
      guard phase == .open, let limits = settings?.mount.limits else { break }
      message.bytes.withUnsafeBytes { bytes in
        guard bytes.count <= limits.maxMessageBytes else {
          return refuse(.messageTooLarge(limit: limits.maxMessageBytes))
        }
        switch message.kind {
        case .text where !UTF8Validator.isValid(bytes):
          refuse(.textNotUTF8(at: UTF8Validator.fault(in: bytes)))
        case .text: receiver?.receive(text: bytes)
        case .binary: receiver?.receive(binary: bytes)
        }
      }
    }
    receiver?.readBurstEnded()
    if phase == .open { loop.recount(self) }
  }

  private func refuse(_ violation: FrameViolation) {
    // What the client asked for before is answered first.
    receiver?.readBurstEnded()
    end(violation.closeCode, reason: violation.description)
  }

  // MARK: SocketTransport

  package var isWritable: Bool { phase == .open && !exchange.isFull }

  /// Gives the messages to the program; they wait there until it reports them as sent.
  package func send(_ outbox: inout Outbox) {
    defer { outbox.removeAll() }
    guard phase == .open, !outbox.isEmpty else { return }
    var messages: [LinkExchange.Message] = []
    outbox.forEachMessage { messages.append(LinkExchange.Message(kind: $0, bytes: Array($1))) }
    if !exchange.send(messages) { closeAsFull() }
    recount()
  }

  /// The same for one message of many clients, which is not copied.
  package func send(_ message: PreparedMessage) {
    guard phase == .open else { return }
    if !exchange.send([LinkExchange.Message(kind: message.kind, bytes: message.bytes)]) { closeAsFull() }
    recount()
  }

  private func closeAsFull() {
    let limit = settings?.mount.limits.maxOutboundBytes ?? 0
    close(.tryAgainLater, reason: "the client does not read: more than \(limit) bytes wait")
  }

  package func holdReading() { exchange.hold(true) }

  package func releaseReading() { exchange.hold(false) }

  /// Has the program close the connection behind what it was given.
  package func close(_ code: CloseCode, reason: String) {
    guard phase == .open else { return }
    phase = .over
    closeReason = reason
    exchange.end(.close(code, reason: code.carriesReason ? reason : ""))
    // Not from inside the receiver's own call.
    loop.eventLoop.assumeIsolated().execute { self.finish() }
  }

  // MARK: Ending

  private func end(_ code: CloseCode, reason: String, level: Logger.Level = .info) {
    guard phase == .open else { return }
    var metadata = metadata
    metadata["code"] = "\(code.rawValue)"
    core.logger.log(level: level, "closing a WebSocket: \(reason)", metadata: metadata)
    closeReason = reason
    exchange.end(.close(code, reason: code.carriesReason ? reason : ""))
    finish()
  }

  /// Leaves the loop and tells the socket. What the program is still to be told does not need the loop.
  private func finish() {
    phase = .over
    exchange.end(nil)
    if isCounted { core.counter.release(account.address) }
    isCounted = false
    attempt.take()?.answer(.refused(status: 503, body: "", reason: closeReason))
    let receiver = receiver.take()
    receiver?.transportClosed(reason: closeReason)
    loop.remove(self)
  }

  // MARK: LoopMember

  var pendingBytes: Int { 0 }

  func tick() {
    quietTicks += 1
    switch phase {
    case .asking:
      guard quietTicks > loop.ticks(core.configuration.limits.handshakeTimeout) else { return }
      refuse(503, "the host took longer than the handshake's time-out to decide")
    case .open:
      guard let limits = settings?.mount.limits, quietTicks > loop.ticks(limits.idleTimeout) else { return }
      if isWritable {
        end(.protocolError, reason: "the client sent nothing for the idle timeout")
      } else {
        end(.tryAgainLater, reason: "the client does not read: nothing was taken for the idle timeout")
      }
    case .over: break
    }
  }

  func shutDown(_ code: CloseCode, reason: String) {
    if phase == .asking { refuse(503, "the server stops") } else { close(code, reason: reason) }
  }

  var heldBytes: Int { exchange.heldBytes + (receiver?.heldBytes ?? 0) }

  func giveUp(_ reason: String) {
    exchange.dropMessages()
    if phase == .asking { return refuse(503, reason) }
    end(.tryAgainLater, reason: reason, level: .warning)
  }

  private func recount() {
    let waiting = exchange.heldBytes
    guard phase == .open, abs(waiting - countedWaiting) >= MemoryAccount.granularity else { return }
    countedWaiting = waiting
    loop.recount(self)
  }

  func cutOff() { shutDown(.serviceRestart, reason: "the server stops") }
}
