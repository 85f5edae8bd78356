import SynqJSON
import SynqWire

/// Joining: a topic's channel is found, authorized, answered and initialised.
extension SocketEngine {
  /// - Parameter wasQueued: whether it waited for an earlier join of its topic, and was counted then.
  mutating func join(_ message: Message, wasQueued: Bool = false, into output: inout EngineOutput) {
    let topic = message.topic.text
    guard !topic.containsNUL, let spec = router.match(topic) else {
      return replyUnmatched(to: message, into: &output)
    }
    if !wasQueued, joinBucket?.take(at: now) == false {
      let report = ErrorReport(
        code: ErrorCode.tooManyJoins,
        message: "more joins than max_joins_per_second (\(limits.maxJoinsPerSecond)) allows; try again later")
      return replyError(report, joinRef: message.joinRef, to: message, into: &output)
    }
    guard let oldKey = topics[Topic(topic)], let old = self[oldKey] else {
      guard hasRoom else {
        return replyReason("too many channels joined", joinRef: message.joinRef, to: message, into: &output)
      }
      guard hasRoom(forBytes: message.payload.size) else {
        return refuseMail(
          joinRef: message.joinRef, ref: message.ref, topic: message.topic.text, into: &output)
      }
      let key = addMachine(spec: spec, join: message, into: &output)
      return authorize(key, into: &output)
    }
    // As in Phoenix, where a join is finished before the next message is read.
    guard old.queuedJoinRef == nil else { return enqueue(.join(message), for: oldKey, into: &output) }
    switch old.phase {
    case .waiting, .authorizing: enqueue(.join(message), for: oldKey, into: &output)
    case .initializing, .live, .failed:
      let key = addMachine(spec: spec, join: message, after: old, into: &output)
      self[key]?.replacedJoinRef = .some(old.joinRef)
      close(oldKey, ChannelMachine.Ending(reason: .duplicateJoin, isAnnounced: false), into: &output)
    case .closing:
      // The client came back before before_close was done: the topic's channels never overlap.
      guard hasRoom else {
        return replyReason("too many channels joined", joinRef: message.joinRef, to: message, into: &output)
      }
      _ = addMachine(spec: spec, join: message, after: old, into: &output)
    }
  }

  /// Whether one more channel may be joined. Channels that end still cost what they cost, so that there are bounds to
  /// them too.
  private var hasRoom: Bool {
    channelCount < limits.maxChannels && machines.count - freeSlots.count < 2 * limits.maxChannels
  }

  /// - Parameter predecessor: the topic's channel that must end first.
  private mutating func addMachine(
    spec: ChannelSpec, join: Message, after predecessor: ChannelMachine? = nil,
    into output: inout EngineOutput
  ) -> ChannelKey {
    let mailCount = mailCount
    let assigns = Assigns(spec: spec, untracked: connectionAssigns)
    let key = add { ChannelMachine(key: $0, spec: spec, join: join, assigns: assigns, count: mailCount) }
    topics[Topic(join.topic.text)] = key
    if let predecessor, let machine = self[key] {
      machine.phase = .waiting
      machine.predecessor = predecessor.key
      predecessor.successor = key
    }
    for name in spec.options.track where connectionAssigns[NameKey(name)] != nil && assigns[name] == nil {
      output.actions.append(
        .log(
          LogEntry(
            .warning,
            "an assign of the connection is not taken over: it has a member that breaks JavaScript clients",
            [("topic", join.topic.text), ("assign", name)])))
    }
    return key
  }

  /// Begins the join of a channel whose predecessor has ended. One that ends at once has its successor begun here, not
  /// from within.
  mutating func start(_ key: ChannelKey, into output: inout EngineOutput) {
    starting.append(key)
    guard !isStarting else { return }
    isStarting = true
    var next = 0
    while next < starting.count {
      authorize(starting[next], into: &output)
      next += 1
    }
    starting.removeAll()
    isStarting = false
  }

  /// Begins the join of a new channel, or of one whose predecessor has ended.
  mutating func authorize(_ key: ChannelKey, into output: inout EngineOutput) {
    guard let machine = self[key] else { return }
    machine.phase = .authorizing
    if machine.spec.callbacks.contains(.authorize) {
      invoke(.authorize(params: machine.params), on: key, into: &output)
    } else {
      accept(key, response: nil, into: &output)
    }
  }

  /// Takes the outcome of `authorize`.
  mutating func completeAuthorize(
    _ key: ChannelKey, _ outcome: Outcome, response: Response?, into output: inout EngineOutput
  ) {
    switch (outcome, response) {
    case (.crashed(let cause, let code), _):
      if let machine = self[key] {
        logCrash(of: machine, cause: cause, code: code, during: .authorize(params: .empty), into: &output)
      }
      reject(key, into: &output) { engine, joined, output in
        engine.replyReason("join crashed", joinRef: joined.joinRef, to: joined.joinMessage, into: &output)
      }
    case (.returned, .error(let report)?), (.refused, .error(let report)?):
      reject(key, into: &output) { engine, joined, output in
        engine.replyError(report, joinRef: joined.joinRef, to: joined.joinMessage, into: &output)
      }
    case (.refused, .reply(_, let payload)?):
      reject(key, into: &output) { engine, joined, output in
        engine.replyToJoin(joined, status: Response.failed, payload, into: &output)
      }
    case (.refused, nil):
      reject(key, into: &output) { engine, joined, output in
        let report = ErrorReport(code: ErrorCode.unauthorized, message: "the join was refused")
        engine.replyError(report, joinRef: joined.joinRef, to: joined.joinMessage, into: &output)
      }
    case (.returned, .reply(let status, let payload)?) where status != Response.ok:
      reject(key, into: &output) { engine, joined, output in
        engine.replyToJoin(joined, status: status, payload, into: &output)
      }
    case (.returned, .reply(_, let payload)?):
      accept(key, response: payload, into: &output)
    case (.returned, nil):
      accept(key, response: nil, into: &output)
    }
  }

  private mutating func accept(_ key: ChannelKey, response: Payload?, into output: inout EngineOutput) {
    guard let machine = self[key] else { return }
    machine.isAuthorized = true
    machine.phase = .initializing
    // Of a connection that is lost, what the client sent after the join is handled yet.
    guard condition == .open || condition == .lost && machine.mailbox.events > 0 else {
      let reason: CloseReason = condition == .draining ? .draining : .closed
      return close(key, ChannelMachine.Ending(reason: reason, isAnnounced: false), into: &output)
    }
    let isAnswered = replyToJoin(machine, status: Response.ok, response ?? .empty, into: &output)
    announceReplaced(key, into: &output)
    guard isAnswered else {
      return close(key, ChannelMachine.Ending(reason: .crashed, isAnnounced: false), into: &output)
    }
    output.actions.append(.joined(key))
    initialize(key, into: &output)
  }

  /// Answers a join; false if its payload has no form for this client, who is told that the join crashed.
  @discardableResult
  private func replyToJoin(
    _ joined: ChannelMachine, status: String, _ payload: Payload, into output: inout EngineOutput
  ) -> Bool {
    let fault = serializer.fault(
      of: payload, refs: [joined.joinRef, joined.joinReplyRef], names: [joined.topic, status])
    if let fault {
      logCrash(of: joined, cause: fault, code: nil, during: .authorize(params: .empty), into: &output)
      replyReason("join crashed", joinRef: joined.joinRef, to: joined.joinMessage, into: &output)
      return false
    }
    encodeReply(
      joinRef: joined.joinRef, ref: joined.joinReplyRef, topic: joined.topic, status: status,
      payload: payload,
      into: &output)
    return true
  }

  /// Refuses a join with the reply that `reply` encodes; the topic is free again.
  private mutating func reject(
    _ key: ChannelKey, into output: inout EngineOutput,
    reply: (borrowing SocketEngine, ChannelMachine, inout EngineOutput) -> Void
  ) {
    guard let machine = self[key] else { return }
    if condition == .open {
      reply(self, machine, &output)
      announceReplaced(key, into: &output)
    }
    end(key, into: &output)
  }

  /// The replaced channel's `phx_close` comes after the new join's reply (`wire/duplicate_join`).
  private mutating func announceReplaced(_ key: ChannelKey, into output: inout EngineOutput) {
    guard let machine = self[key], let joinRef = machine.replacedJoinRef else { return }
    machine.replacedJoinRef = nil
    encodeEnd(PhoenixEvent.close, joinRef: joinRef, topic: machine.topic, into: &output)
  }

  /// Runs `init`; the first full state follows.
  mutating func initialize(_ key: ChannelKey, into output: inout EngineOutput) {
    guard let machine = self[key] else { return }
    machine.phase = .initializing
    // What the topic shares is there once its turn has come, also where the program has nothing to do then.
    if machine.spec.callbacks.contains(.initialize) || machine.spec.hasSharedAssigns {
      invoke(.initialize(params: machine.params), on: key, into: &output)
    } else {
      machine.params = .empty
      machine.phase = .live
      stateMayHaveChanged(key, into: &output)
      processMail(of: key, into: &output)
    }
  }

  /// Takes the outcome of `init`.
  mutating func completeInitialize(_ key: ChannelKey, response: Response?, into output: inout EngineOutput) {
    guard let machine = self[key] else { return }
    // A failed one may be tried again, with the same params.
    guard case .error(let report)? = response else {
      machine.params = .empty
      machine.phase = .live
      return stateMayHaveChanged(key, into: &output)
    }
    machine.phase = .failed
    let now = timestamp()
    let dialect = machine.spec.options.dialect
    serializer.encodeText(
      joinRef: machine.joinRef, ref: nil, topic: Name(machine.topic), event: Name(dialect.errorEvent),
      into: &output.outbox
    ) {
      report.append(to: &$0, timestamp: now, type: dialect == .liveState ? report.code : nil)
    }
  }
}

extension ChannelMachine {
  /// The join as a message, for its replies.
  fileprivate var joinMessage: Message {
    Message(
      joinRef: joinRef, ref: joinReplyRef, topic: Name(topic), event: Name(PhoenixEvent.join), payload: .empty
    )
  }
}
