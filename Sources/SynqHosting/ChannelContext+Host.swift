import Logging
import SynqChannels
import SynqJSON
import SynqWire
import Synchronization

/// What a host may do with a channel.
extension ChannelContext {
  // MARK: Inside a callback

  /// Reads or changes the scope of the callback that runs or is deferred, and returns what comes of it.
  package func withScope<Result>(
    _ body: (inout CallbackScope) throws(HostError) -> Result
  ) throws(HostError) -> Result {
    var result: Result?
    try lendScope { scope throws(HostError) in result = try body(&scope) }
    guard let result else { throw .channelClosed }
    return result
  }

  /// The assigns as the callback has made them so far.
  package func currentAssigns() throws(HostError) -> Assigns {
    var assigns: Assigns?
    try lendScope { assigns = $0.assigns }
    guard let assigns else { throw .channelClosed }
    return assigns
  }

  /// Fails unless a callback of the channel runs or is deferred.
  package func requireCallback() throws(HostError) { try lendScope { _ in } }

  /// Changes the assigns; not while a message for them is built.
  package func changeAssigns(_ body: (inout Assigns) throws(HostError) -> Void) throws(HostError) {
    try lendScope(forAssigns: true) { scope throws(HostError) in try body(&scope.assigns) }
  }

  /// Not generic: a generic that another module calls looks up its types at run time, which was 2 % of a delivery in a room.
  private func lendScope(
    forAssigns: Bool = false, _ body: (inout CallbackScope) throws(HostError) -> Void
  ) throws(HostError) {
    let error = state.withLock { state -> HostError? in
      switch state.phase {
      case .running: guard state.isOnCurrentThread else { return .noCallback }
      // Whoever was given the deferred response may be faster than the callback's return.
      case .deferring, .deferred: break
      case .ended: return .channelClosed
      case .idle, .answeredEarly, .settling: return .noCallback
      }
      if forAssigns, state.invocation?.cause.buildsMessage == true {
        return HostError(.state, "socket: the assigns cannot change while a message for them is built")
      }
      guard let invocation = state.invocation else { return .channelClosed }
      do throws(HostError) {
        try body(&invocation.scope)
        return nil
      } catch {
        return error
      }
    }
    if let error { throw error }
  }

  /// Gives the message that the running `newState` or `updateState` was asked for.
  package func setMessage(_ message: StateMessage) throws(HostError) {
    guard !message.event.isEmpty else { throw HostError(.invalidArgument, "event: is empty") }
    guard state.withLock({ $0.invocation?.cause.buildsMessage }) == true else {
      if hasEnded { throw .channelClosed }
      throw HostError(.state, "socket: no callback runs that builds a message for the state")
    }
    try withScope { scope throws(HostError) in
      guard scope.message == nil else { throw HostError(.state, "socket: the message is set already") }
      scope.message = message
    }
  }

  /// Sets the response of the callback that runs.
  package func respond(_ response: Response) throws(HostError) {
    let cause = state.withLock { $0.invocation?.cause }
    switch (cause, response) {
    case (.event?, _), (.authorize?, _), (.initialize?, .error): break
    case (.initialize?, .reply):
      throw HostError(.state, "socket: init has no reply of its own, only an error")
    case (.openTopic?, .error): break
    case (.message?, _), (.beforeClose?, _), (.newState?, _), (.updateState?, _), (.update?, _),
      (.openTopic?, _),
      (.closeTopic?, _):
      throw HostError(.state, "socket: there is no push to reply to in this callback")
    case (nil, _): throw .noCallback
    }
    try withScope { scope throws(HostError) in
      guard scope.response == nil, scope.detached == nil else { throw .responseIsSet }
      scope.response = response
    }
  }

  /// Says that the response comes later, while the channel waits for it. Returns the name of the response for `finish`.
  ///
  /// - Parameter forTask: whether the host does so to run the callback as a task, which may yet detach its reply.
  package func deferResponse(forTask: Bool = false) throws(HostError) -> UInt64 {
    let result = state.withLock { state -> Swift.Result<UInt64, HostError> in
      if case .ended = state.phase { return .failure(.channelClosed) }
      guard case .running = state.phase else {
        return .failure(HostError(.state, "socket: no callback runs, or its response is deferred already"))
      }
      guard state.invocation?.scope.response == nil else { return .failure(.responseIsSet) }
      guard state.invocation?.scope.detached == nil else { return .failure(.responseIsDeferred) }
      state.isTask = forTask
      state.deferrals += 1
      state.phase = .deferring(state.deferrals)
      return .success(state.deferrals)
    }
    return try result.get()
  }

  /// Says that only the reply to the event comes later, by `reply(_:_:)`.
  package func detachReply() throws(HostError) -> DeferredReply {
    let reply = owner.nextDeferredReply()
    let error = state.withLock { state -> HostError? in
      switch state.phase {
      case .ended: return .channelClosed
      case .running: break
      case .deferring where state.isTask, .deferred where state.isTask: break
      case .deferring, .deferred: return .responseIsDeferred
      case .idle, .answeredEarly, .settling: return .noCallback
      }
      guard case .event? = state.invocation?.cause else {
        return HostError(.state, "socket: only the reply to an event can be detached")
      }
      guard state.invocation?.scope.response == nil else { return .responseIsSet }
      guard state.invocation?.scope.detached == nil else { return .responseIsDeferred }
      state.invocation?.scope.detached = reply
      return nil
    }
    if let error { throw error }
    return reply
  }

  // MARK: From any thread, later

  /// Finishes a deferred callback, with a response if it has none yet: a second one is an error of code `state`, after
  /// which the callback still waits.
  package func finish(
    _ deferral: UInt64, _ outcome: Outcome, response: Response? = nil
  ) throws(HostError) {
    let deferred = state.withLock { state -> Swift.Result<Invocation?, HostError> in
      switch state.phase {
      case .deferring where state.isAbandoned: return .failure(.channelClosed)
      case .deferring(deferral):
        if let error = Self.add(response, to: &state) { return .failure(error) }
        state.phase = .answeredEarly(outcome)
        return .success(nil)
      case .deferred(deferral):
        if let error = Self.add(response, to: &state) { return .failure(error) }
        guard let invocation = state.invocation else { return .failure(.channelClosed) }
        state.phase = .settling
        return .success(invocation)
      case .idle, .running, .deferring, .deferred, .answeredEarly, .settling, .ended:
        return .failure(.channelClosed)
      }
    }
    guard let invocation = try deferred.get() else { return }
    settle(invocation, outcome)
    let mustWake = state.withLock { state in
      Self.takeInvocation(&state) != nil && owner.enqueue(.completed(self, invocation, outcome))
    }
    if mustWake { owner.wake() }
  }

  private static func add(_ response: Response?, to state: inout State) -> HostError? {
    guard let response else { return nil }
    guard state.invocation?.scope.response == nil else { return .responseIsSet }
    state.invocation?.scope.response = response
    return nil
  }

  /// Whether `finish` would be accepted.
  package func isOpen(_ deferral: UInt64) -> Bool {
    state.withLock { state in
      switch state.phase {
      case .deferring(deferral), .deferred(deferral): !state.isAbandoned
      case .idle, .running, .deferring, .deferred, .answeredEarly, .settling, .ended: false
      }
    }
  }

  /// Whether the channel is gone.
  package var hasEnded: Bool { state.withLock { if case .ended = $0.phase { true } else { false } } }

  /// Ends the channel as one whose callback failed, and says why in the log.
  package func crash(cause: String, code: Int32?) throws(HostError) {
    if hasEnded { throw .channelClosed }
    owner.post(.crash(self, cause: cause, code: code))
  }

  /// Gives a detached reply.
  package func reply(_ deferred: DeferredReply, _ response: Response) throws(HostError) {
    if hasEnded { throw .channelClosed }
    owner.post(.reply(self, deferred, response))
  }

  /// Pushes an event to the client: in order with the callback that runs, else at once.
  package func push(event: String, payload: Payload) throws(HostError) {
    guard !event.isEmpty else { throw HostError(.invalidArgument, "event: is empty") }
    try perform(.push(event: event, payload: payload))
  }

  /// Does what can be done inside a callback and outside of one.
  package func perform(_ effect: Effect) throws(HostError) {
    if !isChannel, effect.needsChannel { throw .topicHasNoClient }
    try note(effect)
    let mustWake = state.withLock { state -> Bool? in
      switch state.phase {
      case .ended: return nil
      // Answered early it runs yet, and what it asked for before has not been posted.
      case .running, .deferring, .answeredEarly, .settling:
        state.invocation?.scope.effects.append(effect)
        return false
      case .idle, .deferred: return owner.enqueue(.effects(self, [effect]))
      }
    }
    guard let mustWake else { throw .channelClosed }
    if mustWake { owner.wake() }
  }

  /// Ends the channel when its callback is done, or as soon as it is free.
  package func stop(_ reason: CloseReason) throws(HostError) {
    guard !reason.rawValue.isEmpty else { throw HostError(.invalidArgument, "reason: is empty") }
    guard isChannel else { throw HostError(.state, "socket: this is a topic, which has no client to stop") }
    let now = state.withLock { state -> Bool? in
      switch state.phase {
      case .ended: return nil
      case .running, .deferring, .deferred:
        state.invocation?.scope.stop = reason
        return false
      case .idle, .answeredEarly, .settling: return true
      }
    }
    guard let now else { throw .channelClosed }
    if now { owner.post(.stop(self, reason)) }
  }

  /// Runs a function of the program's in the channel's order, when that has come.
  package func update(_ update: any ContextUpdate) throws(HostError) {
    if hasEnded { throw .channelClosed }
    guard isChannel else { throw HostError(.state, "socket: this is a topic; update it by its name") }
    if runsOnCurrentThread {
      throw HostError(.state, "socket: a callback of the channel runs here: change the assigns there")
    }
    owner.post(.update(self, update))
  }

  /// Where the host tells what happens in the channel.
  package var logger: Logger { owner.logger }

  // MARK: Attachment

  /// What the host keeps with the channel; dropped when the channel ends.
  package var attachment: (any AnyObject & Sendable)? { state.withLock { $0.attachment } }

  /// Replaces the attachment and returns the old one.
  package func attach(
    _ new: (any AnyObject & Sendable)?
  ) throws(HostError) -> (any AnyObject & Sendable)? {
    let old = state.withLock { state -> (isClosed: Bool, (any AnyObject & Sendable)?) in
      if case .ended = state.phase { return (true, nil) }
      let old = state.attachment
      state.attachment = new
      return (false, old)
    }
    guard !old.isClosed else { throw .channelClosed }
    return old.1
  }
}

extension Effect {
  /// Whether it is about the channel's own client or its own messages.
  fileprivate var needsChannel: Bool {
    switch self {
    case .push, .send, .sendAfter, .cancelTimer, .subscribe, .unsubscribe, .presenceState: true
    case .broadcast, .publish: false
    }
  }
}

extension HostError {
  static let topicHasNoClient = HostError(
    .state, "socket: this is a topic, which has no client; broadcast or publish on it")
  static let channelClosed = HostError(.closed, "socket: the channel is gone")
  /// What belongs to callbacks was asked for outside of one.
  package static let noCallback = HostError(
    .state,
    "socket: no callback of this channel runs on this thread; from elsewhere, change assigns by an update")
  fileprivate static let responseIsSet = HostError(.state, "socket: the response is set already")
  fileprivate static let responseIsDeferred = HostError(.state, "socket: the response is deferred already")
}
