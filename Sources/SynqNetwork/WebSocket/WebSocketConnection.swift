import Logging
import NIOCore
import SynqHosting
import SynqWebSocket
import SynqWire

/// One WebSocket: the only handler in its channel's pipeline (beside TLS), and the transport of its socket.
///
/// Confined to its event loop. A message costs no promise, no future and, once its buffers have grown, no allocation;
/// a burst of messages costs one read, one write and one system call for each.
final class WebSocketConnection: ChannelDuplexHandler, SocketTransport, LoopMember {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private enum Phase {
    case open
    /// A close frame was sent; the peer's bytes are dropped until its side of TCP closes too.
    case closing
    case closed
  }

  private let loop: NetworkLoop
  private let settings: SocketSettings
  private let core: ServerCore
  private let compression: MessageCompression?
  private var decoder: FrameDecoder
  private var receiver: (any SocketReceiver)?
  private var context: ChannelHandlerContext?
  private var writer = SocketWriter()
  private var phase = Phase.open
  /// Between a read and the end of its burst.
  private var isInBurst = false
  /// What answers the pings of this burst: one write, however many there were.
  private var pongs = ByteBuffer()
  /// As much waits as the high-water mark; the receiver is told when it is no more than the low one.
  private var isFull = false
  /// Our side of TCP is to be closed once all was handed over.
  private var closesOutput = false
  /// The channel asked to read while the peer did not take what was sent.
  private var readIsHeld = false
  /// The socket asked not to be read from for a moment.
  private var readingIsHeld = false
  /// Ticks since bytes came or were taken or, once closing, since the close frame was sent.
  private var quietTicks: UInt32 = 0
  /// How many bytes the peer had taken at the last tick in which it was slow.
  private var takenBytes = 0
  private var closeReason = "the connection was lost"
  var loopIndex: Int?
  var account = MemoryAccount(AddressKey(nil))
  /// What waited to be sent when it was counted.
  private var countedWaiting = 0
  /// Ticks since the message began that is still to come, and which it is.
  private var messageTicks: UInt32 = 0
  private var messageAtTick: UInt32 = 0

  init(core: ServerCore, settings: SocketSettings, loop: NetworkLoop, compression: MessageCompression? = nil)
  {
    self.compression = compression
    self.core = core
    self.settings = settings
    self.loop = loop
    let limits = settings.mount.limits
    decoder = FrameDecoder(
      limits: FrameLimits(
        maxFrameBytes: limits.maxFrameBytes, maxMessageBytes: limits.maxMessageBytes,
        maxFragments: limits.maxFragments, allowsCompression: compression != nil))
  }

  /// Hands over the socket behind this connection; messages are dropped before that.
  func attach(_ receiver: any SocketReceiver) {
    self.receiver = receiver
    // Lost between the answer to its request and now.
    if phase == .closed { releaseReceiver() }
  }

  // MARK: The channel

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    account = MemoryAccount(AddressKey(context.channel.remoteAddress))
    if core.credentials == nil { writer.attach(to: context) }
    loop.add(self)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    finish()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let buffer = Self.unwrapInboundIn(data)
    if phase == .open {
      quietTicks = 0
      isInBurst = true
      buffer.withUnsafeReadableBytes { consume($0) }
      account.moved += buffer.readableBytes
    }
    loop.readBuffer.takeBack(buffer)
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    endBurst()
  }

  /// Lets the socket answer what was read since the last call.
  func endBurst() {
    guard isInBurst else { return }
    isInBurst = false
    writePongs()
    // Also while closing: what the socket wrote is in the outbox that the sockets of this loop share.
    receiver?.readBurstEnded()
    loop.note(0, movedBy: self)
  }

  func read(context: ChannelHandlerContext) {
    // A peer that sends and does not read is not read from: its own messages cannot fill our memory.
    if phase == .open, readingIsHeld || !isWritable {
      readIsHeld = true
    } else {
      context.read()
    }
  }

  private func becameWritable() {
    isFull = false
    guard phase == .open else { return }
    quietTicks = 0
    resumeReading()
    receiver?.transportBecameWritable()
  }

  func channelInactive(context: ChannelHandlerContext) {
    finish()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard case ChannelEvent.inputClosed? = event as? ChannelEvent else {
      return context.fireUserInboundEventTriggered(event)
    }
    // A WebSocket ends with a close frame; without one it is lost, and what was asked before is answered.
    endBurst()
    flushIfNeeded()
    context.close(promise: nil)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if phase == .open { closeReason = "the connection failed: \(error)" }
    context.close(promise: nil)
  }

  // MARK: Receiving

  private func consume(_ bytes: UnsafeRawBufferPointer) {
    var input = bytes
    while phase == .open {
      switch decoder.next(&input, scratch: &loop.scratch) {
      case .needsBytes: return
      case .message(let kind, let payload, isCompressed: true): receiveCompressed(kind, payload)
      case .message(.text, let payload, isCompressed: false): receiver?.receive(text: payload)
      case .message(.binary, let payload, isCompressed: false): receiver?.receive(binary: payload)
      case .ping(let payload): pongs.writeFrame(.pong, payload)
      case .pong: break
      case .close(let code):
        // The echo has the peer's own code (RFC 6455, 5.5.1), or 1000 when it gave none (`wire/ws_close_close_empty`).
        endByPeer(
          code ?? .normal, reason: "the client closed with \(code.map { String($0.rawValue) } ?? "no code")")
      case .violation(let violation): refuse(violation)
      }
    }
  }

  private func receiveCompressed(_ kind: Outbox.Kind, _ payload: UnsafeRawBufferPointer) {
    switch compression?.expand(payload, limit: settings.mount.limits.maxMessageBytes) {
    case .message(let bytes):
      switch kind {
      case .text where !UTF8Validator.isValid(bytes): refuse(.textNotUTF8(at: UTF8Validator.fault(in: bytes)))
      case .text: receiver?.receive(text: bytes)
      case .binary: receiver?.receive(binary: bytes)
      }
    case .violation(let violation): refuse(violation)
    case nil: refuse(.reservedBits)
    }
  }

  private func refuse(_ violation: FrameViolation) {
    log(.info, "closing a WebSocket: \(violation)", violation.closeCode)
    endByPeer(violation.closeCode, reason: violation.description)
  }

  /// Ends the connection for something that the peer sent; what it asked for before is answered first.
  private func endByPeer(_ code: CloseCode, reason: String) {
    receiver?.readBurstEnded()
    guard phase == .open else { return }
    beginClosing(code, reason: reason)
    releaseReceiver()
  }

  // MARK: SocketTransport

  var isWritable: Bool { phase == .open && !isFull }

  /// Bytes accepted by `send` that the peer has not taken yet.
  var pendingBytes: Int { writer.waitingBytes + (context.map(SocketWriter.nioPendingBytes) ?? 0) }

  var heldBytes: Int {
    writer.heldBytes + decoder.heldBytes + (compression?.heldBytes ?? 0) + (receiver?.heldBytes ?? 0)
  }

  var sharedBytes: Int { writer.sharedBytes }

  func giveUp(_ reason: String) {
    log(.warning, "closing a WebSocket: \(reason)", .tryAgainLater)
    // Nothing more is read of a message that is begun.
    decoder.discard()
    if phase == .open, writer.waitingBytes <= SocketWriter.pieceBytes {
      beginClosing(.tryAgainLater, reason: reason, text: reason)
      releaseReceiver()
    } else {
      // A close frame would be the last of what this client does not read.
      if phase == .open { closeReason = reason }
      writer.removeAll(returningTo: loop.writeBuffers)
      context?.close(promise: nil)
    }
  }

  func send(_ outbox: inout Outbox) {
    guard phase == .open, !outbox.isEmpty else {
      outbox.removeAll()
      return
    }
    let hasRoom = hasRoom
    if hasRoom { write { $0.writeFrames(outbox, compression) } }
    outbox.removeAll()
    if !hasRoom { closeAsFull() }
  }

  func send(_ message: PreparedMessage) {
    guard phase == .open else { return }
    guard hasRoom else { return closeAsFull() }
    let (bytes, isCompressed) = message.frameBytes(compression)
    let opcode = message.kind == .text ? FrameOpcode.text : .binary
    if bytes.count < Self.minSharedBytes {
      write { buffer in bytes.withUnsafeBytes { buffer.writeFrame(opcode, $0, isCompressed: isCompressed) } }
    } else {
      write { $0.writeFrameHeader(opcode, count: bytes.count, isCompressed: isCompressed) }
      writer.write(bytes, with: loop.writeBuffers)
      noteFullness()
    }
  }

  /// A message below this size is copied for each connection that gets it, which costs less than to share it.
  private static let minSharedBytes = 4_096

  /// Whether more may be written for a client that is slow to read.
  private var hasRoom: Bool { isWritable || pendingBytes <= settings.mount.limits.maxOutboundBytes }

  private func closeAsFull() {
    let limit = settings.mount.limits.maxOutboundBytes
    close(.tryAgainLater, reason: "the client does not read: more than \(limit) bytes wait")
  }

  func close(_ code: CloseCode, reason: String) {
    guard phase == .open else { return }
    beginClosing(code, reason: reason, text: code.carriesReason ? reason : "")
    // Not from inside the receiver's own call.
    loop.eventLoop.assumeIsolated().execute { self.releaseReceiver() }
  }

  private func write(_ body: (inout ByteBuffer) -> Void) {
    if !writer.needsFlush { loop.flushAtEndOfTurn(self) }
    writer.write(with: loop.writeBuffers, body)
    noteFullness()
  }

  private func noteFullness() {
    if writer.roughlyPendingBytes >= settings.mount.limits.outboundHighWaterMark { isFull = true }
  }

  private func writePongs() {
    guard phase == .open, pongs.readableBytes > 0 else { return }
    write { $0.writeBuffer(&pongs) }
    pongs = ByteBuffer()
  }

  /// Hands what was written to the kernel.
  func flushIfNeeded() {
    guard writer.needsFlush else { return }
    flush()
  }

  private func flush() {
    guard let context else { return }
    if let piece = writer.flush(context, returningTo: loop.writeBuffers) {
      let taken = loop.eventLoop.makePromise(of: Void.self)
      taken.futureResult.assumeIsolated().whenComplete { self.pieceWasTaken($0) }
      context.writeAndFlush(Self.wrapOutboundOut(piece), promise: taken)
    }
    if abs(writer.waitingBytes - countedWaiting) >= MemoryAccount.granularity {
      countedWaiting = writer.waitingBytes
      loop.recount(self)
    }
    if isFull, pendingBytes <= settings.mount.limits.outboundLowWaterMark { becameWritable() }
    if closesOutput, writer.isIdle {
      closesOutput = false
      context.close(mode: .output, promise: nil)
    }
  }

  /// Goes on with what waits behind the piece that NIO had.
  private func pieceWasTaken(_ result: Result<Void, any Error>) {
    writer.pieceWasTaken()
    // A piece that failed belongs to a connection that NIO closes.
    if case .success = result { flush() }
  }

  // MARK: Ending

  /// Sends the close frame and closes our side of TCP after it.
  ///
  /// The peer's side is read until it closes too, so that TCP does not reset the connection and with it lose the
  /// frame, which it does when bytes are left unread.
  ///
  /// `reason` is for the log and the socket, `text` for the close frame.
  private func beginClosing(_ code: CloseCode, reason: String, text: String = "") {
    // Nothing may follow the close frame.
    writePongs()
    phase = .closing
    closeReason = reason
    quietTicks = 0
    write { $0.writeCloseFrame(code, reason: text) }
    closesOutput = true
    flushIfNeeded()
    resumeReading()
  }

  func holdReading() { readingIsHeld = true }

  func releaseReading() {
    readingIsHeld = false
    if isWritable { resumeReading() }
  }

  private func resumeReading() {
    guard readIsHeld, phase != .open || !readingIsHeld else { return }
    readIsHeld = false
    context?.read()
  }

  private func releaseReceiver() {
    guard let receiver else { return }
    self.receiver = nil
    receiver.transportClosed(reason: closeReason)
  }

  private func finish() {
    guard phase != .closed else { return }
    phase = .closed
    loop.remove(self)
    writer.removeAll(returningTo: loop.writeBuffers)
    context = nil
    releaseReceiver()
  }

  // MARK: LoopMember

  func tick() {
    quietTicks += 1
    switch phase {
    case .open:
      // It is not read from meanwhile: that it takes bytes is its sign of life.
      if isLate { return end(.policyViolation, reason: "a message did not arrive within message_timeout_ms") }
      let isSlow = !isWritable
      if isSlow { noteTakenBytes() }
      guard quietTicks > loop.ticks(settings.mount.limits.idleTimeout) else { return }
      if isSlow {
        end(.tryAgainLater, reason: "the client does not read: nothing was taken for the idle timeout")
      } else {
        end(.protocolError, reason: "the client sent nothing for the idle timeout")
      }
    case .closing:
      if quietTicks > loop.ticks(core.configuration.limits.closeTimeout) { context?.close(promise: nil) }
    case .closed: break
    }
  }

  /// Whether the message that is still to come has had its time. One that the server does not read has time.
  private var isLate: Bool {
    guard decoder.isInsideMessage, decoder.begun == messageAtTick, isWritable else {
      messageTicks = 0
      messageAtTick = decoder.begun
      return false
    }
    messageTicks += 1
    return messageTicks > loop.ticks(settings.mount.limits.messageTimeout)
  }

  private func noteTakenBytes() {
    let taken = writer.writtenBytes - pendingBytes
    if taken > takenBytes { quietTicks = 0 }
    takenBytes = taken
  }

  private func end(_ code: CloseCode, reason: String) {
    log(.info, "closing a WebSocket: \(reason)", code)
    beginClosing(code, reason: reason, text: code.carriesReason ? reason : "")
    releaseReceiver()
  }

  func shutDown(_ code: CloseCode, reason: String) {
    close(code, reason: reason)
  }

  func cutOff() {
    close(.serviceRestart, reason: "the server stops")
    context?.close(promise: nil)
  }

  private func log(_ level: Logger.Level, _ message: @autoclosure () -> String, _ code: CloseCode) {
    core.logger.log(
      level: level, "\(message())",
      metadata: ["code": "\(code.rawValue)", "peer": "\(context?.channel.remoteAddress?.hostText ?? "")"])
  }
}

extension CloseCode {
  /// Whether the close frame carries the reason. Phoenix sends none with its codes (`wire/ws_close_*`,
  /// `wire/text_notjson`); those that it never sends are ours to explain.
  var carriesReason: Bool {
    self == .policyViolation || self == .tryAgainLater || rawValue >= 3000
  }
}
