import SynqJSON

/// The assigns that a topic has once for all of its channels (`shared`): those that clients see, and those that stay on
/// the server.
///
/// A value type: who has the topic's turn changes a copy, which becomes the topic's or is dropped.
package struct SharedAssigns: Sendable {
  /// The tracked ones, in the order of `ChannelSpec.shared`.
  var tracked: [TrackedValue]
  var untracked: [NameKey: JSON] = [:]

  package init(spec: ChannelSpec) {
    tracked = Array(repeating: TrackedValue(), count: spec.shared.names.count)
    // Nobody is here yet.
    if let place = spec.options.presenceAssign.flatMap({ spec.shared.index(of: $0) }) {
      tracked[place].replace(with: .emptyObject)
    }
  }
}
