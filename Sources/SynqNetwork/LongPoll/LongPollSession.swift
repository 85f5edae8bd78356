import Logging
import NIOCore
import SynqHosting
import SynqJSON
import SynqWebSocket
import SynqWire

/// A socket whose client polls: messages wait in it for the next poll.
///
/// Unchecked: confined to `loop`, the loop of the connection that began it. Requests that come in on other loops are
/// handed over to it.
final class LongPollSession: SocketTransport, LoopMember, @unchecked Sendable {
  /// What a poll is answered with.
  struct Delivery: Sendable {
    /// The messages as JSON strings with commas between them.
    var messages: ByteBuffer
    var isEmpty: Bool { messages.readableBytes == 0 }
  }

  /// What became of a request with messages.
  enum Receipt: Sendable {
    case taken
    /// The socket could not read them and is gone.
    case refused
    /// One was over the limit, and the socket is gone.
    case tooLarge
    case sessionGone
  }

  private enum Phase {
    case open
    /// Over for the host; what was sent before waits for the last poll.
    case ending
    case gone
  }

  private struct Poll {
    var promise: EventLoopPromise<Delivery?>
    var timeout: Scheduled<Void>
  }

  let token: String
  let mount: Int
  /// Whom the session is counted for.
  let address: AddressKey
  let loop: NetworkLoop
  private let limits: LongPollLimits
  private let maxMessageBytes: Int
  private let highWaterMark: Int
  private let logger: Logger
  /// Takes this session out of its table.
  private let forget: @Sendable () -> Void
  private var receiver: (any SocketReceiver)?
  private var queue = ByteWriter(capacity: 0)
  private var poll: Poll?
  private var phase = Phase.open
  private var closeCode = CloseCode.normal
  private var closeReason = "the session was lost"
  private var wasWritable = true
  private var isDelivering = false
  private var quietTicks: UInt32 = 0
  /// No further poll will come for what waits.
  private var serverIsClosing = false
  var loopIndex: Int?
  var account: MemoryAccount
  /// What waited when it was counted.
  private var countedWaiting = 0

  init(
    token: String, mount: Int, address: AddressKey, settings: SocketSettings, loop: NetworkLoop,
    logger: Logger,
    forget: @escaping @Sendable () -> Void
  ) {
    self.token = token
    self.mount = mount
    self.address = address
    account = MemoryAccount(address)
    self.loop = loop
    self.logger = logger
    self.forget = forget
    limits = settings.mount.longPoll
    maxMessageBytes = settings.mount.limits.maxMessageBytes
    highWaterMark = min(settings.mount.limits.outboundHighWaterMark, settings.mount.longPoll.maxQueuedBytes)
  }

  /// Hands over the socket behind this session and begins its life.
  func attach(_ receiver: any SocketReceiver) {
    self.receiver = receiver
    loop.add(self)
  }

  // MARK: Requests

  /// Answers with the messages that wait, at once or when some come; with none at the end of the window. Nil when the
  /// session is gone. A poll that waits already is answered with none: its client has given it up.
  func waitForMessages(_ promise: EventLoopPromise<Delivery?>) {
    loop.eventLoop.assertInEventLoop()
    quietTicks = 0
    if let old = poll {
      poll = nil
      old.timeout.cancel()
      old.promise.succeed(Delivery(messages: ByteBuffer()))
    }
    guard phase != .gone else { return promise.succeed(nil) }
    let timeout = loop.eventLoop.assumeIsolated().scheduleTask(in: limits.window) { self.answerPoll() }
    poll = Poll(promise: promise, timeout: timeout)
    if queue.count > 0 || phase == .ending { answerPoll() }
  }

  /// The connection that a poll waits on was lost, or at least its client's side: messages stay for the next poll.
  func abandon(_ promise: EventLoopPromise<Delivery?>) {
    guard let poll, poll.promise.futureResult === promise.futureResult else { return }
    poll.timeout.cancel()
    self.poll = nil
    promise.succeed(Delivery(messages: ByteBuffer()))
  }

  /// Hands `messages` to the socket, in order, as one burst.
  func receive(_ messages: [LongPollMessage]) -> Receipt {
    loop.eventLoop.assertInEventLoop()
    guard phase == .open else { return .sessionGone }
    quietTicks = 0
    for message in messages {
      guard phase == .open else { break }
      message.bytes.withUnsafeReadableBytes { receive(message.kind, $0) }
    }
    // Also of a session that ends: what its socket wrote is in the outbox that the sockets of this loop share.
    receiver?.readBurstEnded()
    loop.recount(self)
    switch phase {
    case .open: return .taken
    case .ending, .gone:
      switch closeCode {
      // The host may end a session for what it was told and understood.
      case .goingAway, .normal: return .taken
      case .tooBig: return .tooLarge
      default: return .refused
      }
    }
  }

  private func receive(_ kind: Outbox.Kind, _ bytes: UnsafeRawBufferPointer) {
    guard bytes.count <= maxMessageBytes else { return refuse(.messageTooLarge(limit: maxMessageBytes)) }
    switch kind {
    case .text where !UTF8Validator.isValid(bytes):
      refuse(.textNotUTF8(at: UTF8Validator.fault(in: bytes)))
    case .text: receiver?.receive(text: bytes)
    case .binary: receiver?.receive(binary: bytes)
    }
  }

  /// Ends the session for something that the client sent; what it asked for before is answered first.
  private func refuse(_ violation: FrameViolation) {
    receiver?.readBurstEnded()
    guard phase == .open else { return }
    logger.info("ending a long-poll session: \(violation)")
    end(violation.closeCode, reason: violation.description)
  }

  // MARK: SocketTransport

  var isWritable: Bool { phase == .open && queue.count < highWaterMark }

  var pendingBytes: Int { queue.count }

  func send(_ outbox: inout Outbox) {
    defer { outbox.removeAll() }
    guard phase == .open, !outbox.isEmpty else { return }
    outbox.forEachMessage { enqueue($0, $1) }
    deliver()
  }

  func send(_ message: PreparedMessage) {
    guard phase == .open else { return }
    message.bytes.withUnsafeBytes { enqueue(message.kind, $0) }
    deliver()
  }

  /// Answers the poll that waits with what there is, if the client has room for it.
  private func deliver() {
    wasWritable = isWritable
    if abs(queue.count - countedWaiting) >= MemoryAccount.granularity { recount() }
    if queue.count > limits.maxQueuedBytes {
      queue.removeAll(keepingCapacity: false)
      close(.tryAgainLater, reason: "the client does not poll: more than \(limits.maxQueuedBytes) bytes wait")
      return
    }
    guard poll != nil, !isDelivering else { return }
    // What else this turn of the loop has to say goes with it.
    isDelivering = true
    loop.eventLoop.assumeIsolated().execute {
      self.isDelivering = false
      self.answerPoll()
    }
  }

  func close(_ code: CloseCode, reason: String) {
    guard phase == .open else { return }
    end(code, reason: reason)
  }

  private func enqueue(_ kind: Outbox.Kind, _ bytes: UnsafeRawBufferPointer) {
    switch kind {
    case .text: enqueue(bytes)
    case .binary:
      var text = ByteWriter()
      if BinaryOverLongPoll.appendErrorReply(to: bytes, into: &text) {
        text.withUnsafeBytes { enqueue($0) }
      } else {
        logger.error("a binary message was dropped: long poll cannot carry one")
      }
    }
  }

  private func enqueue(_ bytes: UnsafeRawBufferPointer) {
    if queue.count > 0 { queue.append(UInt8(ascii: ",")) }
    queue.append(escaping: bytes)
  }

  // MARK: Ending

  private func end(_ code: CloseCode, reason: String) {
    guard phase == .open else { return }
    phase = .ending
    closeCode = code
    closeReason = reason
    quietTicks = 0
    // Not from inside the receiver's own call. A waiting poll is answered with what there is; the client's next one
    // finds the session gone and begins a new one, as with Phoenix.
    loop.eventLoop.assumeIsolated().execute {
      self.releaseReceiver()
      if self.poll != nil {
        self.answerPoll()
      } else if self.queue.count == 0 || self.serverIsClosing {
        self.vanish()
      }
    }
  }

  private func answerPoll() {
    guard let poll else { return }
    self.poll = nil
    poll.timeout.cancel()
    let messages = queue.withUnsafeBytes { ByteBuffer(bytes: $0) }
    // A queue that grew is given back: an idle session keeps none.
    queue.removeAll(keepingCapacity: false)
    if countedWaiting > 0 { recount() }
    poll.promise.succeed(Delivery(messages: messages))
    if phase == .ending { return vanish() }
    if !wasWritable, isWritable {
      wasWritable = true
      receiver?.transportBecameWritable()
    }
  }

  private func vanish() {
    guard phase != .gone else { return }
    phase = .gone
    forget()
    loop.remove(self)
    releaseReceiver()
  }

  private func releaseReceiver() {
    guard let receiver else { return }
    self.receiver = nil
    receiver.transportClosed(reason: closeReason)
  }

  // MARK: LoopMember

  func tick() {
    guard poll == nil else { return }
    quietTicks += 1
    guard quietTicks > loop.ticks(limits.sessionTimeout) else { return }
    if phase == .open { closeReason = "the client stopped polling" }
    vanish()
  }

  func shutDown(_ code: CloseCode, reason: String) {
    serverIsClosing = true
    if phase == .open {
      end(code, reason: reason)
    } else if poll == nil {
      vanish()
    }
  }

  func cutOff() {
    answerPoll()
    vanish()
  }

  private func recount() {
    countedWaiting = queue.count
    loop.recount(self)
  }

  var heldBytes: Int { (queue.count > 0 ? queue.reserved : 0) + (receiver?.heldBytes ?? 0) }

  func giveUp(_ reason: String) {
    logger.warning(
      "ending a long-poll session: \(reason)", metadata: ["code": "\(CloseCode.tryAgainLater.rawValue)"])
    queue.removeAll(keepingCapacity: false)
    if phase == .open { end(.tryAgainLater, reason: reason) } else { vanish() }
  }
}
