import SynqJSON
import SynqWire

/// State on its way to the client: at once or when the transport takes it, in the library's messages or in the host's.
extension SocketEngine {
  /// Appends states that wait, until none does or the outbox is full.
  package mutating func encodeStates(into output: inout EngineOutput) {
    let keys = dirty
    dirty.removeAll(keepingCapacity: true)
    for (index, key) in keys.enumerated() {
      guard output.outbox.bytes.count < Self.fullOutbox else {
        dirty += keys[index...]
        return
      }
      if let machine = self[key] { encodeState(of: machine, into: &output) }
    }
  }

  /// Notes that a channel's state may have changed; encodes it at once if the transport takes it.
  mutating func stateMayHaveChanged(_ key: ChannelKey, into output: inout EngineOutput) {
    guard let machine = self[key], machine.spec.hasState, case .live = machine.phase else { return }
    if mustPause(machine, into: &output) { return }
    if isWritable, output.outbox.bytes.count < Self.fullOutbox {
      encodeState(of: machine, into: &output)
    } else {
      stateMustWait(machine)
    }
  }

  /// Whether the last state message is too young. Then `endPause` follows.
  private func mustPause(_ machine: ChannelMachine, into output: inout EngineOutput) -> Bool {
    guard machine.spec.ownPatchInterval > 0, machine.state.isStarted, !machine.state.needsFullState,
      now < machine.nextStateAt
    else { return false }
    if let topic = machine.topicState { machine.state.fallBehind(topic) }
    if !machine.waitsForPause {
      machine.waitsForPause = true
      output.actions.append(.pauseState(machine.key, nanoseconds: machine.nextStateAt - now))
    }
    return true
  }

  /// The pause after the last state message of a channel is over.
  package mutating func endPause(_ key: ChannelKey, into output: inout EngineOutput) {
    guard let machine = self[key], machine.waitsForPause else { return }
    machine.waitsForPause = false
    stateMayHaveChanged(key, into: &output)
  }

  private mutating func stateMustWait(_ machine: ChannelMachine) {
    if let topic = machine.topicState { machine.state.fallBehind(topic) }
    guard !machine.isDirty else { return }
    machine.isDirty = true
    dirty.append(machine.key)
  }

  mutating func encodeState(of machine: ChannelMachine, into output: inout EngineOutput) {
    machine.isDirty = false
    guard condition != .lost, case .live = machine.phase else { return }
    if let topic = machine.topicState, machine.state.lacksChange(by: machine.running, topic) { return }
    if machine.spec.hasMessageBuilder { return buildState(of: machine, into: &output) }
    let before = output.outbox.bytes.count
    machine.state.encode(machine.current, as: form(of: machine), into: &output.outbox)
    if output.outbox.bytes.count > before { machine.nextStateAt = now + machine.spec.ownPatchInterval }
  }

  private func form(of machine: ChannelMachine) -> SyncedState.Form {
    SyncedState.Form(
      joinRef: machine.joinRef, topic: Name(machine.topic), serializer: serializer,
      maxPatchBytes: limits.maxPatchBytes)
  }

  // MARK: What the topic shares

  /// Lets a channel follow what its topic shares; before its `init` is completed.
  package func follow(_ topic: TopicState, on key: ChannelKey) { self[key]?.topicState = topic }

  /// How a channel is brought one step nearer to its topic's state.
  package enum Step {
    /// It is there, or must wait.
    case none
    /// The transport sends this, and asks again.
    case message(PreparedMessage)
    /// What it needs is in the outbox.
    case written
  }

  /// Brings a client one step nearer to what its topic shares.
  package mutating func step(_ key: ChannelKey, into output: inout EngineOutput) -> Step {
    guard condition == .open, let machine = self[key], let topic = machine.topicState,
      case .live = machine.phase, machine.state.isBehind(topic),
      !machine.state.lacksChange(by: machine.running, topic)
    else { return .none }
    if mustPause(machine, into: &output) { return .none }
    guard isWritable else {
      stateMustWait(machine)
      return .none
    }
    if !machine.spec.hasMessageBuilder,
      let message = machine.state.nextSharedMessage(topic, as: serializer)
    {
      return .message(message)
    }
    let before = output.outbox.bytes.count
    encodeState(of: machine, into: &output)
    return output.outbox.bytes.count > before ? .written : .none
  }

  // MARK: The host's messages

  /// Asks the host for the message that is due; the channel is busy until `completeMessage`. A message for which the
  /// host has no callback is the library's.
  private mutating func buildState(of machine: ChannelMachine, into output: inout EngineOutput) {
    // The callback that runs ends in `stateMayHaveChanged`.
    guard !machine.isBusy else { return }
    let form = form(of: machine)
    switch machine.state.due(for: machine.current) {
    case .nothing: break
    case .fullState(let version): buildFullState(of: machine, version: version, as: form, into: &output)
    case .patch(let version):
      guard machine.spec.callbacks.contains(.updateState) else {
        if !machine.state.encodePatch(machine.current, version: version, as: form, into: &output.outbox) {
          buildFullState(of: machine, version: version, as: form, into: &output)
        }
        return
      }
      guard machine.state.differs(from: machine.current) else { return }
      let old = machine.state.sentState(machine.spec)
      invoke(
        .updateState(from: old, to: machine.current.state, version: version), on: machine.key, into: &output)
    }
  }

  private mutating func buildFullState(
    of machine: ChannelMachine, version: Int, as form: SyncedState.Form, into output: inout EngineOutput
  ) {
    if machine.spec.callbacks.contains(.newState) {
      invoke(.newState(machine.current.state, version: version), on: machine.key, into: &output)
    } else {
      machine.state.encodeFullState(machine.current, version: version, as: form, into: &output.outbox)
    }
  }

  /// Sends the message that the host built. False when it built none, which crashes the channel: without its message
  /// the client would never learn of this state.
  mutating func completeMessage(
    _ cause: Invocation.Cause, _ message: StateMessage?, version: Int, of machine: ChannelMachine,
    into output: inout EngineOutput
  ) -> Bool {
    guard let message else {
      crash(
        machine.key, cause: "it returned without a message for the state", during: cause, into: &output)
      return false
    }
    // The assigns cannot have changed since the program was asked: the channel was busy with this.
    machine.state.wasSent(machine.current, version: version)
    serializer.encodePush(
      joinRef: machine.joinRef, topic: Name(machine.topic), event: message.event,
      payload: .json(message.payload), into: &output.outbox)
    return true
  }
}
