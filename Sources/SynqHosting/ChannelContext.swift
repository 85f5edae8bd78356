import NIOCore
import SynqChannels
import SynqJSON
import SynqWire
import Synchronization

/// A channel as its host sees it: what a callback reads and changes, and a handle that stays safe to use when it is kept.
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
  /// The socket, and with it the way to its event loop.
  let driver: SocketDriver

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
    driver: SocketDriver
  ) {
    self.key = key
    self.topic = topic
    self.joinRef = joinRef
    self.spec = spec
    self.info = info
    self.host = host
    self.driver = driver
  }

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

  /// Runs the callback, which was due, on the current thread and hands its outcome to the driver, unless it was deferred.
  func run(_ invocation: Invocation) {
    // Cut off while it waited for a thread: nobody asks any more. Only a `before_close` is owed to the host all the same.
    if hasEnded, !invocation.cause.isBeforeClose { return letGo() }
    let outcome = host.run(invocation.cause, on: self)
    // Posted under the lock, so that nothing which another thread does now is faster.
    let (mustWake, hasEnded) = state.withLock { state -> (Bool, Bool) in
      switch Self.settle(&state, invocation, outcome) {
      case .done(let outcome): (driver.enqueue(.completed(self, invocation, outcome)), false)
      case .waits(let effects): (!effects.isEmpty && driver.enqueue(.effects(self, effects)), false)
      case .ended: (false, true)
      case .nothing: (false, false)
      }
    }
    if hasEnded { letGo() }
    if mustWake { driver.wake() }
  }

  /// Runs the callback on the current thread, the loop's; nil if it was deferred.
  func runInline(_ invocation: Invocation) -> Outcome? {
    let outcome = host.run(invocation.cause, on: self)
    let (done, mustWake, hasEnded) = state.withLock { state -> (Outcome?, Bool, Bool) in
      switch Self.settle(&state, invocation, outcome) {
      case .done(let outcome): (outcome, false, false)
      case .waits(let effects): (nil, !effects.isEmpty && driver.enqueue(.effects(self, effects)), false)
      case .ended: (nil, false, true)
      case .nothing: (nil, false, false)
      }
    }
    if hasEnded { letGo() }
    if mustWake { driver.wake() }
    return done
  }

  /// What follows when a callback has returned.
  private enum Return {
    case done(Outcome)
    /// It deferred its response. What was pushed so far need not wait for that.
    case waits([Effect])
    case ended
    case nothing
  }

  private static func settle(_ state: inout State, _ invocation: Invocation, _ outcome: Outcome) -> Return {
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
    case .idle, .deferred: return .nothing
    case .ended: return .ended
    }
    return takeInvocation(&state) == nil ? .nothing : .done(settled)
  }

  /// The callback is over.
  static func takeInvocation(_ state: inout State) -> Invocation? {
    state.phase = .idle
    return state.invocation.take()
  }

  /// Ends the wait for a deferred response, because the channel ends. Nil if the callback still runs: then it ends when
  /// that has returned.
  func abandonDeferred() -> Invocation? {
    state.withLock { state in
      state.isAbandoned = true
      guard case .deferred = state.phase else { return nil }
      return Self.takeInvocation(&state)
    }
  }

  /// The channel is gone.
  func end() {
    let isRunning = state.withLock { state in
      defer {
        state.phase = .ended
        state.held = HeldByChannel()
        state.invocation = nil
      }
      switch state.phase {
      case .running, .deferring, .answeredEarly: return true
      case .idle, .deferred, .ended: return false
      }
    }
    driver.hub.presences.left(self)
    // A callback that a stop did not wait for still uses what its host keeps with the channel.
    if !isRunning { letGo() }
  }

  /// Tells the host, who finds what it keeps with the channel, and drops that.
  private func letGo() {
    driver.releaseOnHostThread {
      self.host.channelEnded(self)
      let attachment = self.state.withLock { $0.attachment.take() }
      withExtendedLifetime(attachment) {}
    }
  }
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
