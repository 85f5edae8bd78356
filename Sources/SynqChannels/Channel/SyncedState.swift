import SynqJSON
import SynqPatch
import SynqWire

/// What one client has of a channel's state, and how it is brought from there to what is current.
///
/// State is pulled: whoever can send asks for the message that leads to the current state, so several changes that
/// could not be sent one by one become one patch, and a slow client costs no memory.
///
/// The state has two parts: the channel's own tracked assigns, and those of its topic, of which the client has a
/// revision. Where there are only the topic's, and the client has kept up, its version is the topic's (`isAligned`) and
/// its messages are those of all the others.
struct SyncedState {
  /// The channel's own tracked assigns as the client has them, in the order of the spec.
  private(set) var sent: [TrackedValue] = []
  /// The topic's as the client has them, for a message builder alone: it asks for the old state.
  private var sentShared: [TrackedValue] = []
  private(set) var version = 0
  /// False until the first full state was asked for.
  private(set) var isStarted = false
  /// The client asked for the full state.
  var needsFullState = false
  /// The revision of the topic's state that the client has.
  private(set) var revision: UInt64 = 0
  /// Whether the client's version is the topic's.
  private(set) var isAligned = false
  /// What the client has of the topic's state, kept since it fell behind.
  private var held: HeldValues?

  /// What is current: the channel's assigns, and the state of its topic if that has one.
  struct Current {
    var assigns: Assigns
    var topic: TopicState?

    var spec: ChannelSpec { assigns.spec }
    /// All tracked assigns as one object.
    var state: JSON { spec.state(own: assigns.tracked, shared: topic?.values ?? []) }
  }

  /// The message that leads the client to what is current.
  enum Due: Equatable {
    /// The client has it.
    case nothing
    /// The full state with this version.
    case fullState(version: Int)
    /// What changed, if anything did, with this version.
    case patch(version: Int)
  }

  /// Where and how messages are written.
  struct Form {
    var joinRef: Ref?
    var topic: Name
    var serializer: Serializer
    var maxPatchBytes: Int
  }

  /// Decides which message is due; whoever asks sends it.
  mutating func due(for current: Current) -> Due {
    guard isStarted else {
      isStarted = true
      needsFullState = false
      return .fullState(version: 0)
    }
    let next = version == current.spec.options.maxVersion ? 0 : version + 1
    guard needsFullState || next == 0 else { return .patch(version: next) }
    let isChanged = sent != current.assigns.tracked || isBehind(current.topic)
    guard isChanged || needsFullState else { return .nothing }
    needsFullState = false
    return .fullState(version: isChanged ? next : version)
  }

  /// Whether the client lacks something of what its topic shares.
  func isBehind(_ topic: TopicState?) -> Bool { topic.map { revision < $0.revision } ?? false }

  /// Appends the messages that lead the client to what is current: usually one, and none, and the version stays, when it
  /// has that.
  mutating func encode(_ current: Current, as form: Form, into outbox: inout Outbox) {
    if let topic = current.topic {
      while let message = nextSharedMessage(topic, as: form.serializer) { outbox.append(message) }
      if isAligned, !needsFullState, !isBehind(topic) { return }
    }
    switch due(for: current) {
    case .nothing: break
    case .fullState(let version): encodeFullState(current, version: version, as: form, into: &outbox)
    case .patch(let version):
      guard !encodePatch(current, version: version, as: form, into: &outbox) else { return }
      encodeFullState(current, version: version, as: form, into: &outbox)
    }
  }

  /// Appends the patch, or nothing when there is no difference. False when it is too long or what the client has is not
  /// known any more, and nothing was appended.
  mutating func encodePatch(
    _ current: Current, version next: Int, as form: Form, into outbox: inout Outbox
  ) -> Bool {
    let spec = current.spec
    let start = outbox.bytes.count
    var operations: Int? = 0
    form.serializer.encodeText(
      joinRef: form.joinRef, ref: nil, topic: form.topic, event: Name(spec.options.dialect.patchEvent),
      into: &outbox
    ) { writer in
      writer.append("{\"")
      writer.append(spec.options.dialect.operationsMember)
      writer.append("\":[")
      operations = appendSharedDiff(to: current.topic, into: &writer).map { shared in
        shared
          + spec.own.appendDiff(from: sent, to: current.assigns.tracked, follows: shared > 0, into: &writer)
      }
      writer.append("],\"version\":")
      writer.append(decimal: next)
      writer.append(UInt8(ascii: "}"))
    }
    guard let operations, operations > 0 else {
      outbox.dropLastMessage(from: start)
      if operations == 0 { wasSent(current, version: version) }
      return operations != nil
    }
    guard outbox.bytes.count - start <= form.maxPatchBytes else {
      outbox.dropLastMessage(from: start)
      return false
    }
    wasSent(current, version: next)
    return true
  }

  /// Appends the operations that lead the client to the topic's state, and counts them; nil when it is too far behind.
  private func appendSharedDiff(to topic: TopicState?, into writer: inout ByteWriter) -> Int? {
    guard let topic, isBehind(topic) else { return 0 }
    if let old = held?.values {
      return topic.spec.shared.appendDiff(from: old, to: topic.values, into: &writer)
    }
    guard held == nil, let changes = topic.changes(since: revision) else { return nil }
    for (index, change) in changes.enumerated() {
      if index > 0 { writer.append(UInt8(ascii: ",")) }
      writer.append(change.operations)
    }
    return changes.count
  }

  /// Appends the full state.
  mutating func encodeFullState(
    _ current: Current, version: Int, as form: Form, into outbox: inout Outbox
  ) {
    let spec = current.spec
    if spec.allTrackedIsShared, let topic = current.topic {
      outbox.append(topic.fullState(as: form.serializer))
      return align(with: topic)
    }
    wasSent(current, version: version)
    form.serializer.encodeText(
      joinRef: form.joinRef, ref: nil, topic: form.topic, event: Name(spec.options.dialect.changeEvent),
      into: &outbox
    ) { writer in
      writer.append("{\"state\":{")
      var isFirst = true
      spec.shared.appendMembers(current.topic?.values ?? [], isFirst: &isFirst, into: &writer)
      spec.own.appendMembers(sent, isFirst: &isFirst, into: &writer)
      writer.append("},\"version\":")
      writer.append(decimal: version)
      writer.append(UInt8(ascii: "}"))
    }
  }

  /// Notes what the client was sent.
  mutating func wasSent(_ current: Current, version: Int) {
    sent = current.assigns.tracked
    self.version = version
    isAligned = false
    held = nil
    guard let topic = current.topic else { return }
    revision = topic.revision
    if current.spec.hasMessageBuilder { sentShared = topic.values }
  }

  /// What the client has, as one object, for a message builder.
  func sentState(_ spec: ChannelSpec) -> JSON { spec.state(own: sent, shared: sentShared) }

  /// Whether anything differs from what the client has.
  func differs(from current: Current) -> Bool {
    guard sent == current.assigns.tracked else { return true }
    return isBehind(current.topic) && sentShared != current.topic?.values
  }

  // MARK: What all clients of a topic get

  /// The next message of those that every client with the topic's version gets, which the caller sends; nil when the client has
  /// them all, or needs one of its own.
  mutating func nextSharedMessage(_ topic: TopicState, as serializer: Serializer) -> PreparedMessage? {
    guard isAligned, !needsFullState, let change = topic.change(after: revision) else { return nil }
    // What one that fell behind missed is one patch of its own, unless it is one anyway.
    guard held == nil || change.revision == topic.revision else { return nil }
    if change.isFullState {
      defer { align(with: topic) }
      return topic.fullState(as: serializer)
    }
    revision = change.revision
    version = change.version
    held = nil
    return topic.patch(change, as: serializer)
  }

  private mutating func align(with topic: TopicState) {
    revision = topic.revision
    version = topic.version
    isAligned = true
    held = nil
  }

  /// The client cannot be told now what changed: what it has is kept, so that it gets one patch later.
  mutating func fallBehind(_ topic: TopicState) {
    if held == nil, isStarted, isBehind(topic) { held = topic.hold(at: revision) }
  }

  /// Whether a change that the client lacks was made by this callback, whose reply comes first.
  func lacksChange(by invocation: Invocation?, _ topic: TopicState) -> Bool {
    guard let invocation, isBehind(topic), let changes = topic.changes(since: revision) else { return false }
    let origin = ObjectIdentifier(invocation)
    return changes.contains { $0.origin == origin }
  }
}
