import SynqJSON

/// One change of the state that a topic's clients share: it leads from one revision to the next.
///
/// Made once, and sent to every client of the topic on every event loop.
package final class TopicChange: Sendable {
  /// The revision that it leads to; the first change of a topic leads to 1. It never begins again.
  package let revision: UInt64
  /// The version of clients that have no state but this.
  package let version: Int
  /// The operations of the patch (RFC 6902), separated by commas.
  let operations: [UInt8]
  /// Whether clients with this version get the full state instead of the patch: the version begins again, or the patch
  /// is too long.
  let isFullState: Bool
  /// The callback that made it, whose client gets its reply first.
  let origin: ObjectIdentifier?

  init(
    revision: UInt64, version: Int, operations: [UInt8], isFullState: Bool, origin: ObjectIdentifier?
  ) {
    self.revision = revision
    self.version = version
    self.operations = operations
    self.isFullState = isFullState
    self.origin = origin
  }
}

/// What a topic shares, as the last turn left it, and how far its clients have been told.
///
/// Whoever has the turn calls `commit`. `difference` is the expensive part: it changes nothing, so that no lock need be
/// held for it; `publish` takes what it found.
package struct SharedState: Sendable {
  let spec: ChannelSpec
  /// As the last turn left them.
  package private(set) var assigns: SharedAssigns
  /// The tracked ones as of `revision`.
  private var published: [TrackedValue]
  private var revision: UInt64 = 0
  private var version = 0

  package init(spec: ChannelSpec) {
    self.spec = spec
    assigns = SharedAssigns(spec: spec)
    published = assigns.tracked
  }

  /// What an event loop needs to begin to follow the topic.
  package struct Snapshot: Sendable {
    let spec: ChannelSpec
    let revision: UInt64
    let version: Int
    let values: [TrackedValue]
  }

  package var snapshot: Snapshot {
    Snapshot(spec: spec, revision: revision, version: version, values: published)
  }

  /// Takes what a turn has made of the assigns.
  package mutating func commit(_ new: SharedAssigns) { assigns = new }

  /// What clients have not been told of yet.
  package struct Difference: Sendable {
    fileprivate let values: [TrackedValue]
    fileprivate let operations: [UInt8]
  }

  /// What changed since the last `publish`; nil if clients would see no difference. Costs a diff.
  package func difference() -> Difference? {
    let current = assigns.tracked
    var writer = ByteWriter()
    guard spec.shared.appendDiff(from: published, to: current, into: &writer) > 0 else { return nil }
    return Difference(values: current, operations: writer.withUnsafeBytes { Array($0) })
  }

  /// Gives a difference its revision and version.
  package mutating func publish(
    _ difference: Difference, by origin: Invocation?, maxPatchBytes: Int
  ) -> TopicChange {
    revision += 1
    version = version == spec.options.maxVersion ? 0 : version + 1
    published = difference.values
    return TopicChange(
      revision: revision, version: version, operations: difference.operations,
      isFullState: version == 0 || difference.operations.count > maxPatchBytes,
      origin: origin.map { ObjectIdentifier($0) })
  }

  /// Takes what changed while nobody was there to be told: it needs no version.
  package mutating func publishToNobody() { published = assigns.tracked }
}
