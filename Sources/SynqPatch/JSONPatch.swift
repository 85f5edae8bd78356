import SynqJSON

/// JSON Patch (RFC 6902): the operations that turn one JSON value into another, and carrying them out.
/// ```swift
/// let patch = JSONPatch.diff(from: ["count": 1], to: ["count": 2])
/// // [{"op":"replace","path":"/count","value":2}]
/// let new = try JSONPatch.apply(patch, to: ["count": 1])
/// ```
/// A patch is itself a JSON value, an array of operations.
public enum JSONPatch {}

extension JSONPatch {
  /// What a diff takes into account beside the two values.
  public struct DiffOptions: Sendable {
    /// The members that tell which object of a list is which, in order of preference: an object of the new
    /// list is compared with the old one of the same identity, wherever that stands.
    ///
    /// Default `id`, `key`, `_id`, `uuid`. Four count. Numbers and strings are identities, and only a member
    /// among an object's first 16 is looked for. With or without, a patch is right: identities make it smaller.
    public var identityMembers: [String] { identity.names }

    /// The names, ready for use: the one reference that options are.
    let identity: IdentityNames

    /// Makes options; each has the default of its property.
    public init(identityMembers: [String] = ["id", "key", "_id", "uuid"]) {
      identity = IdentityNames(identityMembers)
    }

    /// The default of every property.
    public static let `default` = DiffOptions()
  }
}
