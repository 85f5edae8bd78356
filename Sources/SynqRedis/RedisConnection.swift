import NIOCore

/// One connection to Redis: greets, sends commands as they come, and gives each answer to who waits for it, in order.
///
/// Loop-bound: everything happens on the channel's event loop.
///
/// | phase | event | next |
/// | --- | --- | --- |
/// | greeting | the server's answers to HELLO (or AUTH), SELECT and PING are good | ready |
/// | greeting | one is an error | ended |
/// | ready | a command or a ping waits too long, the peer closes, bytes are not RESP | ended |
final class RedisConnection: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer
  typealias Answer = (Result<RESPValue, RedisError>) -> Void

  enum Phase {
    case greeting
    case ready
    case ended
  }

  /// What the connection tells its link.
  struct Events {
    var ready: () -> Void
    /// A message of a subscription, or a confirmation; not the answer to a command.
    var pushed: ([RESPValue]) -> Void
    /// Once, when the connection is of no more use.
    var ended: (RedisError) -> Void
  }

  private struct Waiting {
    var bytes: Int
    var since: NIODeadline
    var answer: Answer
  }

  private let configuration: RedisConfiguration
  private let events: Events
  /// With RESP2, subscription messages are arrays, which only this tells from answers.
  private let isForSubscriptions: Bool
  private(set) var phase = Phase.greeting
  private var parser = RESPParser()
  private var waiting = CircularBuffer<Waiting>()
  private var waitingBytes = 0
  private var context: ChannelHandlerContext?
  private var unsent: ByteBuffer?
  private var timer: Scheduled<Void>?

  init(_ configuration: RedisConfiguration, isForSubscriptions: Bool, _ events: Events) {
    self.configuration = configuration
    self.isForSubscriptions = isForSubscriptions
    self.events = events
  }

  // MARK: Commands

  /// Sends a command; `answer` is called once, with an error value as a success: Redis did answer.
  func send(_ command: RedisCommand, _ answer: @escaping Answer) {
    guard let context, phase != .ended else { return answer(.failure(.notConnected)) }
    guard waitingBytes == 0 || waitingBytes + command.bytes.count <= configuration.maxWaitingBytes else {
      return answer(.failure(.overloaded))
    }
    waitingBytes += command.bytes.count
    waiting.append(Waiting(bytes: command.bytes.count, since: context.eventLoop.now, answer: answer))
    write(command, context)
  }

  /// Sends a command whose answer comes as a push: SUBSCRIBE and UNSUBSCRIBE.
  func sendUnanswered(_ command: RedisCommand) {
    if let context, phase != .ended { write(command, context) }
  }

  /// What is written in one turn of the loop goes out with one system call.
  private func write(_ command: RedisCommand, _ context: ChannelHandlerContext) {
    if unsent == nil {
      unsent = context.channel.allocator.buffer(capacity: command.bytes.count)
      context.eventLoop.assumeIsolated().execute { [weak self] in self?.flush() }
    }
    unsent?.writeBytes(command.bytes)
  }

  private func flush() {
    guard let context, phase != .ended, let buffer = unsent.take() else { return }
    context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
  }

  // MARK: Greeting

  private func greet() {
    var arguments: [RedisCommand.Argument] = ["3"]
    if let password = configuration.url.password {
      arguments += ["AUTH", .string(configuration.url.user ?? "default"), .string(password)]
    }
    ask(RedisCommand("HELLO", arguments)) { [unowned self] greeting in
      if case .error(let text) = greeting {
        // A server before Redis 6 or a proxy knows the older protocol alone.
        guard text.hasPrefix("NOPROTO") || text.hasPrefix("ERR unknown command") else {
          return end(.refused(text))
        }
        return authenticate()
      }
      if greeting["role"]?.text == "replica" { return end(.readOnly) }
      if let version = greeting["version"]?.text, Self.isTooOld(version) { return end(.tooOld(version)) }
      select()
    }
  }

  private func authenticate() {
    guard let password = configuration.url.password else { return select() }
    let names = configuration.url.user.map { [RedisCommand.Argument.string($0)] } ?? []
    askForSuccess(RedisCommand("AUTH", names + [.string(password)])) { [unowned self] in select() }
  }

  private func select() {
    guard configuration.url.database != 0 else { return pingOnce() }
    let command = RedisCommand("SELECT", .integer(Int64(configuration.url.database)))
    askForSuccess(command) { [unowned self] in pingOnce() }
  }

  /// A server that still loads its data answers everything before this.
  private func pingOnce() {
    askForSuccess(RedisCommand("PING")) { [unowned self] in
      phase = .ready
      events.ready()
    }
  }

  private func askForSuccess(_ command: RedisCommand, _ next: @escaping () -> Void) {
    ask(command) { [unowned self] value in
      if case .error(let text) = value { end(.refused(text)) } else { next() }
    }
  }

  private func ask(_ command: RedisCommand, _ next: @escaping (RESPValue) -> Void) {
    send(command) { result in if case .success(let value) = result { next(value) } }
  }

  static func isTooOld(_ version: String) -> Bool {
    let parts = version.split(separator: ".").compactMap { Int($0) }
    return parts.count >= 2 && (parts[0], parts[1]) < (6, 2)
  }

  // MARK: Answers

  private func take(_ value: RESPValue) {
    switch value {
    case .push(let elements): events.pushed(elements)
    case .array(let elements) where isForSubscriptions && Self.isOfSubscription(elements):
      events.pushed(elements)
    case .error(let text) where text.hasPrefix("READONLY"): end(.readOnly)
    case .string, .integer, .null, .error, .array:
      guard let first = waiting.popFirst() else {
        return end(.connectionLost("an answer came that nobody waits for"))
      }
      waitingBytes -= first.bytes
      first.answer(.success(value))
    }
  }

  private static func isOfSubscription(_ elements: [RESPValue]) -> Bool {
    ["message", "subscribe", "unsubscribe"].contains(elements.first?.text)
  }

  // MARK: Life

  private func startTimer(_ context: ChannelHandlerContext) {
    // The answer is looked for four times as often as it may take: a dead peer is seen at most a quarter late.
    let interval = min(configuration.pingInterval, .nanoseconds(configuration.answerTimeout.nanoseconds / 4))
    var nextPing = context.eventLoop.now + configuration.pingInterval
    func tick() {
      guard phase != .ended, let context = self.context else { return }
      let now = context.eventLoop.now
      if let oldest = waiting.first, now - oldest.since >= configuration.answerTimeout {
        return end(.connectionLost("no answer for \(configuration.answerTimeout.nanoseconds / 1_000_000) ms"))
      }
      if now >= nextPing {
        nextPing = now + configuration.pingInterval
        if waiting.isEmpty { send(RedisCommand("PING")) { _ in } }
      }
      timer = context.eventLoop.assumeIsolated().scheduleTask(in: interval) { tick() }
    }
    timer = context.eventLoop.assumeIsolated().scheduleTask(in: interval) { tick() }
  }

  /// Ends the connection: who waits for an answer is told, and the link, once.
  func end(_ error: RedisError) {
    guard phase != .ended else { return }
    phase = .ended
    timer?.cancel()
    let lost = RedisError.connectionLost(error.description)
    while let first = waiting.popFirst() { first.answer(.failure(lost)) }
    waitingBytes = 0
    unsent = nil
    context?.close(promise: nil)
    context = nil
    events.ended(error)
  }

  func channelActive(context: ChannelHandlerContext) {
    // The link was closed while this connection was made.
    guard phase != .ended else { return context.close(promise: nil) }
    self.context = context
    startTimer(context)
    greet()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard phase != .ended else { return }
    parser.append(unwrapInboundIn(data).readableBytesView)
    do throws(RESPParser.Malformed) {
      while phase != .ended, let value = try parser.next() { take(value) }
    } catch {
      end(.connectionLost("what came is not RESP: \(error.reason)"))
    }
  }

  func channelInactive(context: ChannelHandlerContext) { end(.connectionLost("the peer closed it")) }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    end(.connectionLost("\(error)"))
  }
}
