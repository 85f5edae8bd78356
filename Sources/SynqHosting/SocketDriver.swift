import Logging
import NIOCore
import SynqChannels
import SynqJSON
import SynqWire
import Synchronization

/// Joins one socket's engine to its transport and to the host's callbacks: carries out what the engine asks for.
///
/// `@unchecked Sendable`: everything but `post` and `nextDeferredReply` is touched on the loop's thread only.
package final class SocketDriver: SocketReceiver, ContextOwner, @unchecked Sendable {
  let info: SocketInfo
  let loop: ServerLoop
  let workerShare = WorkerShare()
  /// Those of the engine, for any thread.
  let limits: SocketLimits
  unowned let hub: ChannelHub
  /// The hub's: asked for with each message, and a way through it costs more than the counting.
  private let stats: ServerStats
  private let transport: any SocketTransport
  private(set) var engine: SocketEngine
  private let jsonLimits: JSONLimits
  /// Whether the engine has rates to watch.
  private let needsTime: Bool
  let logger: Logger
  private(set) var contexts: [ChannelKey: ChannelContext] = [:]
  /// Topics beside its own that a channel subscribed to.
  private var subscriptions: [ChannelKey: Set<Topic>] = [:]
  private var timers: [ChannelKey: [UInt64: ChannelTimer]] = [:]
  private var life = Life.open
  /// Whether the engine is at work: what the transport reports meanwhile waits for the loop's next turn.
  private var isEntered = false
  private var isReadingHeld = false
  /// How many messages that wait are in the statistics.
  private var countedMessages = 0
  private let deferredReplies = Atomic<UInt32>(0)

  private enum Life {
    case open
    /// The close frame is on its way, or the drain runs.
    case closing
    /// The transport is gone; channels may still end.
    case lost
    case finished
  }

  init(
    hub: ChannelHub, loop: ServerLoop, transport: any SocketTransport, engine: consuming SocketEngine,
    jsonLimits: JSONLimits,
    info: SocketInfo
  ) {
    self.hub = hub
    stats = hub.stats
    self.loop = loop
    self.transport = transport
    limits = engine.limits
    needsTime =
      engine.limits.maxMessagesPerSecond > 0 || engine.limits.maxJoinsPerSecond > 0 || hub.hasPauses
    self.engine = engine
    self.jsonLimits = jsonLimits
    logger = hub.logger
    self.info = info
    loop.add(self)
  }

  // MARK: Any thread

  var presences: PresenceDirectory { hub.presences }
  func metrics(of spec: ChannelSpec) -> CallbackMetrics? { hub.metrics(of: spec) }

  /// `post` in two steps; see `ServerLoop.enqueue`.
  func enqueue(_ message: LoopMessage) -> Bool { loop.enqueue(message) }

  func wake() { loop.wake() }

  func releaseOnHostThread(_ body: @escaping @Sendable () -> Void) { loop.delivery.release(body) }

  func nextDeferredReply() -> DeferredReply {
    DeferredReply(rawValue: deferredReplies.wrappingAdd(1, ordering: .relaxed).newValue)
  }

  // MARK: From the transport

  /// Hands a text message to the engine; what it answers is sent when the burst ends.
  package func receive(text: UnsafeRawBufferPointer) {
    guard life == .open else { return }
    stats.messagesIn.add()
    work { $0.receive(text: text, limits: jsonLimits, into: &$1) }
    received()
  }

  /// Hands a binary message to the engine likewise.
  package func receive(binary: UnsafeRawBufferPointer) {
    guard life == .open else { return }
    stats.messagesIn.add()
    work { $0.receive(binary: binary, limits: jsonLimits, into: &$1) }
    received()
  }

  /// What a burst is answered goes out together, but not beyond what one write should be.
  private func received() {
    if loop.output.outbox.bytes.count >= SocketEngine.fullOutbox { return settle() }
    if !loop.output.outbox.isEmpty { loop.writer = self }
  }

  package func readBurstEnded() { settle() }

  /// What waits in the channels, and what their callbacks work on.
  package var heldBytes: Int { engine.heldBytes }

  /// Sends the states that changed while the client did not read.
  package func transportBecameWritable() {
    guard life == .open, !isEntered else { return }
    enter { $0.encodeStates(into: &$1) }
  }

  /// Ends the channels; the driver goes when the last has ended.
  package func transportClosed(reason: String) {
    guard life == .open || life == .closing else { return }
    guard !isEntered else { return loop.eventLoop.execute { self.transportClosed(reason: reason) } }
    life = .lost
    stats.connections.subtract()
    hub.logger.debug("the connection is closed", metadata: ["peer": "\(info.peer)", "reason": "\(reason)"])
    enter { $0.connectionLost(into: &$1) }
    guard life == .lost, engine.handlesLastEvents else { return }
    loop.eventLoop.assumeIsolated().scheduleTask(in: Self.timeForLastEvents) { [weak self] in
      self?.enter { $0.giveUpEvents(into: &$1) }
    }
  }

  /// How long events that came before the end of their connection may take, deferred ones included.
  private static let timeForLastEvents = TimeAmount.seconds(5)

  // MARK: From the loop

  func completed(_ invocation: Invocation, _ outcome: Outcome, of context: ChannelContext) {
    takeSharedState(after: invocation, of: context)
    enter { $0.complete(invocation, outcome, into: &$1) }
    endUpdate(invocation, outcome)
  }

  /// What the callback changed of its topic is known to this loop before the client gets its reply and its state.
  private func takeSharedState(after invocation: Invocation, of context: ChannelContext) {
    guard let topic = context.sharedTopic, invocation.cause.needsTurn, life != .finished else { return }
    if case .initialize = invocation.cause {
      let follower = loop.follower(of: topic)
      follower.insert(context)
      follower.pull()
      engine.follow(follower.state, on: context.key)
    } else {
      loop.existingFollower(of: topic)?.pull()
    }
  }

  private func endUpdate(_ invocation: Invocation, _ outcome: Outcome) {
    guard case .update(let update) = invocation.cause else { return }
    var error: HostError?
    if case .crashed(let cause, _) = outcome { error = HostError(.invalidArgument, "update: \(cause)") }
    hub.end(update, error, isOnCallbackThread: false)
  }

  /// Runs a function of the program's in the channel's order.
  func update(_ update: any ContextUpdate, of context: ChannelContext) {
    var isTaken = false
    enter { isTaken = $0.update(context.key, update, into: &$1) }
    if !isTaken { hub.end(update, .channelClosed, isOnCallbackThread: false) }
  }

  /// Tells the client what has changed of what its topic shares.
  func advance(_ context: ChannelContext) {
    guard life == .open else { return }
    claimOutbox()
    if needsTime { engine.now = loop.eventLoop.now.uptimeNanoseconds }
    engine.isWritable = transport.isWritable
    while true {
      switch engine.step(context.key, into: &loop.output) {
      case .none: return finishAdvance()
      case .message(let message):
        send(message)
        engine.isWritable = transport.isWritable
      case .written: continue
      }
    }
  }

  private func finishAdvance() {
    guard !loop.output.actions.isEmpty || !loop.output.outbox.isEmpty else { return }
    isEntered = true
    carryOutActions()
    isEntered = false
    settle()
  }

  func perform(_ effects: [Effect], of context: ChannelContext) {
    guard contexts[context.key] === context else { return tellOthers(effects, of: context) }
    enter { $0.perform(effects, of: context.key, into: &$1) }
  }

  /// The channel ended while the effects were on their way. The program was told that they are carried out, so whoever else they
  /// are for gets them.
  private func tellOthers(_ effects: [Effect], of context: ChannelContext) {
    for effect in effects {
      switch effect {
      case .broadcast(let event, let payload, _):
        hub.broadcast(topic: context.topic, event: event, payload: payload, except: nil)
      case .publish(let message, let payload, let key, _):
        hub.publish(topic: context.topic, message: message, payload: payload, key: key)
      case .push, .send, .sendAfter, .cancelTimer, .subscribe, .unsubscribe, .presenceState: break
      }
    }
  }

  func reply(_ deferred: DeferredReply, _ response: Response, of context: ChannelContext) {
    enter { _ = $0.reply(deferred, response, of: context.key, into: &$1) }
  }

  func stop(_ context: ChannelContext, _ reason: CloseReason) {
    enter { $0.stop(context.key, reason: reason, into: &$1) }
  }

  func crash(_ context: ChannelContext, cause: String, code: Int32?) {
    enter { $0.crash(context.key, cause: cause, code: code, into: &$1) }
  }

  func deliver(_ message: HostMessage, to context: ChannelContext) {
    enter { $0.deliver(message, to: context.key, into: &$1) }
  }

  func deliver(broadcast: inout EncodedBroadcast, to context: ChannelContext) {
    switch engine.target(ofBroadcast: broadcast.event, topic: broadcast.topic, at: context.key) {
    case .client:
      guard life == .open else { return }
      switch broadcast.message(for: engine.wireSerializer) {
      case .success(let message): send(message)
      case .failure(let fault):
        hub.logger.warning(
          "a broadcast was dropped: \(fault.reason)", metadata: ["topic": "\(broadcast.topic)"])
      }
    case .callback: deliver(broadcast.intercept(), to: context)
    case .nowhere: break
    }
  }

  /// Closes the connection for its id's sake; clients come back and are asked again.
  func disconnect() { close(.goingAway, reason: "") }

  func drain() {
    guard life == .open else { return }
    enter { $0.drain(reason: .draining, into: &$1) }
  }

  /// The deadline passed: nothing is waited for any more.
  func cutOff() {
    if life == .open || life == .closing { transport.close(.serviceRestart, reason: "") }
    life = .finished
    stats.queuedMessages.add(-countedMessages)
    countedMessages = 0
    for context in contexts.values {
      cancelTimers(of: context.key)
      context.end()
      leaveSharedTopic(context)
    }
    contexts = [:]
  }

  /// Lets the engine work, carries out what it asks for and sends what it wrote.
  func enter(_ body: (inout SocketEngine, inout EngineOutput) -> Void) {
    guard life != .finished else { return }
    work(body)
    settle()
  }

  /// Sends what was written, and the states that waited for room in the outbox.
  private func settle() {
    send()
    while engine.hasWaitingStates, life == .open, transport.isWritable {
      work { $0.encodeStates(into: &$1) }
      guard !loop.output.outbox.isEmpty else { return }
      send()
    }
  }

  /// The outbox is the loop's: what another socket's burst left in it goes to that socket first.
  private func claimOutbox() {
    guard let writer = loop.writer, writer !== self else { return }
    writer.send()
  }

  /// Lets the engine work and carries out what it asks for; what it wrote stays in the outbox.
  private func work(_ body: (inout SocketEngine, inout EngineOutput) -> Void) {
    claimOutbox()
    isEntered = true
    defer { isEntered = false }
    if needsTime { engine.now = loop.eventLoop.now.uptimeNanoseconds }
    engine.isWritable = life == .open && transport.isWritable
    body(&engine, &loop.output)
    carryOutActions()
    noteQueuedMessages()
  }

  /// Counts what waits for the channels of this socket.
  private func noteQueuedMessages() {
    let queued = engine.queuedMessages
    guard queued != countedMessages else { return }
    stats.queuedMessages.add(queued - countedMessages)
    countedMessages = queued
  }

  /// A message of this socket went to a topic whose members may not keep up: then it is slowed down.
  private func sentToTopic() {
    guard !isReadingHeld, life == .open, hub.isBehind else { return }
    loop.hold(self)
  }

  func holdReading() {
    isReadingHeld = true
    transport.holdReading()
  }

  func releaseReading() {
    isReadingHeld = false
    if life == .open { transport.releaseReading() }
  }

  // MARK: Carrying out

  private func send() {
    loop.writer = nil
    guard !loop.output.outbox.isEmpty else { return }
    if life == .lost || life == .finished {
      loop.output.outbox.removeAll()
      return
    }
    stats.messagesOut.add(loop.output.outbox.marks.count)
    stats.bytesOut.add(loop.output.outbox.bytes.count)
    isEntered = true
    transport.send(&loop.output.outbox)
    isEntered = false
  }

  /// Sends a message that other clients get too, behind what was written for this one before.
  func send(_ message: PreparedMessage) {
    claimOutbox()
    send()
    guard life == .open || life == .closing else { return }
    stats.messagesOut.add(1)
    stats.bytesOut.add(message.bytes.count)
    isEntered = true
    transport.send(message)
    isEntered = false
  }

  private func close(_ code: CloseCode, reason: String) {
    guard life == .open else { return }
    send()
    life = .closing
    transport.close(code, reason: reason)
  }

  /// Carries out the engine's actions in order; inline callbacks add to them meanwhile.
  private func carryOutActions() {
    while let action = loop.output.actions.popFirst() { carryOut(action) }
  }

  private func carryOut(_ action: Action) {
    switch action {
    case .invoke(let invocation): invoke(invocation)
    case .joined(let key):
      guard let context = context(of: key) else { return }
      stats.channels.add()
      loop.subscribe(context, to: context.topic)
    case .closing(let key):
      guard let invocation = contexts[key]?.abandonDeferred() else { return }
      engine.complete(invocation, invocation.cause.outcomeWhenAbandoned, into: &loop.output)
    case .ended(let key): forget(key)
    case .subscribe(let key, let topic):
      guard let context = contexts[key], !topic.hasSameBytes(as: context.topic) else { return }
      subscriptions[key, default: []].insert(Topic(topic))
      loop.subscribe(context, to: topic)
    case .unsubscribe(let key, let topic):
      guard let context = contexts[key], subscriptions[key]?.remove(Topic(topic)) != nil else { return }
      loop.unsubscribe(context, from: topic)
    case .broadcast(let topic, let event, let payload, let except):
      hub.broadcast(topic: topic, event: event, payload: payload, except: except.flatMap { contexts[$0] })
      sentToTopic()
    case .publish(let topic, let message, let payload, let key, let except):
      hub.publish(
        topic: topic, message: message, payload: payload, key: key, except: except.flatMap { contexts[$0] })
      sentToTopic()
    case .sendAfter(let key, let delay, let message): sendAfter(key, delay, message)
    case .cancelTimer(let key, let number):
      if let timer = timers[key]?.removeValue(forKey: number) { loop.timers.cancel(timer) }
    case .presenceState(let key):
      if let context = contexts[key] { hub.presences.requestState(context) }
    case .pauseState(let key, let nanoseconds): pauseState(key, .nanoseconds(Int64(clamping: nanoseconds)))
    case .dropped(let update): hub.end(update, .channelClosed, isOnCallbackThread: false)
    case .close(let code, let reason): close(code, reason: reason)
    case .finished: finish()
    case .log(let entry): log(entry)
    }
  }

  private func invoke(_ invocation: Invocation) {
    guard let context = context(of: invocation.channel) else { return }
    context.begin(invocation)
    stats.callbacks.add()
    if let topic = context.sharedTopic, invocation.cause.needsTurn {
      let call = SharedTopic.Call(context: context, invocation: invocation)
      guard topic.request(call, invocation.cause.needOfTopic) else { return }
    }
    if hub.delivery.isInline || context.host.neverBlocks {
      guard let outcome = context.runInline(invocation) else { return }
      takeSharedState(after: invocation, of: context)
      engine.complete(invocation, outcome, into: &loop.output)
      endUpdate(invocation, outcome)
    } else {
      loop.submit(.channel(context, invocation))
    }
  }

  /// The channel as its host sees it; made when it is first asked for, nil once the channel has ended.
  private func context(of key: ChannelKey) -> ChannelContext? {
    if let context = contexts[key] { return context }
    guard let (spec, topic, joinRef) = engine.origin(of: key) else { return nil }
    let context = ChannelContext(
      key: key, topic: topic, joinRef: joinRef, spec: spec, info: info, host: hub.hosts[spec.index],
      driver: self, sharedTopic: hub.sharedTopic(topic, spec))
    contexts[key] = context
    return context
  }

  private func sendAfter(_ key: ChannelKey, _ delay: Duration, _ message: HostMessage) {
    guard let context = contexts[key] else { return }
    let timer = loop.timers.schedule(message, for: context, in: TimeAmount(clamping: delay))
    timers[key, default: [:]][message.timer] = timer
  }

  /// Takes a delayed message that is due.
  func timerIsDue(_ message: HostMessage, of context: ChannelContext) {
    timers[context.key]?[message.timer] = nil
    context.timerEnded(message.timer)
    deliver(message, to: context)
  }

  private func cancelTimers(of key: ChannelKey) {
    for timer in timers.removeValue(forKey: key)?.values ?? [:].values { loop.timers.cancel(timer) }
  }

  private func forget(_ key: ChannelKey) {
    guard let context = contexts.removeValue(forKey: key) else { return }
    if loop.unsubscribe(context, from: context.topic) { stats.channels.subtract() }
    cancelTimers(of: key)
    for topic in subscriptions.removeValue(forKey: key) ?? [] { loop.unsubscribe(context, from: topic.text) }
    context.end()
    leaveSharedTopic(context)
  }

  /// Every channel has ended.
  private func finish() {
    switch life {
    case .open: close(.serviceRestart, reason: "")
    case .lost:
      life = .finished
      loop.remove(self)
    case .closing, .finished: break
    }
  }

  private func pauseState(_ key: ChannelKey, _ time: TimeAmount) {
    loop.eventLoop.assumeIsolated().scheduleTask(in: time) { [weak self] in
      self?.enter { $0.endPause(key, into: &$1) }
    }
  }

  private func leaveSharedTopic(_ context: ChannelContext) {
    guard let topic = context.sharedTopic else { return }
    loop.unfollow(topic, context)
    topic.leave()
  }

  private func log(_ entry: LogEntry) {
    if entry.kind == .crash { stats.crashes.add() }
    hub.log(entry, peer: info.peer)
  }
}

extension Invocation.Cause {
  /// What a callback of a channel needs its topic to be.
  fileprivate var needOfTopic: TopicTurn<SharedTopic.Call>.Need {
    switch self {
    case .initialize: .opens
    case .beforeClose: .asItIs
    case .authorize, .event, .message, .newState, .updateState, .update, .openTopic, .closeTopic: .onlyIfOpen
    }
  }
}
