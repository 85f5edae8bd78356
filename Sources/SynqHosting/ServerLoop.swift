import NIOCore
import SynqChannels
import SynqJSON
import SynqWire
import Synchronization

/// What reaches an event loop from other threads, or from another socket of its own.
enum LoopMessage: Sendable {
  /// A callback is done.
  case completed(ChannelContext, Invocation, Outcome)
  /// A callback has got its topic's turn and runs on this loop.
  case run(ChannelContext, Invocation)
  /// What the loop's channels of a topic share has changed.
  case follow(TopicFollower)
  /// Workers may be blocked.
  case watchWorkers
  /// A function of the program's that is to run in a channel's order.
  case update(ChannelContext, any ContextUpdate)
  /// A host asked outside of a callback.
  case effects(ChannelContext, [Effect])
  case reply(ChannelContext, DeferredReply, Response)
  case stop(ChannelContext, CloseReason)
  case crash(ChannelContext, cause: String, code: Int32?)
  /// The channel's client is to get `presence_state`.
  case presenceState(ChannelContext)
  /// For every socket of the loop. Without a hold it is counted nowhere, and never dropped.
  case broadcast(topic: String, event: String, payload: Payload, except: ChannelContext?, TopicHold?)
  case publish(
    topic: String, message: String, payload: JSON, key: String?, except: ChannelContext?, TopicHold)
  case disconnect(id: String)
  case drain(DrainPace)
  /// Ends a drain's pauses.
  case hasten
  case cutOff
}

/// One event loop of a server: its sockets, the topics that they are in, and what arrives for them.
///
/// `@unchecked Sendable`: everything but the inbox is touched on `eventLoop` only.
final class ServerLoop: @unchecked Sendable {
  let eventLoop: any EventLoop
  private unowned let hub: ChannelHub
  let delivery: Delivery
  /// Scratch for all sockets: empty between two calls of the loop.
  var output = EngineOutput()
  /// The socket whose burst of messages is answered in the outbox, until it was sent.
  var writer: SocketDriver?
  /// What the channels of this loop put off.
  let timers: LoopTimers
  /// The sockets that are connected, or whose channels still end.
  private var sockets: [ObjectIdentifier: SocketDriver] = [:]
  private var topics: [Topic: TopicMembers] = [:]
  private var backlog = LoopBacklog()
  /// A turn is due, in which the backlog goes on.
  private var isTurnDue = false
  /// No socket is left, and the loop may end.
  private var isDrained = false
  private var heldPublishers = HeldPublishers()
  private var pendingCalls: [PendingCall] = []
  private var isSubmissionScheduled = false
  private var isWatchingWorkers = false
  /// What this loop has of topics with shared assigns.
  private var followers: [ObjectIdentifier: TopicFollower] = [:]
  private(set) var isDraining = false
  /// Sockets that a drain has not told yet.
  private var untold: [SocketDriver] = []

  private struct Inbox {
    var messages: [LoopMessage] = []
    var isScheduled = false
    /// No socket is left, and the loop may end: what still comes is for nobody.
    var isClosed = false
  }

  private let inbox = Mutex(Inbox())

  init(eventLoop: any EventLoop, hub: ChannelHub) {
    self.eventLoop = eventLoop
    self.hub = hub
    delivery = hub.delivery
    timers = LoopTimers(eventLoop: eventLoop) { message, context in
      context.driver?.timerIsDue(message, of: context)
    }
  }

  // MARK: Inbox

  /// Hands a message to the loop, from any thread. Those of one burst share one wake-up.
  func post(_ message: LoopMessage) {
    if enqueue(message) { wake() }
  }

  /// The first half of `post`, for a caller whose own lock decides the order: true if `wake` must follow, without that
  /// lock, because a loop may run its tasks at once.
  func enqueue(_ message: LoopMessage) -> Bool {
    inbox.withLock { inbox in
      if inbox.isClosed { return false }
      inbox.messages.append(message)
      defer { inbox.isScheduled = true }
      return !inbox.isScheduled
    }
  }

  /// The other half of `post`.
  func wake() { eventLoop.execute { self.drainInbox() } }

  /// Whether the loop may end: it takes nothing any more.
  var isClosed: Bool { inbox.withLock { $0.isClosed } }

  private func drainInbox() {
    let messages = inbox.withLock { inbox in
      defer { inbox.messages = [] }
      inbox.isScheduled = false
      return inbox.messages
    }
    backlog.append(messages)
    // The deadline of a stop waits for no backlog: what is left of that finds its sockets finished.
    if messages.contains(where: { if case .cutOff = $0 { true } else { false } }) { process(.cutOff) }
    // A turn that is due begins with what came before.
    if !isTurnDue { takeTurn() }
  }

  /// Works on the backlog for a bounded time, then lets the network, timers and other tasks have theirs.
  private func takeTurn() {
    let clock = TurnClock(hub.turnLength)
    while !backlog.isEmpty {
      if let fanOut = backlog.fanOut.take() {
        guard advance(fanOut, until: clock) else { break }
      } else if let message = backlog.popFirst() {
        process(message)
      }
      // A loop that may end does the rest at once: it takes no further task.
      guard !clock.isOver || isDrained else { break }
    }
    guard !backlog.isEmpty else { return }
    isTurnDue = true
    afterNetwork {
      self.isTurnDue = false
      self.takeTurn()
    }
  }

  /// Runs `body` when the network and the timers have had their turn.
  ///
  /// Behind the tasks that were made so far; and later, by a moment, as NIO looks at its sockets only when no task is due.
  func afterNetwork(_ body: @escaping @Sendable () -> Void) {
    guard hub.turnLength != nil else { return eventLoop.execute(body) }
    eventLoop.execute { self.eventLoop.assumeIsolated().scheduleTask(in: .microseconds(20)) { body() } }
  }

  /// False if the turn is over before the last member was reached.
  private func advance(_ fanOut: FanOut, until clock: TurnClock) -> Bool {
    var fanOut = fanOut
    while fanOut.advance() {
      guard clock.isOver else { continue }
      backlog.fanOut = fanOut
      return false
    }
    return true
  }

  // MARK: Publishers

  /// Reads no more from a socket until the members of topics have caught up, or a moment has passed.
  func hold(_ socket: SocketDriver) {
    if heldPublishers.isEmpty { watchPublishers() }
    heldPublishers.hold(socket, now: eventLoop.now)
  }

  private func watchPublishers() {
    eventLoop.assumeIsolated().scheduleTask(in: HeldPublishers.pause) {
      self.heldPublishers.release(now: self.eventLoop.now, all: !self.hub.isBehind)
      if !self.heldPublishers.isEmpty { self.watchPublishers() }
    }
  }

  private func process(_ message: LoopMessage) {
    switch message {
    case .completed(let context, let invocation, let outcome):
      context.driver?.completed(invocation, outcome, of: context)
    case .run(let context, let invocation): context.run(invocation)
    case .follow(let follower): follower.pull()
    case .watchWorkers: watchWorkers()
    case .update(let context, let update): context.driver?.update(update, of: context)
    case .effects(let context, let effects): context.driver?.perform(effects, of: context)
    case .reply(let context, let deferred, let response):
      context.driver?.reply(deferred, response, of: context)
    case .stop(let context, let reason): context.driver?.stop(context, reason)
    case .crash(let context, let cause, let code): context.driver?.crash(context, cause: cause, code: code)
    case .presenceState(let context): context.driver?.sendPresenceState(to: context)
    case .broadcast(let topic, let event, let payload, let except, let hold):
      guard let members = topics[Topic(topic)] else { return }
      let encoded = EncodedBroadcast(topic: topic, event: event, payload: payload)
      backlog.fanOut = FanOut(encoded, to: members.contexts, except: except, hold: hold)
    case .publish(let topic, let name, let payload, let key, let except, let hold):
      guard let members = topics[Topic(topic)] else { return }
      let message = HostMessage(topic: topic, name: name, payload: .json(payload), key: key)
      backlog.fanOut = FanOut(message, to: members.contexts, except: except, hold: hold)
    case .disconnect(let id):
      for socket in sockets.values where socket.info.id == id { socket.disconnect() }
    case .drain(let pace):
      isDraining = true
      untold = Array(sockets.values)
      drainBatch(pace.batch, pause: pace.pause(for: untold.count, now: eventLoop.now))
      reportIfDrained()
    case .hasten: drainBatch(.max, pause: .zero)
    case .cutOff:
      untold = []
      for socket in sockets.values { socket.cutOff() }
      sockets = [:]
      // Their members keep the loop alive, by the socket.
      topics = [:]
      reportIfDrained()
    }
  }

  // MARK: Sockets

  func add(_ socket: SocketDriver) { sockets[ObjectIdentifier(socket)] = socket }

  func remove(_ socket: SocketDriver) {
    sockets[ObjectIdentifier(socket)] = nil
    reportIfDrained()
  }

  private func drainBatch(_ batch: Int, pause: TimeAmount) {
    let told = untold.suffix(batch)
    untold.removeLast(told.count)
    for socket in told { socket.drain() }
    guard !untold.isEmpty else { return }
    eventLoop.assumeIsolated().scheduleTask(in: pause) { self.drainBatch(batch, pause: pause) }
  }

  private func reportIfDrained() {
    guard isDraining, sockets.isEmpty else { return }
    isDrained = true
    inbox.withLock { $0.isClosed = true }
    hub.loopIsDrained(self)
  }

  // MARK: Calls

  /// Collects a callback for another thread; those of one turn of the loop are handed over together.
  func submit(_ call: PendingCall) {
    pendingCalls.append(call)
    guard !isSubmissionScheduled else { return }
    isSubmissionScheduled = true
    eventLoop.execute {
      self.isSubmissionScheduled = false
      let calls = self.pendingCalls
      self.pendingCalls.removeAll(keepingCapacity: true)
      if self.delivery.submit(calls) { self.watchWorkers() }
    }
  }

  /// Looks every few milliseconds whether all workers are blocked, until one is free.
  private func watchWorkers() {
    guard !isWatchingWorkers else { return }
    isWatchingWorkers = true
    eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(10)) {
      self.isWatchingWorkers = false
      if self.delivery.growIfBlocked() { self.watchWorkers() }
    }
  }

  // MARK: Topics

  func subscribe(_ context: ChannelContext, to topic: String) {
    topics[Topic(topic), default: TopicMembers()].insert(context)
  }

  /// False if the channel was not in the topic.
  @discardableResult
  func unsubscribe(_ context: ChannelContext, from topic: String) -> Bool {
    let topic = Topic(topic)
    guard topics[topic]?.remove(context) == true else { return false }
    if topics[topic]?.isEmpty == true { topics[topic] = nil }
    return true
  }

  /// What this loop has of a topic, from its first channel here to its last.
  func follower(of topic: SharedTopic) -> TopicFollower {
    if let follower = followers[ObjectIdentifier(topic)] { return follower }
    let follower = topic.add { TopicFollower(topic, loop: self, $0) }
    followers[ObjectIdentifier(topic)] = follower
    return follower
  }

  /// What this loop has of a topic, if one of its channels has been initialised.
  func existingFollower(of topic: SharedTopic) -> TopicFollower? { followers[ObjectIdentifier(topic)] }

  /// A channel of the topic has gone.
  func unfollow(_ topic: SharedTopic, _ context: ChannelContext) {
    guard let follower = followers[ObjectIdentifier(topic)], follower.remove(context) else { return }
    followers[ObjectIdentifier(topic)] = nil
    topic.remove(follower)
  }
}

/// The channels that a topic's messages reach, in the order of their arrival.
struct TopicMembers {
  private(set) var contexts: [ChannelContext] = []
  private var places: [ObjectIdentifier: Int] = [:]

  var isEmpty: Bool { contexts.isEmpty }

  mutating func insert(_ context: ChannelContext) {
    let id = ObjectIdentifier(context)
    guard places[id] == nil else { return }
    places[id] = contexts.count
    contexts.append(context)
  }

  mutating func remove(_ context: ChannelContext) -> Bool {
    guard let place = places.removeValue(forKey: ObjectIdentifier(context)) else { return false }
    let last = contexts.removeLast()
    if place < contexts.count {
      contexts[place] = last
      places[ObjectIdentifier(last)] = place
    }
    return true
  }
}

/// A broadcast that is encoded at most once for each serializer.
struct EncodedBroadcast {
  let topic: String
  let event: String
  let payload: Payload
  /// What channels get that intercept the event, once the first of them has.
  private(set) var intercepted: HostMessage?
  private var messages: [Serializer: Result<PreparedMessage, NoForm>] = [:]

  /// Why a serializer has no form for the message.
  struct NoForm: Error {
    let reason: String
  }

  init(topic: String, event: String, payload: Payload) {
    self.topic = topic
    self.event = event
    self.payload = payload
  }

  /// The broadcast as a message for `handle_message`.
  mutating func intercept() -> HostMessage {
    let message = intercepted ?? HostMessage(topic: topic, name: event, payload: payload)
    intercepted = message
    return message
  }

  /// The message as `serializer` writes it, encoded when the first client needs it.
  mutating func message(for serializer: Serializer) -> Result<PreparedMessage, NoForm> {
    if let known = messages[serializer] { return known }
    let made = encode(serializer)
    messages[serializer] = made
    return made
  }

  private func encode(_ serializer: Serializer) -> Result<PreparedMessage, NoForm> {
    if let reason = serializer.fault(of: payload, names: [topic, event]) {
      return .failure(NoForm(reason: reason))
    }
    var outbox = Outbox()
    serializer.encodeBroadcast(topic: topic, event: event, payload: payload, into: &outbox)
    guard let message = PreparedMessage(takingFrom: &outbox) else {
      return .failure(NoForm(reason: "it was not encoded"))
    }
    return .success(message)
  }
}
