import Glibc
import Logging
import NIOCore
import SynqChannels
import SynqJSON
import SynqWire
import Synchronization

/// A channel, or a topic, as the program's callbacks see it: what a callback reads and changes, and a handle that stays safe
/// to use when it is kept.
///
/// All methods may be called from any thread. Those that need a running callback say so.
package final class ChannelContext: Sendable {
  package let key: ChannelKey
  package let topic: String
  package let joinRef: Ref?
  package let spec: ChannelSpec
  /// What is known of the connection.
  package let info: SocketInfo
  package let host: any CallbackHost
  /// Who takes what callbacks lead to.
  let owner: any ContextOwner
  /// The owner of a channel: its client's connection. Nil for a topic.
  let driver: SocketDriver?
  /// The topic whose turn callbacks wait for; nil where it shares nothing.
  package let sharedTopic: SharedTopic?
  /// A topic's callback may give its turn back, and the server end, before the thread that ran it has told its outcome. A
  /// channel's callback is waited for.
  private let keptHub: ChannelHub?

  /// Where the channel's callback is.
  enum Phase {
    case idle
    /// It runs on some thread.
    case running
    /// It runs, and its response was deferred.
    case deferring(UInt64)
    /// It has returned; the channel waits for its response.
    case deferred(UInt64)
    /// It was deferred, and the response is there before it has returned.
    case answeredEarly(Outcome)
    /// It is over, and what it made of the topic's assigns is being taken.
    case settling
    /// The channel is gone.
    case ended
  }

  struct State {
    var phase = Phase.idle
    /// The callback that runs or is deferred.
    var invocation: Invocation?
    /// The channel ends: a response that is deferred by the callback that runs is not waited for.
    var isAbandoned = false
    /// The callback's host runs it as a task and has deferred for that: the callback itself has not.
    var isTask = false
    /// The thread that runs the callback, from its begin to its return.
    var thread: pthread_t?
    /// Since when the callback has been due, where its host asks.
    var dueSince: NIODeadline?
    /// Distinguishes this channel's deferred responses from one another.
    var deferrals: UInt64 = 0
    /// Timers and subscriptions.
    var held = HeldByChannel()
    /// What the host keeps with the channel.
    var attachment: (any AnyObject & Sendable)?
  }

  let state = Mutex(State())

  init(
    key: ChannelKey, topic: String, joinRef: Ref?, spec: ChannelSpec, info: SocketInfo,
    host: any CallbackHost,
    driver: SocketDriver, sharedTopic: SharedTopic?
  ) {
    self.key = key
    self.topic = topic
    self.joinRef = joinRef
    self.spec = spec
    self.info = info
    self.host = host
    owner = driver
    self.driver = driver
    self.sharedTopic = sharedTopic
    keptHub = nil
  }

  /// A topic as its own callbacks and updates see it: it has no client.
  init(ofTopic topic: SharedTopic, host: any CallbackHost) {
    key = .noChannel
    self.topic = topic.name
    joinRef = nil
    spec = topic.spec
    info = SocketInfo(
      ConnectGrant(), peer: "", params: .emptyObject, headers: [], delivery: topic.hub.delivery)
    self.host = host
    owner = topic
    driver = nil
    sharedTopic = topic
    keptHub = topic.hub
  }

  /// Whether this is a channel, with a client, and not a topic.
  package var isChannel: Bool { driver != nil }

  // MARK: For the driver

  /// A callback is about to be run.
  func begin(_ invocation: Invocation) {
    let now = host.asksDueTime ? NIODeadline.now() : nil
    state.withLock {
      $0.dueSince = now
      $0.phase = .running
      $0.isAbandoned = false
      $0.isTask = false
      $0.invocation = invocation
    }
  }

  /// Since when the callback that runs has been due: nil where `CallbackHost.asksDueTime` is false.
  package var dueSince: NIODeadline? { state.withLock { $0.dueSince } }

  /// Runs the callback, which was due, on the current thread and hands its outcome to the owner, unless it was deferred.
  func run(_ invocation: Invocation) {
    // Cut off while it waited for a thread: nobody asks any more. Only a `before_close` is owed to the program all the same.
    if hasEnded, !invocation.cause.isBeforeClose {
      sharedTopic?.settle(invocation, nil, .crashed(cause: ""))
      return letGo()
    }
    guard let outcome = call(invocation) else { return }
    let (mustWake, hasEnded) = state.withLock { state -> (Bool, Bool) in
      guard Self.takeInvocation(&state) != nil else { return (false, state.hasEnded) }
      // Posted under the lock, so that nothing which another thread does now is faster.
      return (owner.enqueue(.completed(self, invocation, outcome)), false)
    }
    if hasEnded { letGo() }
    if mustWake { owner.wake() }
  }

  /// Runs the callback on the current thread, the loop's; nil if it was deferred.
  func runInline(_ invocation: Invocation) -> Outcome? {
    guard let outcome = call(invocation) else { return nil }
    let (isOver, hasEnded) = state.withLock { state in
      (Self.takeInvocation(&state) != nil, state.hasEnded)
    }
    if hasEnded { letGo() }
    return isOver ? outcome : nil
  }

  /// Runs the callback on the current thread and settles with its topic; nil if its outcome comes later, or is nobody's.
  private func call(_ invocation: Invocation) -> Outcome? {
    let thread = pthread_self()
    state.withLock { $0.thread = thread }
    let outcome: Outcome
    if let metrics = owner.metrics(of: spec) {
      let start = NIODeadline.now()
      outcome = perform(invocation.cause)
      metrics.add(invocation.cause, NIODeadline.now() - start, outcome)
    } else {
      outcome = perform(invocation.cause)
    }
    let (decided, mustWake) = state.withLock { state -> (Return, Bool) in
      state.thread = nil
      let decided = decide(&state, invocation, outcome)
      guard case .waits(let effects) = decided, !effects.isEmpty else { return (decided, false) }
      return (decided, owner.enqueue(.effects(self, effects)))
    }
    if mustWake { owner.wake() }
    switch decided {
    case .done(let outcome):
      settle(invocation, outcome)
      return outcome
    case .waits, .nothing: return nil
    case .ended:
      sharedTopic?.settle(invocation, nil, .crashed(cause: ""))
      letGo()
      return nil
    }
  }

  private func perform(_ cause: Invocation.Cause) -> Outcome {
    if case .update(let update) = cause, let update = update as? any ContextUpdate {
      return update.run(on: self)
    }
    return host.run(cause, on: self)
  }

  /// What follows when a callback has returned.
  private enum Return {
    case done(Outcome)
    /// It deferred its response. What was pushed so far need not wait for that.
    case waits([Effect])
    case ended
    case nothing
  }

  private func decide(_ state: inout State, _ invocation: Invocation, _ outcome: Outcome) -> Return {
    let settled: Outcome
    switch state.phase {
    case .deferring(let deferral):
      if outcome.isFinal {
        settled = outcome
      } else if state.isAbandoned {
        settled = invocation.cause.outcomeWhenAbandoned
      } else {
        state.phase = .deferred(deferral)
        defer { invocation.scope.effects = [] }
        return .waits(invocation.scope.effects)
      }
    case .answeredEarly(let early): settled = outcome.isFinal ? outcome : early
    case .running: settled = outcome
    case .idle, .deferred, .settling: return .nothing
    case .ended: return .ended
    }
    state.phase = .settling
    return .done(settled)
  }

  /// Gives the topic what the callback made of its assigns, and its turn back. The phase is `settling`.
  func settle(_ invocation: Invocation, _ outcome: Outcome) {
    guard let sharedTopic, invocation.cause.needsTurn else { return }
    let assigns = state.withLock { _ in invocation.scope.assigns.shared.take() }
    sharedTopic.settle(invocation, assigns, outcome)
  }

  /// The callback is over; nil if the channel has ended meanwhile.
  static func takeInvocation(_ state: inout State) -> Invocation? {
    if state.hasEnded { return nil }
    state.phase = .idle
    return state.invocation.take()
  }

  /// Whether a callback runs on the current thread.
  var runsOnCurrentThread: Bool { state.withLock { $0.isOnCurrentThread } }

  /// Ends the wait for a deferred response, because the channel ends. Nil if the callback still runs: then it ends when
  /// that has returned.
  func abandonDeferred() -> Invocation? {
    let abandoned = state.withLock { state -> Invocation? in
      state.isAbandoned = true
      guard case .deferred = state.phase else { return nil }
      state.phase = .settling
      return state.invocation
    }
    guard let abandoned else { return nil }
    settle(abandoned, abandoned.cause.outcomeWhenAbandoned)
    return state.withLock { Self.takeInvocation(&$0) }
  }

  /// Ends a callback that will not be run: its topic is not open.
  func refuse(_ invocation: Invocation, _ report: ErrorReport) {
    let mustWake = state.withLock { state -> Bool in
      invocation.scope.response = .error(report)
      guard Self.takeInvocation(&state) != nil else { return false }
      return owner.enqueue(.completed(self, invocation, .returned))
    }
    if mustWake { owner.wake() }
  }

  /// The channel is gone.
  func end() {
    let (isRunning, deferred) = state.withLock { state -> (Bool, Invocation?) in
      defer {
        state.phase = .ended
        state.held = HeldByChannel()
        state.invocation = nil
      }
      switch state.phase {
      case .running, .deferring, .answeredEarly, .settling: return (true, nil)
      case .deferred: return (false, state.invocation)
      case .idle, .ended: return (false, nil)
      }
    }
    driver?.hub.presences.left(self)
    if let deferred { sharedTopic?.settle(deferred, nil, .crashed(cause: "")) }
    // A callback that a stop did not wait for still uses what its host keeps with the channel.
    if !isRunning { letGo() }
  }

  /// Tells the host, who finds what it keeps with the channel, and drops that.
  private func letGo() {
    owner.releaseOnHostThread {
      self.host.channelEnded(self)
      let attachment = self.state.withLock { $0.attachment.take() }
      withExtendedLifetime(attachment) {}
    }
  }
}

/// Who takes what the callbacks of a channel or a topic lead to.
protocol ContextOwner: AnyObject, Sendable {
  var logger: Logger { get }
  /// Who is in the topics of its server.
  var presences: PresenceDirectory { get }

  /// What is measured of the callbacks of a spec; nil where nothing is.
  func metrics(of spec: ChannelSpec) -> CallbackMetrics?

  /// Takes a message, from any thread. True if `wake` must follow, once the caller has given up its own lock.
  func enqueue(_ message: LoopMessage) -> Bool
  func wake()

  func releaseOnHostThread(_ body: @escaping @Sendable () -> Void)
  func nextDeferredReply() -> DeferredReply
}

extension ContextOwner {
  /// Hands a message over, from any thread.
  func post(_ message: LoopMessage) { if enqueue(message) { wake() } }
}

/// A function of the program's that runs in the order of a channel or a topic.
package protocol ContextUpdate: Update {
  /// Runs it on the current thread, as `CallbackHost.run` does.
  func run(on context: ChannelContext) -> Outcome
  /// It is over, or was never run: `error` says why. On a thread that may run the program's code.
  func ended(_ error: HostError?)
}

extension ChannelContext.State {
  /// Whether the callback that runs does so on the current thread.
  var isOnCurrentThread: Bool { thread.map { pthread_equal($0, pthread_self()) != 0 } ?? false }

  var hasEnded: Bool { if case .ended = phase { true } else { false } }
}

extension Outcome {
  /// Whether a callback that ended so has decided, also when it deferred its response.
  fileprivate var isFinal: Bool {
    switch self {
    case .returned: false
    case .refused, .crashed: true
    }
  }
}

extension Invocation.Cause {
  fileprivate var isBeforeClose: Bool { if case .beforeClose = self { true } else { false } }
}

/// What is known of a socket's connection.
package final class SocketInfo: Sendable {
  package let id: String?
  package let peer: String
  /// The params of the URL, an object of strings.
  package let params: JSON
  /// Headers worth keeping: `user-agent` and those that begin with `x-`, names in lower case.
  package let headers: [(name: String, value: String)]
  /// What the program keeps with the connection.
  package let attachment: (any AnyObject & Sendable)?
  /// Where the attachment is let go, so that the program frees it on a thread that may run its code.
  private let delivery: Delivery

  init(
    _ grant: ConnectGrant, peer: String, params: JSON, headers: [(name: String, value: String)],
    delivery: Delivery
  ) {
    id = grant.id
    attachment = grant.attachment
    self.peer = peer
    self.params = params
    self.headers = headers
    self.delivery = delivery
  }

  deinit {
    guard let attachment else { return }
    delivery.release { withExtendedLifetime(attachment) {} }
  }

  /// A kept header by its name, in any case.
  package func header(_ name: String) -> String? {
    let name = name.lowercased()
    return headers.first { $0.name == name }?.value
  }
}
