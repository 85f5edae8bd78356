import Logging
import SynqChannels
import Synchronization

/// What the topic's own callbacks lead to, which has no client and needs no event loop.
extension SharedTopic: ContextOwner {
  var logger: Logger { hub.logger }
  var presences: PresenceDirectory { hub.presences }
  func metrics(of spec: ChannelSpec) -> CallbackMetrics? { hub.metrics(of: spec) }

  func enqueue(_ message: LoopMessage) -> Bool {
    inbox.withLock { inbox in
      inbox.append(message)
      return inbox.count == 1
    }
  }

  func wake() {
    while true {
      // Left in until it is done, so that nobody else begins meanwhile and the order stays.
      let messages = inbox.withLock { $0 }
      for message in messages { process(message) }
      let isEmpty = inbox.withLock { inbox in
        inbox.removeFirst(messages.count)
        return inbox.isEmpty
      }
      if isEmpty { return }
    }
  }

  private func process(_ message: LoopMessage) {
    switch message {
    case .completed(let context, let invocation, let outcome):
      completed(invocation, outcome)
      context.end()
    case .effects(_, let effects): carryOut(effects)
    default: break
    }
  }

  private func completed(_ invocation: Invocation, _ outcome: Outcome) {
    if case .refused = outcome {} else { carryOut(invocation.scope.effects) }
    var error: HostError?
    switch (outcome, invocation.scope.response) {
    case (.crashed(let cause, let code), _):
      error = HostError(.invalidArgument, "\(invocation.cause.callbackName): \(cause)")
      logFailure(of: invocation.cause, cause: cause, code: code)
    case (_, .error(let report)?):
      error = HostError(.notFound, report.message)
      if case .openTopic = invocation.cause {
        logFailure(of: invocation.cause, cause: "\(report.code): \(report.message)", code: nil)
      }
    case (.returned, _), (.refused, _): break
    }
    // One that was refused was never on a thread for callbacks.
    if case .update(let update) = invocation.cause {
      hub.end(update, error, isOnCallbackThread: invocation.scope.response == nil)
    }
  }

  private func logFailure(of cause: Invocation.Cause, cause reason: String, code: Int32?) {
    var fields = [
      (name: "topic", value: name), (name: "callback", value: cause.callbackName),
      (name: "cause", value: reason),
    ]
    if let code { fields.append(("code", "\(code)")) }
    hub.stats.crashes.add()
    hub.log(LogEntry(.error, "a callback of the topic failed", fields, kind: .crash), peer: "")
  }

  private func carryOut(_ effects: [Effect]) {
    for effect in effects {
      switch effect {
      case .broadcast(let event, let payload, _): hub.broadcast(topic: name, event: event, payload: payload)
      case .publish(let message, let payload, let key, _):
        hub.publish(topic: name, message: message, payload: payload, key: key)
      case .push, .send, .sendAfter, .cancelTimer, .subscribe, .unsubscribe, .presenceState: break
      }
    }
  }

  func releaseOnHostThread(_ body: @escaping @Sendable () -> Void) { hub.delivery.release(body) }

  func nextDeferredReply() -> DeferredReply { DeferredReply(rawValue: 0) }
}
