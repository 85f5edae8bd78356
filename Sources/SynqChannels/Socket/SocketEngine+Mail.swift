import SynqJSON
import SynqWire

/// What waits for a channel, and what it becomes when the channel is free.
extension SocketEngine {
  /// A message of the server for `handle_message`.
  package mutating func deliver(
    _ message: HostMessage, to key: ChannelKey, into output: inout EngineOutput
  ) {
    guard let machine = self[key], takes(message, machine, into: &output) else { return }
    enqueue(.message(message), for: key, into: &output)
  }

  /// A message of a channel to itself, which comes after what waits already.
  mutating func send(_ message: HostMessage, to machine: ChannelMachine, into output: inout EngineOutput) {
    guard takes(message, machine, into: &output), hasRoom(for: message, machine, into: &output) else {
      return
    }
    machine.mailbox.append(.message(message))
  }

  private func takes(
    _ message: HostMessage, _ machine: ChannelMachine, into output: inout EngineOutput
  ) -> Bool {
    guard !machine.isClosing else { return false }
    if machine.spec.callbacks.contains(.handleMessage) { return true }
    output.actions.append(
      .log(
        LogEntry(
          .warning, "a message was dropped: the channel has no handle_message",
          [("topic", machine.topic), ("message", message.name)])))
    return false
  }

  /// False if the channel crashed for what waits already.
  private mutating func hasRoom(
    for message: HostMessage?, _ machine: ChannelMachine, into output: inout EngineOutput
  ) -> Bool {
    let limit = limits.maxQueuedMessages
    if machine.mailbox.messages < limit || message.map({ machine.mailbox.replaces($0) }) == true {
      tellLag(of: machine, into: &output)
      return true
    }
    crash(
      machine.key, cause: "more messages wait for the channel than max_queued_messages (\(limit))",
      into: &output)
    return false
  }

  /// Runs a function of the program's in the channel's order; false if the channel has ended or is about to.
  package mutating func update(
    _ key: ChannelKey, _ update: any Update, into output: inout EngineOutput
  ) -> Bool {
    guard let machine = self[key], !machine.isClosing else { return false }
    enqueue(.update(update), for: key, into: &output)
    return true
  }

  /// Says once that a channel does not keep up, when a tenth of what may wait does.
  private func tellLag(of machine: ChannelMachine, into output: inout EngineOutput) {
    let limit = limits.maxQueuedMessages
    guard limit >= 100, machine.mailbox.messages >= limit / 10, !machine.mailbox.isLagTold else { return }
    machine.mailbox.isLagTold = true
    output.actions.append(
      .log(
        LogEntry(
          .warning, "messages wait for a channel that does not keep up: it ends when max_queued_messages do",
          [
            ("topic", machine.topic), ("waiting", "\(machine.mailbox.messages)"),
            ("max_queued_messages", "\(limit)"),
          ])))
  }

  /// Ends a channel as soon as it is free, for a host that asked from outside a callback.
  package mutating func stop(_ key: ChannelKey, reason: CloseReason, into output: inout EngineOutput) {
    guard let machine = self[key], !machine.isClosing else { return }
    enqueue(.stop(reason), for: key, into: &output)
  }

  mutating func enqueue(_ mail: ChannelMachine.Mail, for key: ChannelKey, into output: inout EngineOutput) {
    guard let machine = self[key] else { return }
    if !machine.isBusy, machine.mailbox.count == 0, machine.isJoined {
      process(mail, of: key, into: &output)
      return
    }
    switch mail {
    case .event(_, _, let ref), .refresh(let ref):
      guard hasRoom(for: mail, machine) else {
        return refuseMail(joinRef: machine.newestJoinRef, ref: ref, of: machine, into: &output)
      }
    case .leave(let ref):
      if machine.mailbox.events >= limits.maxQueuedEvents {
        // A client that has enough of a channel need not wait for its turn.
        if machine.isJoined, machine.queuedJoinRef == nil {
          return processLeave(ref: ref, of: key, into: &output)
        }
        return refuseMail(joinRef: machine.newestJoinRef, ref: ref, of: machine, into: &output)
      }
    case .join(let message):
      guard hasRoom(for: mail, machine) else {
        return refuseMail(joinRef: message.joinRef, ref: message.ref, of: machine, into: &output)
      }
      machine.queuedJoinRef = .some(message.joinRef)
    case .message(let message):
      guard hasRoom(for: message, machine, into: &output) else { return }
    case .update:
      guard hasRoom(for: nil, machine, into: &output) else { return }
    case .stop: break
    }
    machine.mailbox.append(mail)
  }

  /// Whether a client's message may wait: few enough do, and all that wait on the socket are small enough. One may be
  /// as large as it likes, so that no limit shuts out what another one admits.
  private func hasRoom(for mail: ChannelMachine.Mail, _ machine: ChannelMachine) -> Bool {
    machine.mailbox.events < limits.maxQueuedEvents && hasRoom(forBytes: mail.bytes)
  }

  /// Whether so much more may wait.
  func hasRoom(forBytes bytes: Int) -> Bool {
    let waiting = machines.reduce(0) { $0 + ($1?.waitingBytes ?? 0) }
    return waiting == 0 || waiting + bytes <= limits.maxQueuedBytes
  }

  /// About how much memory the channels hold for what the client sent. O(channels).
  package var heldBytes: Int {
    machines.reduce(0) { $0 + ($1.map { $0.waitingBytes + $0.runningBytes } ?? 0) }
  }

  private func refuseMail(
    joinRef: Ref?, ref: Ref?, of machine: ChannelMachine, into output: inout EngineOutput
  ) {
    refuseMail(joinRef: joinRef, ref: ref, topic: machine.topic, into: &output)
  }

  func refuseMail(joinRef: Ref?, ref: Ref?, topic: String, into output: inout EngineOutput) {
    let report = ErrorReport(
      code: ErrorCode.tooManyQueuedEvents,
      message:
        "more waits than max_queued_events (\(limits.maxQueuedEvents)) or max_queued_bytes (\(limits.maxQueuedBytes))"
    )
    replyError(report, joinRef: joinRef, ref: ref, topic: Name(topic), into: &output)
  }

  /// Processes what waits until the channel is busy, gone or idle.
  mutating func processMail(of key: ChannelKey, into output: inout EngineOutput) {
    while let machine = self[key], !machine.isBusy, machine.isJoined {
      guard let mail = machine.mailbox.popFirst() else { return }
      process(mail, of: key, into: &output)
    }
  }

  private mutating func process(
    _ mail: ChannelMachine.Mail, of key: ChannelKey, into output: inout EngineOutput
  ) {
    switch mail {
    case .event(let name, let payload, let ref): processEvent(name, payload, ref: ref, of: key, into: &output)
    case .refresh(let ref): processRefresh(ref: ref, of: key, into: &output)
    case .leave(let ref): processLeave(ref: ref, of: key, into: &output)
    case .join:
      guard let machine = self[key] else { return }
      guard condition == .open else {
        return close(key, ChannelMachine.Ending(reason: .closed, isAnnounced: false), into: &output)
      }
      // What came after the join is for the channel that it makes.
      passOn(CollectionOfOne(mail) + machine.mailbox.removeAll(), from: machine, into: &output)
    case .message(let message):
      guard let machine = self[key] else { return }
      if case .live = machine.phase { return invoke(.message(message), on: key, into: &output) }
      output.actions.append(
        .log(
          LogEntry(
            .debug, "a message was dropped: the channel has no state, because its init failed",
            [("topic", machine.topic), ("message", message.name)])))
    case .update(let update): invoke(.update(update), on: key, into: &output)
    case .stop(let reason):
      close(key, ChannelMachine.Ending(reason: reason, isAnnounced: true), into: &output)
    }
  }

  private mutating func processEvent(
    _ name: String, _ payload: Payload, ref: Ref?, of key: ChannelKey, into output: inout EngineOutput
  ) {
    guard let machine = self[key] else { return }
    if case .failed = machine.phase {
      let report = ErrorReport(
        code: ErrorCode.notInitialized,
        message: "the channel has no state, because its init failed; ask for a refresh")
      return replyError(report, to: ref, of: key, into: &output)
    }
    guard machine.spec.callbacks.contains(.handleEvent) else {
      let report = ErrorReport(code: ErrorCode.unknownEvent, message: "the channel handles no events")
      return replyError(report, to: ref, of: key, into: &output)
    }
    machine.eventRef = ref
    invoke(.event(name: name, payload: payload), on: key, into: &output)
  }

  private mutating func processRefresh(ref: Ref?, of key: ChannelKey, into output: inout EngineOutput) {
    guard let machine = self[key] else { return }
    encodeReply(
      joinRef: machine.joinRef, ref: ref, topic: machine.topic, status: Response.ok, payload: .empty,
      into: &output)
    if case .failed = machine.phase { return initialize(key, into: &output) }
    machine.state.needsFullState = true
    stateMayHaveChanged(key, into: &output)
  }

  private mutating func processLeave(ref: Ref?, of key: ChannelKey, into output: inout EngineOutput) {
    guard let machine = self[key] else { return }
    encodeReply(
      joinRef: machine.joinRef, ref: ref, topic: machine.topic, status: Response.ok, payload: .empty,
      into: &output)
    close(key, ChannelMachine.Ending(reason: .left, isAnnounced: true), into: &output)
  }

  private func replyError(
    _ report: ErrorReport, to ref: Ref?, of key: ChannelKey, into output: inout EngineOutput
  ) {
    guard let machine = self[key] else { return }
    replyError(report, joinRef: machine.joinRef, ref: ref, topic: Name(machine.topic), into: &output)
  }
}
