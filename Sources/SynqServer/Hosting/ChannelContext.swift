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
    var cause: Invocation.Cause?
    var scope: CallbackScope?
    /// Distinguishes this channel's deferred responses from one another.
    var deferrals: UInt64 = 0
    /// What the host keeps with the channel.
    var attachment: (any AnyObject & Sendable)?
  }

  let state = Mutex(State())

  init(_ invocation: Invocation, info: SocketInfo, host: any CallbackHost, driver: SocketDriver) {
    key = invocation.channel
    topic = invocation.topic
    joinRef = invocation.joinRef
    spec = invocation.spec
    self.info = info
    self.host = host
    self.driver = driver
  }

  // MARK: For the driver

  /// Lends the scope for a callback that is about to be run.
  func begin(_ cause: Invocation.Cause, scope: CallbackScope) {
    state.withLock {
      $0.phase = .running
      $0.cause = cause
      $0.scope = scope
    }
  }

  /// Runs the callback on the current thread and hands its outcome to the driver, unless it was deferred.
  func run(_ cause: Invocation.Cause) {
    if let done = runInline(cause) { driver.post(.completed(self, cause, done.scope, done.outcome)) }
  }

  /// Runs the callback on the current thread; nil if it was deferred.
  func runInline(_ cause: Invocation.Cause) -> (scope: CallbackScope, outcome: Outcome)? {
    let outcome = host.run(cause, on: self)
    let (done, effects) = state.withLock { state -> ((CallbackScope, Outcome)?, [Effect]) in
      switch state.phase {
      case .deferring(let deferral):
        if case .crashed = outcome { return (Self.takeScope(&state, outcome), []) }
        state.phase = .deferred(deferral)
        // What was pushed so far need not wait for the response.
        defer { state.scope?.effects = [] }
        return (nil, state.scope?.effects ?? [])
      case .answeredEarly(let outcome): return (Self.takeScope(&state, outcome), [])
      case .running: return (Self.takeScope(&state, outcome), [])
      case .idle, .deferred, .ended: return (nil, [])
      }
    }
    if !effects.isEmpty { driver.post(.effects(self, effects)) }
    return done.map { (scope: $0.0, outcome: $0.1) }
  }

  static func takeScope(_ state: inout State, _ outcome: Outcome) -> (CallbackScope, Outcome)? {
    state.phase = .idle
    state.cause = nil
    guard let scope = state.scope.take() else { return nil }
    return (scope, outcome)
  }

  /// Ends the wait for a deferred response, because the channel ends. Nil if the callback still runs.
  func abandonDeferred() -> (cause: Invocation.Cause, scope: CallbackScope)? {
    state.withLock { state in
      guard case .deferred = state.phase, let cause = state.cause, let done = Self.takeScope(&state, .returned) else {
        return nil
      }
      return (cause, done.0)
    }
  }

  /// The channel is gone.
  func end() {
    let attachment = state.withLock { state -> (any AnyObject & Sendable)? in
      state.phase = .ended
      state.scope = nil
      state.cause = nil
      return state.attachment.take()
    }
    host.channelEnded(self)
    withExtendedLifetime(attachment) {}
  }
}

/// What is known of a socket's connection.
package final class SocketInfo: Sendable {
  package let id: String?
  package let peer: String
  /// The params of the URL, an object of strings.
  package let params: JSON
  /// Headers worth keeping: `user-agent` and those that begin with `x-`, names in lower case.
  package let headers: [(name: String, value: String)]

  package init(id: String?, peer: String, params: JSON, headers: [(name: String, value: String)]) {
    self.id = id
    self.peer = peer
    self.params = params
    self.headers = headers
  }

  package func header(_ name: String) -> String? {
    let name = name.lowercased()
    return headers.first { $0.name == name }?.value
  }
}
