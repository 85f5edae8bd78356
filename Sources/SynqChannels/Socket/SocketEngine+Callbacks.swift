import SynqJSON
import SynqWire

/// Callbacks: lending a scope to the host, and taking it back.
extension SocketEngine {
  /// Asks the host for a callback; the channel is busy until `complete`.
  mutating func invoke(_ cause: Invocation.Cause, on key: ChannelKey, into output: inout EngineOutput) {
    guard let machine = self[key] else { return }
    if case .event(_, let payload) = cause { machine.runningBytes = payload.size }
    let invocation = Invocation(channel: key, cause: cause, scope: CallbackScope(assigns: machine.assigns))
    machine.running = invocation
    output.actions.append(.invoke(invocation))
  }

  /// Takes the outcome of a callback: sends what it pushed, then its reply, then the state; then what waited goes on.
  package mutating func complete(
    _ invocation: Invocation, _ outcome: Outcome, into output: inout EngineOutput
  ) {
    let (key, cause) = (invocation.channel, invocation.cause)
    guard let machine = self[key] else { return }
    machine.running = nil
    machine.runningBytes = 0
    // Whoever gave the callback its topic's turn has taken what it made of these.
    invocation.scope.assigns.shared = nil
    if case .closing(let ending) = machine.phase {
      // The channel's end was decided while this callback ran.
      if case .beforeClose = cause {
        if case .crashed(let reason, let code) = outcome {
          logCrash(of: machine, cause: reason, code: code, during: cause, into: &output)
        }
        carryOut(invocation.scope.effects, of: key, into: &output)
        return finish(key, ending, into: &output)
      }
      if case .authorize = cause, accepts(outcome, invocation.scope.response) { machine.isAuthorized = true }
      carryOut(invocation.scope.effects, of: key, into: &output)
      switch outcome {
      case .returned:
        machine.assigns = invocation.scope.assigns
      case .refused: break
      case .crashed(let reason, let code):
        logCrash(of: machine, cause: reason, code: code, during: cause, into: &output)
      }
      return beforeClose(key, ending.reason, into: &output)
    }
    if case .authorize = cause {
      machine.assigns = invocation.scope.assigns
      if let reason = invocation.scope.stop { machine.mailbox.prepend(.stop(reason)) }
      completeAuthorize(key, outcome, response: invocation.scope.response, into: &output)
      carryOut(invocation.scope.effects, of: key, into: &output)
      return processMail(of: key, into: &output)
    }
    // An update that failed has done nothing, and who asked for it is told.
    if case .refused = outcome, case .update = cause { return processMail(of: key, into: &output) }
    carryOut(invocation.scope.effects, of: key, into: &output)
    if case .crashed(let reason, let code) = outcome {
      return crash(key, cause: reason, code: code, during: cause, into: &output)
    }
    swap(&machine.assigns, &invocation.scope.assigns)
    guard !machine.isClosing else { return }
    switch cause {
    case .initialize: completeInitialize(key, response: invocation.scope.response, into: &output)
    case .event:
      guard completeEvent(machine, invocation, into: &output) else { return }
      stateMayHaveChanged(key, into: &output)
    case .message, .update: stateMayHaveChanged(key, into: &output)
    case .newState(_, let version), .updateState(_, _, let version):
      guard
        completeMessage(
          cause, invocation.scope.message, version: version, of: machine, into: &output)
      else { return }
    case .authorize, .beforeClose, .openTopic, .closeTopic: break
    }
    if let reason = invocation.scope.stop {
      // The host is at the message for the last state, which comes before the end.
      if machine.isBusy { return machine.mailbox.prepend(.stop(reason)) }
      return close(key, ChannelMachine.Ending(reason: reason, isAnnounced: true), into: &output)
    }
    processMail(of: key, into: &output)
  }

  private func accepts(_ outcome: Outcome, _ response: Response?) -> Bool {
    switch (outcome, response) {
    case (.returned, nil): true
    case (.returned, .reply(let status, _)?): status == Response.ok
    case (.returned, .error?), (.refused, _), (.crashed, _): false
    }
  }

  /// Gives a reply that a callback left for later. False when it was given or its channel is gone.
  ///
  /// Another thread may be faster than the callback that left it: then the reply waits until that is complete.
  package mutating func reply(
    _ deferred: DeferredReply, _ response: Response, of key: ChannelKey, into output: inout EngineOutput
  ) -> Bool {
    guard let pending = deferredReplies.removeValue(forKey: deferred), let machine = self[pending.channel]
    else {
      guard let machine = self[key], machine.isBusy, machine.earlyReplies[deferred] == nil else {
        return false
      }
      machine.earlyReplies[deferred] = response
      return true
    }
    return encode(response, to: pending.ref, of: machine, into: &output)
  }

  /// Does what a host asked for outside of a callback.
  package mutating func perform(_ effects: [Effect], of key: ChannelKey, into output: inout EngineOutput) {
    carryOut(effects, of: key, into: &output)
    processMail(of: key, into: &output)
  }

  /// False when the channel crashed on its own response.
  private mutating func completeEvent(
    _ machine: ChannelMachine, _ invocation: Invocation, into output: inout EngineOutput
  ) -> Bool {
    let ref = machine.eventRef
    machine.eventRef = nil
    let (response, detached) = (invocation.scope.response, invocation.scope.detached)
    if let deferred = detached, let response = machine.earlyReplies[deferred] {
      machine.earlyReplies = [:]
      return encode(response, to: ref, of: machine, into: &output)
    }
    machine.earlyReplies = [:]
    if let deferred = detached {
      guard deferredReplies.count < limits.maxPendingReplies else {
        let report = ErrorReport(
          code: ErrorCode.tooManyPendingReplies,
          message: "more replies are owed than max_pending_replies (\(limits.maxPendingReplies))")
        replyError(report, joinRef: machine.joinRef, ref: ref, topic: Name(machine.topic), into: &output)
        return true
      }
      deferredReplies[deferred] = PendingReply(channel: machine.key, ref: ref)
      return true
    }
    // A callback that ends its channel answers only if it said so (`wire/channel_stops`).
    if response == nil, invocation.scope.stop != nil { return true }
    return encode(response ?? .receipt, to: ref, of: machine, into: &output)
  }

  private mutating func encode(
    _ response: Response, to ref: Ref?, of machine: ChannelMachine, into output: inout EngineOutput
  ) -> Bool {
    switch response {
    case .reply(let status, let payload):
      let fault = serializer.fault(
        of: payload, refs: [machine.joinRef, ref], names: [machine.topic, status])
      if let fault {
        crash(machine.key, cause: fault, into: &output)
        return false
      }
      encodeReply(
        joinRef: machine.joinRef, ref: ref, topic: machine.topic, status: status, payload: payload,
        into: &output)
    case .error(let report):
      replyError(report, joinRef: machine.joinRef, ref: ref, topic: Name(machine.topic), into: &output)
    }
    return true
  }

  func encodeReply(
    joinRef: Ref?, ref: Ref?, topic: String, status: String, payload: Payload, into output: inout EngineOutput
  ) {
    guard condition != .lost else { return }
    serializer.encodeReply(
      joinRef: joinRef, ref: ref, topic: Name(topic), status: status, response: payload, into: &output.outbox)
  }

  private mutating func carryOut(_ effects: [Effect], of key: ChannelKey, into output: inout EngineOutput) {
    guard !effects.isEmpty, let machine = self[key] else { return }
    for effect in effects {
      switch effect {
      case .push(let event, let payload):
        encodePush(event: event, payload: payload, of: machine, into: &output)
      case .broadcast(let event, let payload, let exceptSelf):
        output.actions.append(
          .broadcast(topic: machine.topic, event: event, payload: payload, except: exceptSelf ? key : nil))
      case .publish(let message, let payload, let replacing, let exceptSelf):
        output.actions.append(
          .publish(
            topic: machine.topic, message: message, payload: payload, key: replacing,
            except: exceptSelf ? key : nil))
      case .send(let message, let payload):
        send(
          HostMessage(topic: machine.topic, name: message, payload: .json(payload)), to: machine,
          into: &output)
      case .sendAfter(let delay, let message, let payload, let timer):
        let message = HostMessage(
          topic: machine.topic, name: message, payload: .json(payload), timer: timer)
        output.actions.append(.sendAfter(key, delay, message))
      case .cancelTimer(let timer):
        machine.mailbox.removeMessage(ofTimer: timer)
        output.actions.append(.cancelTimer(key, timer))
      case .subscribe(let topic): output.actions.append(.subscribe(key, topic: topic))
      case .presenceState: output.actions.append(.presenceState(key))
      case .unsubscribe(let topic): output.actions.append(.unsubscribe(key, topic: topic))
      }
    }
  }

  private mutating func encodePush(
    event: String, payload: Payload, of machine: ChannelMachine, into output: inout EngineOutput
  ) {
    guard condition != .lost, !machine.isClosing else { return }
    if let fault = serializer.fault(of: payload, refs: [machine.joinRef], names: [machine.topic, event]) {
      return crash(machine.key, cause: fault, into: &output)
    }
    guard let wrapping = machine.spec.options.dialect.wrappingEvent, case .json(let json) = payload else {
      return serializer.encodePush(
        joinRef: machine.joinRef, topic: Name(machine.topic), event: event, payload: payload,
        into: &output.outbox)
    }
    serializer.encodeText(
      joinRef: machine.joinRef, ref: nil, topic: Name(machine.topic), event: Name(wrapping),
      into: &output.outbox
    ) { writer in
      writer.append("{\"name\":")
      writer.append(jsonString: event)
      writer.append(",\"detail\":")
      writer.append(json: json)
      writer.append(UInt8(ascii: "}"))
    }
  }
}
