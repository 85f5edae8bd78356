import SynqWire

/// The end of channels and of the socket. Each channel whose `authorize` succeeded gets `before_close` exactly once.
extension SocketEngine {
  /// The connection is gone: every channel ends, nothing is sent; `Action.finished` follows.
  ///
  /// A channel that has yet to handle what its client sent before ends behind that, as a process does which takes the end
  /// of its connection out of its mailbox. `giveUpEvents` ends the wait.
  package mutating func connectionLost(into output: inout EngineOutput) {
    guard condition != .lost else { return }
    let wasOpen = condition == .open
    condition = .lost
    endAllChannels(.closed, behindEvents: wasOpen, into: &output)
  }

  /// Ends the channels of a lost connection that still handle what came before: they had their time.
  package mutating func giveUpEvents(into output: inout EngineOutput) {
    guard condition == .lost else { return }
    endAllChannels(.closed, into: &output)
  }

  /// Whether channels of a lost connection still handle what came before.
  package var handlesLastEvents: Bool {
    condition == .lost && machines.contains { $0.map { $0.mailbox.events > 0 } ?? false }
  }

  /// Ends every channel for a server that stops; `Action.finished` follows, and then the host closes the connection.
  package mutating func drain(reason: CloseReason, into output: inout EngineOutput) {
    guard condition == .open else { return }
    condition = .draining
    endAllChannels(reason, into: &output)
  }

  /// - Parameter behindEvents: whether channels for which events wait end when these were handled.
  private mutating func endAllChannels(
    _ reason: CloseReason, behindEvents: Bool = false, into output: inout EngineOutput
  ) {
    for machine in machines {
      guard let machine else { continue }
      switch machine.phase {
      case .waiting: end(machine.key, into: &output)
      case .authorizing, .initializing, .live, .failed:
        if behindEvents, machine.mailbox.events > 0 {
          machine.mailbox.append(.stop(reason))
          continue
        }
        close(machine.key, ChannelMachine.Ending(reason: reason, isAnnounced: false), into: &output)
      case .closing: break
      }
    }
    finishSocketIfEmpty(into: &output)
  }

  /// A callback failed, or what a host does later for one, or the client sent what crashes a channel: the client gets
  /// `phx_error` and rejoins.
  package mutating func crash(
    _ key: ChannelKey, cause: String, code: Int32? = nil, during callback: Invocation.Cause? = nil,
    into output: inout EngineOutput
  ) {
    guard let machine = self[key], !machine.isClosing else { return }
    logCrash(of: machine, cause: cause, code: code, during: callback, into: &output)
    close(key, ChannelMachine.Ending(reason: .crashed, isAnnounced: true), into: &output)
  }

  func logCrash(
    of machine: ChannelMachine, cause: String, code: Int32?, during callback: Invocation.Cause?,
    into output: inout EngineOutput
  ) {
    var fields = [(name: "topic", value: machine.topic)]
    if let callback { fields.append(("callback", callback.callbackName)) }
    if let event = callback?.eventName { fields.append(("event", event)) }
    fields.append(("cause", cause))
    if let code { fields.append(("code", "\(code)")) }
    output.actions.append(.log(LogEntry(.error, "the channel crashed", fields, kind: .crash)))
  }

  /// Begins the end of a channel: at once if it is free, else when its callback is done.
  mutating func close(_ key: ChannelKey, _ ending: ChannelMachine.Ending, into output: inout EngineOutput) {
    guard let machine = self[key], !machine.isClosing else { return }
    sendLastState(of: machine, before: ending, into: &output)
    machine.phase = .closing(ending)
    passOn(machine.mailbox.removeAll(), from: machine, into: &output)
    if machine.isBusy {
      // `complete` goes on from here.
      output.actions.append(.closing(key))
    } else {
      beforeClose(key, ending.reason, into: &output)
    }
  }

  /// Sends a state that waits for the client to read where the host ends the channel: there is no later time.
  private mutating func sendLastState(
    of machine: ChannelMachine, before ending: ChannelMachine.Ending, into output: inout EngineOutput
  ) {
    guard machine.isDirty, !machine.isBusy, ending.isAnnounced, ending.reason.isOrderly,
      ending.reason != .left,
      !machine.spec.hasMessageBuilder
    else { return }
    encodeState(of: machine, into: &output)
  }

  /// What waited for a channel which ends: a join is begun, and what came after it is for the channel that it makes;
  /// what came before is answered as what comes too late.
  mutating func passOn(
    _ mails: some Sequence<ChannelMachine.Mail>, from machine: ChannelMachine, into output: inout EngineOutput
  ) {
    machine.queuedJoinRef = nil
    for case .update(let update) in mails { output.actions.append(.dropped(update)) }
    guard condition == .open else { return }
    var heir: ChannelKey?
    for mail in mails {
      if let heir, let machine = self[heir], !machine.isClosing {
        switch mail {
        case .event, .refresh, .leave, .join: enqueue(mail, for: heir, into: &output)
        case .message, .update, .stop: break
        }
        continue
      }
      switch mail {
      case .event(let name, _, let ref):
        let message = Message(
          joinRef: nil, ref: ref, topic: Name(machine.topic), event: Name(name), payload: .empty)
        replyUnmatched(to: message, into: &output)
      case .refresh(let ref):
        let message = Message(
          joinRef: nil, ref: ref, topic: Name(machine.topic), event: Name(""), payload: .empty)
        replyUnmatched(to: message, into: &output)
      case .leave(let ref):
        encodeReply(
          joinRef: machine.joinRef, ref: ref, topic: machine.topic, status: Response.ok, payload: .empty,
          into: &output)
      case .join(let message):
        join(message, wasQueued: true, into: &output)
        heir = topics[Topic(machine.topic)]
      case .message, .update, .stop: break
      }
    }
  }

  mutating func beforeClose(_ key: ChannelKey, _ reason: CloseReason, into output: inout EngineOutput) {
    guard let machine = self[key], case .closing(let ending) = machine.phase else { return }
    if machine.isAuthorized, machine.spec.callbacks.contains(.beforeClose) {
      invoke(.beforeClose(reason), on: key, into: &output)
    } else {
      finish(key, ending, into: &output)
    }
  }

  /// The channel's last callback is done.
  mutating func finish(_ key: ChannelKey, _ ending: ChannelMachine.Ending, into output: inout EngineOutput) {
    guard let machine = self[key] else { return }
    if ending.isAnnounced, condition == .open {
      let event = ending.reason.isOrderly ? PhoenixEvent.close : PhoenixEvent.error
      encodeEnd(event, joinRef: machine.joinRef, topic: machine.topic, into: &output)
    }
    end(key, into: &output)
  }

  /// Forgets a channel; the one that waits for it goes on.
  mutating func end(_ key: ChannelKey, into output: inout EngineOutput) {
    guard let machine = self[key] else { return }
    let waiting = machine.mailbox.removeAll()
    remove(key)
    output.actions.append(.ended(key))
    if let successor = machine.successor, condition == .open {
      start(successor, into: &output)
    }
    passOn(waiting, from: machine, into: &output)
    finishSocketIfEmpty(into: &output)
  }

  private func finishSocketIfEmpty(into output: inout EngineOutput) {
    if condition != .open, freeSlots.count == machines.count, !output.actions.contains(where: \.isFinished) {
      output.actions.append(.finished)
    }
  }

  /// `phx_close` and `phx_error` carry the join_ref as their ref too (`wire/README.md`).
  func encodeEnd(_ event: String, joinRef: Ref?, topic: String, into output: inout EngineOutput) {
    serializer.encodePush(
      joinRef: joinRef, ref: joinRef, topic: Name(topic), event: event, payload: .empty, into: &output.outbox)
  }
}

extension Action {
  fileprivate var isFinished: Bool { if case .finished = self { true } else { false } }
}
