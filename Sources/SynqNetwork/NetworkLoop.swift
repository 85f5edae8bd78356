import NIOCore
import NIOPosix
import SynqJSON
import SynqWebSocket
import SynqWire

/// A connection that its loop wakes now and then.
protocol LoopMember: AnyObject {
  /// Its place in the loop's list; only the loop touches it.
  var loopIndex: Int? { get set }
  /// One `NetworkLoop.tick` has passed.
  func tick()
  /// The server closes: end with this code.
  func shutDown(_ code: CloseCode, reason: String)
  /// Bytes that its peer has not taken yet.
  var pendingBytes: Int { get }
  /// Ends now, whatever its peer does.
  func cutOff()
  /// What it is counted with; only the loop touches it.
  var account: MemoryAccount { get set }
  /// About how much memory is held for its client beside what every connection costs.
  var heldBytes: Int { get }
  /// How much of what waits to be sent is shared with others.
  var sharedBytes: Int { get }
  /// The memory for clients is used up: end, and give back what is held.
  func giveUp(_ reason: String)
}

extension LoopMember {
  var sharedBytes: Int { 0 }
}

/// What the connections of one event loop share: buffers, and one timer instead of one per connection.
///
/// Unchecked: every member is used on `eventLoop` only.
final class NetworkLoop: @unchecked Sendable {
  let eventLoop: any EventLoop
  /// The length of a tick; time-outs are counted in ticks, so that a read costs no look at the clock.
  let tickLength: TimeAmount
  /// Where payloads are unmasked that are there whole.
  var scratch = UnsafeMessageBuffer()
  let readBuffer = SharedReadBuffer()
  let writeBuffers: WriteBuffers
  private let budget: MemoryBudget
  /// Called when what is held is over a limit.
  var memoryIsShort: () -> Void = {}
  /// Ticks until the system gets pages back that a spike has left.
  private var ticksToTrim = 0
  let compression = SharedCompression()

  private var members: [any LoopMember] = []
  private var ticker: Scheduled<Void>?
  private var unflushed: [WebSocketConnection] = []
  private var flushing: [WebSocketConnection] = []
  private var whenEmpty: [EventLoopPromise<Void>] = []
  /// Threads that will come back to this loop, which must not end before.
  private var awaitedThreads = 0
  /// What members that come now are closed with, once the server closes.
  private var closing: (code: CloseCode, reason: String)?

  init(_ eventLoop: any EventLoop, tickLength: TimeAmount, budget: MemoryBudget) {
    self.eventLoop = eventLoop
    self.tickLength = tickLength
    self.budget = budget
    writeBuffers = WriteBuffers(budget)
  }

  /// How many ticks a time-out of `time` is, rounded up, so that it never comes early.
  func ticks(_ time: TimeAmount) -> UInt32 {
    let ticks = (max(time.nanoseconds, 1) - 1) / tickLength.nanoseconds
    return UInt32(clamping: min(ticks, Int64(UInt32.max)) + 2)
  }

  // MARK: Flushing

  /// Flushes a connection once all that is due in this turn of the loop is done: the connections that were readable,
  /// callbacks that came back, broadcasts.
  ///
  /// What one connection is sent meanwhile costs one system call. And writes that follow one another find a busy peer
  /// awake; with work between them, each pays for waking it.
  func flushAtEndOfTurn(_ connection: WebSocketConnection) {
    unflushed.append(connection)
    guard unflushed.count == 1 else { return }
    eventLoop.execute {
      // Two lists take turns: a flush may lead to writes.
      swap(&self.unflushed, &self.flushing)
      for connection in self.flushing { connection.flushIfNeeded() }
      self.flushing.removeAll(keepingCapacity: true)
    }
  }

  // MARK: Members

  var memberCount: Int { members.count }

  func add(_ member: any LoopMember) {
    eventLoop.assertInEventLoop()
    member.loopIndex = members.count
    members.append(member)
    recount(member)
    if ticker == nil { scheduleTick() }
    guard let closing else { return }
    // Not inside its own making.
    eventLoop.assumeIsolated().execute { member.shutDown(closing.code, reason: closing.reason) }
  }

  func remove(_ member: any LoopMember) {
    eventLoop.assertInEventLoop()
    guard let index = member.loopIndex else { return }
    member.loopIndex = nil
    _ = budget.add(-member.account.counted, for: member.account.address)
    member.account.counted = 0
    let last = members.removeLast()
    if last !== member {
      members[index] = last
      last.loopIndex = index
    }
    guard members.isEmpty else { return }
    ticker?.cancel()
    ticker = nil
    reportIfEmpty()
  }

  private var isEmpty: Bool { members.isEmpty && awaitedThreads == 0 }

  private func reportIfEmpty() {
    guard isEmpty else { return }
    let waiting = whenEmpty
    whenEmpty = []
    waiting.forEach { $0.succeed() }
  }

  /// Does `work` on a thread that may block, and calls `completion` back here; the loop does not end before.
  func runOnThread<Value: Sendable>(
    _ work: @escaping @Sendable () throws -> Value,
    _ completion: @escaping (Result<Value, any Error>) -> Void
  ) {
    awaitedThreads += 1
    NIOThreadPool.singleton.runIfActive(eventLoop: eventLoop, work).assumeIsolated().whenComplete { result in
      completion(result)
      self.awaitedThreads -= 1
      self.reportIfEmpty()
    }
  }

  // MARK: Memory

  /// What each connection costs beside what it holds.
  static let connectionBytes = 4_096

  /// Counts what a member holds now.
  func recount(_ member: any LoopMember) {
    guard member.loopIndex != nil else { return }
    let held = Self.connectionBytes + member.heldBytes
    let delta = held - member.account.counted
    member.account.moved = 0
    guard delta != 0 else { return }
    member.account.counted = held
    if !budget.add(delta, for: member.account.address) { memoryIsShort() }
  }

  /// Counts what a member holds, if enough has come or gone since that was done.
  func note(_ bytes: Int, movedBy member: any LoopMember) {
    member.account.moved += bytes
    if member.account.moved >= MemoryAccount.granularity { recount(member) }
  }

  /// The members that hold most, at least `minBytes`.
  func largestHolders(_ count: Int, minBytes: Int, index: Int) -> [MemoryShedder.Holder] {
    let holders = members.compactMap { member -> MemoryShedder.Holder? in
      recount(member)
      let bytes = member.account.counted + member.sharedBytes
      guard bytes >= minBytes else { return nil }
      return MemoryShedder.Holder(
        bytes: bytes, address: member.account.address, loop: index, id: ObjectIdentifier(member))
    }
    return Array(holders.sorted { $0.bytes > $1.bytes }.prefix(count))
  }

  /// Ends members because of what they hold.
  func shed(_ ids: Set<ObjectIdentifier>) {
    for member in members where ids.contains(ObjectIdentifier(member)) {
      let held = (member.account.counted + member.sharedBytes + 999_999) / 1_000_000
      member.giveUp("the memory for clients is used up (max_memory_mb), and this one holds \(held) MB")
      recount(member)
    }
  }

  /// A spike that is over by this is given back to the system.
  private static let spikeBytes = 16 << 20

  /// glibc keeps the pages between what is still used, and takes new ones for the next spike.
  private func giveBackSpike() {
    if budget.takeSpike(atLeast: Self.spikeBytes) { ticksToTrim = 5 }
    guard ticksToTrim > 0 else { return }
    ticksToTrim -= 1
    // At once, and again when callbacks and closing connections have let go too.
    if ticksToTrim == 4 || ticksToTrim == 0 { NIOThreadPool.singleton.submit { _ in HeapTrim.run() } }
  }

  /// Closes all members: `batch` at once, as many again after each `pause`. Those to which all was sent have the time of
  /// `linger` to close their side.
  func shutDown(_ code: CloseCode, reason: String, batch: Int, pause: TimeAmount, linger: TimeAmount) {
    closing = (code, reason)
    shutDown(members[...], batch: batch, pause: pause, linger: linger)
  }

  private func shutDown(
    _ rest: ArraySlice<any LoopMember>, batch: Int, pause: TimeAmount, linger: TimeAmount
  ) {
    guard let closing else { return }
    let told = rest.prefix(batch)
    for member in told where member.loopIndex != nil {
      member.shutDown(closing.code, reason: closing.reason)
    }
    let timer = eventLoop.assumeIsolated()
    timer.scheduleTask(in: linger) {
      for member in told where member.loopIndex != nil && member.pendingBytes == 0 { member.cutOff() }
    }
    let later = rest.dropFirst(batch)
    guard !later.isEmpty else { return }
    timer.scheduleTask(in: pause) { self.shutDown(later, batch: batch, pause: pause, linger: linger) }
  }

  /// Ends all members without waiting for their peers.
  func cutOff() {
    for member in members where member.loopIndex != nil { member.cutOff() }
  }

  /// Completes when no member is left, and no thread that is to come back.
  func becomesEmpty() -> EventLoopFuture<Void> {
    let promise = eventLoop.makePromise(of: Void.self)
    if isEmpty { promise.succeed() } else { whenEmpty.append(promise) }
    return promise.futureResult
  }

  private func scheduleTick() {
    ticker = eventLoop.assumeIsolated().scheduleTask(in: tickLength) { self.tick() }
  }

  private func tick() {
    scheduleTick()
    // A member that leaves during its tick moves the last one into its place: walk from the end.
    var index = members.count
    while index > 0 {
      index -= 1
      guard index < members.count else { continue }
      members[index].tick()
      // Most are idle, and hold nothing.
      if index < members.count, members[index].account.mayHold { recount(members[index]) }
    }
    giveBackSpike()
    if members.isEmpty {
      ticker?.cancel()
      ticker = nil
    }
  }
}

extension ByteBuffer {
  /// Appends a frame for each message of an outbox.
  mutating func writeFrames(_ outbox: borrowing Outbox, _ compression: MessageCompression?) {
    reserveCapacity(minimumWritableBytes: outbox.bytes.count + outbox.marks.count * 10)
    outbox.forEachMessage { kind, bytes in
      let opcode = kind == .text ? FrameOpcode.text : .binary
      if let compressed = compression?.compress(bytes) {
        writeFrame(opcode, compressed, isCompressed: true)
      } else {
        writeFrame(opcode, bytes)
      }
    }
  }

  /// Appends one unmasked, final frame (RFC 6455, section 5.2).
  mutating func writeFrame(
    _ opcode: FrameOpcode, _ payload: UnsafeRawBufferPointer, isCompressed: Bool = false
  ) {
    writeFrameHeader(opcode, count: payload.count, isCompressed: isCompressed)
    writeBytes(payload)
  }

  /// Appends the header of such a frame with `count` bytes of payload.
  mutating func writeFrameHeader(_ opcode: FrameOpcode, count: Int, isCompressed: Bool) {
    let first = (isCompressed ? 0xC0 : 0x80) | opcode.rawValue
    switch count {
    case 0...125: writeMultipleIntegers(first, UInt8(count))
    case 126...0xFFFF: writeMultipleIntegers(first, UInt8(126), UInt16(count))
    default: writeMultipleIntegers(first, UInt8(127), UInt64(count))
    }
  }

  /// Appends a close frame; the reason is cut to what a control frame holds.
  mutating func writeCloseFrame(_ code: CloseCode, reason: String) {
    var payload = ByteBuffer()
    payload.writeInteger(code.rawValue)
    var room = 123
    for character in reason.unicodeScalars {
      room -= UTF8.width(character)
      guard room >= 0 else { break }
      payload.writeString(String(character))
    }
    payload.withUnsafeReadableBytes { writeFrame(.close, $0) }
  }
}
