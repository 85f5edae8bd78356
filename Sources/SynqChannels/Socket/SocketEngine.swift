import SynqJSON
import SynqWire

/// What the engine produced: messages for the client, and actions for the host.
///
/// The host reuses one for every call and empties it after each.
package struct EngineOutput: ~Copyable {
  package var outbox = Outbox()
  package var actions = ActionQueue()

  package init() {}
}

/// Actions, first in, first out. What is taken is moved out, so that the host has what an action carries to itself.
package struct ActionQueue {
  private var items: [Action?] = []
  private var head = 0

  package var isEmpty: Bool { head == items.count }

  mutating func append(_ action: Action) { items.append(action) }

  /// Takes the oldest action; nil when there is none.
  package mutating func popFirst() -> Action? {
    guard head < items.count else { return nil }
    let action = items[head].take()
    head += 1
    if head == items.count {
      items.removeAll(keepingCapacity: true)
      head = 0
    }
    return action
  }

  func contains(where predicate: (Action) -> Bool) -> Bool {
    items[head...].contains { $0.map(predicate) ?? false }
  }
}

/// One client's connection: its channels, and all that the Phoenix protocol says about them.
///
/// Pure: it knows no socket, clock or thread. Each method takes one event, appends what must be sent and done to an
/// `EngineOutput`, and returns. Callbacks are actions: the host runs each and hands its outcome to `complete`.
package struct SocketEngine: ~Copyable {
  let router: TopicRouter
  let serializer: Serializer
  package let limits: SocketLimits
  let connectionAssigns: [NameKey: JSON]
  /// RFC 3339 UTC, for error messages.
  let timestamp: @Sendable () -> String

  /// The time in nanoseconds of a clock that does not go back. The host sets it before each message; only rates need it.
  package var now: UInt64 = 0
  var messageBucket: TokenBucket?
  /// Whether the last message was one too many.
  var isTooFast = false
  var joinBucket: TokenBucket?

  /// While true, each change is encoded at once; while false, it waits for `encodeStates`.
  package var isWritable = true
  /// Channels by the low half of their key.
  var machines: [ChannelMachine?] = []
  var freeSlots: [UInt32] = []
  var nextGeneration: UInt32 = 0
  /// The newest channel of each topic, closing ones too.
  var topics: [Topic: ChannelKey] = [:]
  /// Channels whose state may differ from what their client has.
  var dirty: [ChannelKey] = []
  /// Successors of channels that have ended, whose join begins now.
  var starting: [ChannelKey] = []
  var isStarting = false
  /// Replies that callbacks left for later.
  var deferredReplies: [DeferredReply: PendingReply] = [:]
  var condition = Condition.open
  /// What waits for all channels.
  let mailCount = MailCount()

  /// Whether the socket goes on.
  enum Condition {
    case open
    /// The host drains: channels end, then the connection is closed.
    case draining
    /// The connection is gone: nothing is sent any more.
    case lost
  }

  /// A reply that is owed: where it goes.
  struct PendingReply {
    var channel: ChannelKey
    var ref: Ref?
  }

  /// - Parameters:
  ///   - connectionAssigns: what every channel starts with.
  ///   - timestamp: the current time as RFC 3339 UTC.
  package init(
    router: TopicRouter, serializer: Serializer, limits: SocketLimits = SocketLimits(),
    connectionAssigns: [NameKey: JSON] = [:], timestamp: @escaping @Sendable () -> String
  ) {
    self.router = router
    self.serializer = serializer
    self.limits = limits
    messageBucket = TokenBucket(perSecond: limits.maxMessagesPerSecond)
    joinBucket = TokenBucket(perSecond: limits.maxJoinsPerSecond)
    self.connectionAssigns = connectionAssigns
    self.timestamp = timestamp
  }

  /// Bytes in the outbox from which on states wait, so that what a burst of messages leads to becomes one.
  package static let fullOutbox = 65_536

  /// Whether states wait for `encodeStates`.
  package var hasWaitingStates: Bool { !dirty.isEmpty }

  /// The number of channels that are joined or being joined.
  package var channelCount: Int {
    topics.values.count { key in self[key].map { !$0.isClosing } ?? false }
  }

  /// Messages of the server that wait while callbacks of their channels run.
  package var queuedMessages: Int { mailCount.messages }

  // MARK: Machines

  /// The channel of a key; nil once it has ended.
  subscript(key: ChannelKey) -> ChannelMachine? {
    let slot = Int(key.slot)
    guard slot < machines.count, let machine = machines[slot], machine.key == key else { return nil }
    return machine
  }

  mutating func add(_ make: (ChannelKey) -> ChannelMachine) -> ChannelKey {
    let slot = freeSlots.popLast() ?? UInt32(machines.count)
    let key = ChannelKey(slot: slot, generation: nextGeneration)
    nextGeneration &+= 1
    if Int(slot) == machines.count { machines.append(make(key)) } else { machines[Int(slot)] = make(key) }
    return key
  }

  mutating func remove(_ key: ChannelKey) {
    guard let machine = self[key] else { return }
    let topic = Topic(machine.topic)
    if topics[topic] == key {
      // One that waited for an earlier channel which still ends leaves the topic to that.
      let earlier = machine.predecessor.flatMap { self[$0] }
      earlier?.successor = nil
      topics[topic] = earlier?.key
    }
    machines[Int(key.slot)] = nil
    freeSlots.append(key.slot)
    deferredReplies = deferredReplies.filter { $0.value.channel != key }
  }
}
