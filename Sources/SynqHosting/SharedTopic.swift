import Logging
import NIOCore
import SynqChannels
import Synchronization

/// A topic whose channels share assigns: these, who has the turn to change them, and which event loops follow.
///
/// Callbacks come from any thread and ask for the turn; the one that has it gets a copy of the shared assigns, and what it
/// made of them becomes the topic's when it is done. What changed for clients is found out on the callback's thread and
/// handed to every loop that follows.
package final class SharedTopic: Sendable {
  let name: String
  let spec: ChannelSpec
  unowned let hub: ChannelHub
  /// For the topic's timers, and for its own callbacks where those run on event loops.
  let home: ServerLoop?

  /// A callback that waits for the turn.
  struct Call: Sendable {
    let context: ChannelContext
    let invocation: Invocation
  }

  /// One event loop that follows, and what it has not taken yet.
  struct Following: Sendable {
    let follower: TopicFollower
    var changes: [TopicChange] = []
    /// Whether the loop has been told that there is something to take.
    var isTold = false
  }

  struct State: Sendable {
    var turn = TopicTurn<Call>()
    var shared: SharedState
    /// The callback that has the turn.
    var holder: Call?
    var following: [Following] = []
    /// What `open_topic` answered when it failed last, for those who wait.
    var openFailure: ErrorReport?
    /// Somebody finds out what changed.
    var isPublishing = false
    /// Changes wait for `patch_interval_ms` to pass.
    var publishIsDue = false
    var lastPublished: NIODeadline?
  }

  let state: Mutex<State>
  /// What the topic's own callbacks led to, and is to be taken.
  let inbox = Mutex<[LoopMessage]>([])

  /// Changes that a loop may be behind; one that is more takes the whole state.
  static let maxPendingChanges = 1024

  init(_ name: String, _ spec: ChannelSpec, hub: ChannelHub, home: ServerLoop?) {
    self.name = name
    self.spec = spec
    self.hub = hub
    self.home = home
    state = Mutex(State(shared: SharedState(spec: spec)))
  }

  // MARK: The turn

  /// Asks for the turn. True if the caller has it, and runs the callback now; else it is handed to a thread when its turn
  /// has come.
  func request(_ call: Call, _ need: TopicTurn<Call>.Need) -> Bool {
    carryOut(state.withLock { $0.turn.request(call, need) }, for: call.invocation)
  }

  /// What an update of the program's needs; an error where nobody is in the topic and it is not to be opened.
  func requestUpdate(_ call: Call, opens: Bool) throws(HostError) {
    let step = state.withLock { state -> TopicTurn<Call>.Step? in
      guard opens || state.turn.willBeOpen else { return nil }
      return state.turn.request(call, opens ? .opens : .onlyIfOpen)
    }
    guard let step else { throw .topicIsNotOpen(name) }
    carryOut(step)
  }

  /// Whether this callback has the turn.
  func isHeld(by invocation: Invocation) -> Bool { state.withLock { $0.holder?.invocation === invocation } }

  /// Whether the callback that has the turn runs on the current thread, which then cannot wait for the turn.
  var isHeldByCurrentThread: Bool {
    let holder = state.withLock { $0.holder }
    return holder?.context.runsOnCurrentThread ?? false
  }

  /// The callback that has the turn is done: takes what it made of the shared assigns, nil if that is to be dropped, tells the
  /// clients, and gives the turn on. On the thread on which the callback ended.
  func settle(_ invocation: Invocation, _ assigns: SharedAssigns?, _ outcome: Outcome) {
    var mustPublish = false
    let isHolder = state.withLock { state in
      guard state.holder?.invocation === invocation else { return false }
      // What a before_close sets in a topic that could not be opened is not what the next one begins with.
      if case .returned = outcome, let assigns, !invocation.hasFailedToOpen,
        state.turn.isOpen || invocation.cause.opensTopic
      {
        state.shared.commit(assigns)
        mustPublish = true
      }
      return true
    }
    guard isHolder else { return }
    if mustPublish { publish(by: invocation) }
    let step = state.withLock { state in
      state.holder = nil
      switch invocation.cause {
      case .openTopic:
        if case .returned = outcome, !invocation.hasFailedToOpen {
          state.openFailure = nil
          return state.turn.opened(true)
        }
        if case .error(let report)? = invocation.scope.response { state.openFailure = report }
        return state.turn.opened(false)
      case .closeTopic:
        state.shared = SharedState(spec: spec)
        return state.turn.closed()
      case .authorize, .initialize, .event, .message, .beforeClose, .newState, .updateState, .update:
        return state.turn.release()
      }
    }
    carryOut(step)
  }

  /// Does what the turn's machine asks for. True if that is to run `own`, which the caller then does.
  @discardableResult
  private func carryOut(_ first: TopicTurn<Call>.Step, for own: Invocation? = nil) -> Bool {
    var (step, ownsTurn) = (first, false)
    while true {
      switch step {
      case .nothing: return ownsTurn
      case .run(let call):
        give(call)
        if call.invocation === own {
          ownsTurn = true
        } else {
          hub.run(call.context, call.invocation, homeOf: self)
        }
        return ownsTurn
      case .open:
        if !begin(.openTopic) { step = state.withLock { $0.turn.opened(true) } } else { return false }
      case .close:
        if begin(.closeTopic) { return ownsTurn }
        step = state.withLock { state in
          state.shared = SharedState(spec: spec)
          return state.turn.closed()
        }
      case .linger(let number):
        if let next = linger(number) { step = next } else { return ownsTurn }
      case .refuse(let calls):
        let failure = state.withLock { $0.openFailure.take() }
        for call in calls { call.context.refuse(call.invocation, failure ?? .topicIsNotOpen(name)) }
        step = state.withLock { $0.turn.next() }
      case .forget:
        hub.topics.forget(self)
        return ownsTurn
      }
    }
  }

  /// Gives the turn to a callback that is about to run.
  private func give(_ call: Call) {
    state.withLock { state in
      state.holder = call
      call.invocation.scope.assigns.shared = state.shared.assigns
    }
  }

  /// Begins a callback of the topic's own; false if the program has none.
  private func begin(_ cause: Invocation.Cause) -> Bool {
    switch cause {
    case .openTopic: guard spec.callbacks.contains(.openTopic) else { return false }
    case .closeTopic: guard spec.callbacks.contains(.closeTopic) else { return false }
    case .authorize, .initialize, .event, .message, .beforeClose, .newState, .updateState, .update: break
    }
    let call = makeCall(cause)
    give(call)
    hub.run(call.context, call.invocation, homeOf: self)
    return true
  }

  /// A callback of the topic's own. Each has a context of its own, as several may wait.
  func makeCall(_ cause: Invocation.Cause) -> Call {
    let context = ChannelContext(ofTopic: self, host: hub.hosts[spec.index])
    let invocation = Invocation(topicCallback: cause, spec: spec)
    context.begin(invocation)
    return Call(context: context, invocation: invocation)
  }

  // MARK: Members

  /// A channel comes: one that is joined, or asks to be.
  func join() { state.withLock { $0.turn.join() } }

  /// A channel has gone.
  func leave() { carryOut(state.withLock { $0.turn.leave() }) }

  /// How many callbacks wait for the turn.
  var queueLength: Int { state.withLock { $0.turn.queueLength } }

  /// How many channels are in the topic.
  var memberCount: Int { state.withLock { $0.turn.members } }

  /// Waits for somebody to come back; what is to be done now if there is nothing to wait for.
  private func linger(_ number: UInt64) -> TopicTurn<Call>.Step? {
    guard spec.options.linger > .zero, !hub.isDraining, let home else {
      return state.withLock { $0.turn.lingered(number) }
    }
    home.eventLoop.scheduleTask(in: TimeAmount(clamping: spec.options.linger)) { [weak self] in
      guard let self else { return }
      self.carryOut(self.state.withLock { $0.turn.lingered(number) })
    }
    return nil
  }

  /// The server waits no longer: whoever asked for an update is told.
  func abandon() {
    for call in state.withLock({ $0.turn.abandon() }) {
      if case .update(let update) = call.invocation.cause, !call.context.isChannel {
        hub.end(update, HostError(.closed, "topic: the server has stopped"), isOnCallbackThread: false)
      }
    }
  }

  /// The server ends: nobody comes back.
  func stopLingering() { carryOut(state.withLock { $0.turn.lingeredNow() }) }
}

extension HostError {
  static func topicIsNotOpen(_ name: String) -> HostError {
    HostError(.notFound, "topic: nobody is in \"\(name)\", and it is not open")
  }
}

extension Invocation {
  /// Whether it is an `open_topic` that answered an error: what it has set is dropped.
  fileprivate var hasFailedToOpen: Bool {
    if case .openTopic = cause { scope.response != nil } else { false }
  }
}

extension ErrorReport {
  /// What a client or an update gets whose topic could not be opened.
  fileprivate static func topicIsNotOpen(_ name: String) -> ErrorReport {
    ErrorReport(code: ErrorCode.topicUnavailable, message: "the topic \(name) could not be opened")
  }
}

extension Invocation.Cause {
  fileprivate var opensTopic: Bool { if case .openTopic = self { true } else { false } }
}
