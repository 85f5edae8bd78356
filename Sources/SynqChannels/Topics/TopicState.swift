import SynqJSON
import SynqWire

/// The shared tracked state of a topic as one event loop has it: its values, the changes that led there, and the messages
/// made of them, each once for all clients that read it in the same form.
///
/// An object that all channels of the topic on the loop refer to; touched on that loop only.
package final class TopicState {
  let spec: ChannelSpec
  private let topic: String
  package private(set) var revision: UInt64
  private(set) var version: Int
  private(set) var values: [TrackedValue]
  /// The last changes, the newest of which led to `revision`.
  private var changes: [TopicChange] = []
  private var changeBytes = 0
  /// The values before the last changes came, for who falls behind with these.
  private var earlier: (revision: UInt64, values: [TrackedValue])
  /// What clients that fell behind have, by the revision; the newest last.
  private var held: [(revision: UInt64, values: HeldValues)] = []
  /// The message of the last change, and the full state, for each serializer.
  private var patches = ForEachSerializer<(revision: UInt64, message: PreparedMessage)>()
  private var fullStates = ForEachSerializer<PreparedMessage>()

  /// Changes that are kept for clients on this loop that are a few behind.
  private static let maxChanges = 64
  private static let maxChangeBytes = 1 << 18
  /// Old values that are kept for clients that do not read; beyond it they get the full state.
  private static let maxHeld = 16

  package init(topic: String, _ snapshot: SharedState.Snapshot) {
    self.topic = topic
    spec = snapshot.spec
    revision = snapshot.revision
    version = snapshot.version
    values = snapshot.values
    earlier = (revision, values)
  }

  /// Takes changes, in their order, and the state that they lead to.
  package func follow(_ new: [TopicChange], to state: SharedState.Snapshot) {
    guard state.revision > revision else { return }
    earlier = (revision, values)
    revision = state.revision
    version = state.version
    values = state.values
    fullStates = ForEachSerializer()
    changes += new
    changeBytes += new.reduce(0) { $0 + $1.operations.count }
    var dropped = 0
    while changes.count - dropped > Self.maxChanges || changeBytes > Self.maxChangeBytes,
      dropped < changes.count
    {
      changeBytes -= changes[dropped].operations.count
      dropped += 1
    }
    changes.removeFirst(dropped)
  }

  /// The changes that lead from `revision` to what is current; nil when they are not kept any more.
  func changes(since revision: UInt64) -> ArraySlice<TopicChange>? {
    let missing = Int(clamping: self.revision - revision)
    guard missing <= changes.count else { return nil }
    return changes.suffix(missing)
  }

  /// The next change after `revision`.
  func change(after revision: UInt64) -> TopicChange? {
    guard revision < self.revision else { return nil }
    let missing = Int(clamping: self.revision - revision)
    return missing <= changes.count ? changes[changes.count - missing] : nil
  }

  // MARK: Messages

  /// The patch of a change, for clients that have the topic's version.
  func patch(_ change: TopicChange, as serializer: Serializer) -> PreparedMessage {
    if let known = patches[serializer], known.revision == change.revision { return known.message }
    let dialect = spec.options.dialect
    let message = message(serializer, event: dialect.patchEvent) { writer in
      writer.append("{\"")
      writer.append(dialect.operationsMember)
      writer.append("\":[")
      writer.append(change.operations)
      writer.append("],\"version\":")
      writer.append(decimal: change.version)
      writer.append(UInt8(ascii: "}"))
    }
    patches[serializer] = (change.revision, message)
    return message
  }

  /// The full state, for clients that have no state of their own.
  func fullState(as serializer: Serializer) -> PreparedMessage {
    if let known = fullStates[serializer] { return known }
    let message = message(serializer, event: spec.options.dialect.changeEvent) { writer in
      writer.append("{\"state\":{")
      var isFirst = true
      spec.shared.appendMembers(values, isFirst: &isFirst, into: &writer)
      writer.append("},\"version\":")
      writer.append(decimal: version)
      writer.append(UInt8(ascii: "}"))
    }
    fullStates[serializer] = message
    return message
  }

  /// join_ref is null, as in Phoenix's broadcasts: the bytes are the same for every client.
  private func message(
    _ serializer: Serializer, event: String, payload: (inout ByteWriter) -> Void
  ) -> PreparedMessage {
    var outbox = Outbox()
    serializer.encodeText(
      joinRef: nil, ref: nil, topic: Name(topic), event: Name(event), into: &outbox, payload: payload)
    return PreparedMessage(.text, outbox.bytes.bytes)
  }

  // MARK: Who falls behind

  /// The values as of `revision`, for a client that cannot be told now what changed since; nil if they are gone.
  func hold(at revision: UInt64) -> HeldValues? {
    if let known = held.last(where: { $0.revision == revision }) { return known.values }
    guard earlier.revision == revision else { return nil }
    for index in held.indices.reversed() where isKnownUniquelyReferenced(&held[index].values) {
      held.remove(at: index)
    }
    if held.count == Self.maxHeld { held.removeFirst().values.giveUp() }
    let values = HeldValues(earlier.values)
    held.append((revision, values))
    return values
  }

}

/// One value for each serializer: a dictionary of two would be searched for every client.
private struct ForEachSerializer<Value> {
  private var v1: Value?
  private var v2: Value?

  subscript(serializer: Serializer) -> Value? {
    get {
      switch serializer {
      case .v1: v1
      case .v2: v2
      }
    }
    set {
      switch serializer {
      case .v1: v1 = newValue
      case .v2: v2 = newValue
      }
    }
  }
}

/// The values of a topic that clients had when they stopped reading.
final class HeldValues {
  /// Nil once too many such values were held.
  private(set) var values: [TrackedValue]?

  init(_ values: [TrackedValue]) { self.values = values }

  func giveUp() { values = nil }
}

extension Outbox {
  /// Appends a message that others get too.
  mutating func append(_ message: PreparedMessage) {
    bytes.append(message.bytes)
    endMessage(message.kind)
  }
}
