import SynqJSON
import SynqPatch
import SynqWire

/// What one client has of a channel's state, and how it is brought from there to what is current.
///
/// State is pulled: whoever can send asks for the message that leads to the current state, so several changes that
/// could not be sent one by one become one patch, and a slow client costs no memory.
struct SyncedState {
  /// The tracked assigns as the client has them, in the order of the spec.
  private var sent: [JSON?] = []
  private(set) var version = 0
  /// False until the first full state was encoded.
  private(set) var isStarted = false
  /// The client asked for the full state.
  var needsFullState = false

  /// Appends the one message that leads the client to `assigns`; nothing, and the version stays, when it has them.
  mutating func encode(
    _ assigns: Assigns, joinRef: Ref?, topic: Name, serializer: Serializer, maxPatchBytes: Int,
    into outbox: inout Outbox
  ) {
    let spec = assigns.spec
    let current = assigns.tracked
    guard isStarted else {
      isStarted = true
      needsFullState = false
      return encodeChange(assigns, joinRef: joinRef, topic: topic, serializer: serializer, into: &outbox)
    }
    let next = version == spec.options.maxVersion ? 0 : version + 1
    if needsFullState || next == 0 {
      if sent != current { version = next } else if !needsFullState { return }
      needsFullState = false
      return encodeChange(assigns, joinRef: joinRef, topic: topic, serializer: serializer, into: &outbox)
    }
    let start = outbox.bytes.count
    var operations = 0
    serializer.encodeText(
      joinRef: joinRef, ref: nil, topic: topic, event: Name(spec.options.dialect.patchEvent), into: &outbox
    ) { writer in
      writer.append("{\"")
      writer.append(spec.options.dialect.operationsMember)
      writer.append("\":[")
      for index in current.indices {
        operations += JSONPatch.appendDiff(
          from: sent[index], to: current[index], at: spec.trackedPointers[index], follows: operations > 0,
          into: &writer)
      }
      writer.append("],\"version\":")
      writer.append(decimal: next)
      writer.append(UInt8(ascii: "}"))
    }
    guard operations > 0 else { return outbox.dropLastMessage(from: start) }
    version = next
    if outbox.bytes.count - start > maxPatchBytes {
      outbox.dropLastMessage(from: start)
      return encodeChange(assigns, joinRef: joinRef, topic: topic, serializer: serializer, into: &outbox)
    }
    sent = current
  }

  private mutating func encodeChange(
    _ assigns: Assigns, joinRef: Ref?, topic: Name, serializer: Serializer, into outbox: inout Outbox
  ) {
    sent = assigns.tracked
    let spec = assigns.spec
    serializer.encodeText(
      joinRef: joinRef, ref: nil, topic: topic, event: Name(spec.options.dialect.changeEvent), into: &outbox
    ) { writer in
      writer.append("{\"state\":{")
      var isFirst = true
      for (name, value) in zip(spec.options.track, sent) {
        guard let value else { continue }
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
}
