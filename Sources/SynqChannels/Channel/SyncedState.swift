import SynqJSON
import SynqPatch
import SynqWire

/// What one client has of a channel's state, and how it is brought from there to what is current.
///
/// State is pulled: whoever can send asks for the message that leads to the current state, so several changes that
/// could not be sent one by one become one patch, and a slow client costs no memory.
struct SyncedState {
  /// The tracked assigns as the client has them, in the order of the spec.
  private(set) var sent: [TrackedValue] = []
  private(set) var version = 0
  /// False until the first full state was asked for.
  private(set) var isStarted = false
  /// The client asked for the full state.
  var needsFullState = false

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

  /// Decides which message is due for `assigns`; whoever asks sends it.
  mutating func due(for assigns: Assigns) -> Due {
    guard isStarted else {
      isStarted = true
      needsFullState = false
      return .fullState(version: version)
    }
    let next = version == assigns.spec.options.maxVersion ? 0 : version + 1
    guard needsFullState || next == 0 else { return .patch(version: next) }
    let isChanged = sent != assigns.tracked
    guard isChanged || needsFullState else { return .nothing }
    needsFullState = false
    return .fullState(version: isChanged ? next : version)
  }

  /// Appends the one message that leads the client to `assigns`; nothing, and the version stays, when it has them.
  mutating func encode(_ assigns: Assigns, as form: Form, into outbox: inout Outbox) {
    switch due(for: assigns) {
    case .nothing: break
    case .fullState(let version): encodeFullState(assigns, version: version, as: form, into: &outbox)
    case .patch(let version):
      guard !encodePatch(assigns, version: version, as: form, into: &outbox) else { return }
      encodeFullState(assigns, version: version, as: form, into: &outbox)
    }
  }

  /// Appends the patch, or nothing when there is no difference. False when it is too long, and nothing was appended.
  mutating func encodePatch(
    _ assigns: Assigns, version next: Int, as form: Form, into outbox: inout Outbox
  ) -> Bool {
    let spec = assigns.spec
    let current = assigns.tracked
    let start = outbox.bytes.count
    var operations = 0
    form.serializer.encodeText(
      joinRef: form.joinRef, ref: nil, topic: form.topic, event: Name(spec.options.dialect.patchEvent),
      into: &outbox
    ) { writer in
      writer.append("{\"")
      writer.append(spec.options.dialect.operationsMember)
      writer.append("\":[")
      for index in current.indices where !sent[index].sharesStorage(with: current[index]) {
        operations += appendDiff(to: assigns, of: index, follows: operations > 0, into: &writer)
      }
      writer.append("],\"version\":")
      writer.append(decimal: next)
      writer.append(UInt8(ascii: "}"))
    }
    guard operations > 0 else {
      outbox.dropLastMessage(from: start)
      return true
    }
    guard outbox.bytes.count - start <= form.maxPatchBytes else {
      outbox.dropLastMessage(from: start)
      return false
    }
    wasSent(current, version: next)
    return true
  }

  /// Appends the operations that lead the client to the tracked assign `index`, and counts them.
  private func appendDiff(
    to assigns: Assigns, of index: Int, follows: Bool, into writer: inout ByteWriter
  ) -> Int {
    let (old, new, pointer) = (sent[index], assigns.tracked[index], assigns.spec.trackedPointers[index])
    guard let shared = assigns.shared, let oldJSON = old.json, let newJSON = new.json else {
      return Self.appendDiff(from: old, to: new, at: pointer, follows: follows, into: &writer)
    }
    return shared.appendDifference(
      from: oldJSON, to: newJSON, of: index, by: assigns.spec, follows: follows, into: &writer
    ) { Self.appendDiff(from: old, to: new, at: pointer, follows: follows, into: &$0) }
  }

  /// Appends the operations from one value of an assign to another. One edit of a large value is found at once.
  private static func appendDiff(
    from old: TrackedValue, to new: TrackedValue, at pointer: String, follows: Bool,
    into writer: inout ByteWriter
  ) -> Int {
    guard let place = new.place(editedSince: old) else {
      return JSONPatch.appendDiff(from: old.json, to: new.json, at: pointer, follows: follows, into: &writer)
    }
    return JSONPatch.appendDiff(
      from: old.json?[place], to: new.json?[place], at: pointer + place.description, follows: follows,
      into: &writer)
  }

  /// Appends the full state.
  mutating func encodeFullState(
    _ assigns: Assigns, version: Int, as form: Form, into outbox: inout Outbox
  ) {
    wasSent(assigns.tracked, version: version)
    let spec = assigns.spec
    form.serializer.encodeText(
      joinRef: form.joinRef, ref: nil, topic: form.topic, event: Name(spec.options.dialect.changeEvent),
      into: &outbox
    ) { writer in
      writer.append("{\"state\":{")
      var isFirst = true
      for (name, value) in zip(spec.options.track, sent) {
        guard let value = value.json else { continue }
        if !isFirst { writer.append(UInt8(ascii: ",")) }
        isFirst = false
        writer.append(jsonString: name)
        writer.append(UInt8(ascii: ":"))
        writer.append(json: value)
      }
      writer.append("},\"version\":")
      writer.append(decimal: version)
      writer.append(UInt8(ascii: "}"))
    }
  }

  /// Notes what the client was sent.
  mutating func wasSent(_ tracked: [TrackedValue], version: Int) {
    sent = tracked
    self.version = version
  }
}
