import SynqChannels

/// What of a channel is synchronised with its client, and how.
public struct ChannelOptions: Sendable, Hashable {
  /// Names of the assigns to synchronise, in the order in which the state lists them. Every other assign stays on the
  /// server. Default: none.
  public var track: [String]
  /// Names of the assigns that a topic has once for all of its channels; the others each channel has for itself. Callbacks of a
  /// topic's channels run one at a time where there are any, so that they change them without locks; from elsewhere use
  /// ``Server/update(topic:opens:_:)``. Default: none.
  public var shared: [String]
  /// How long a topic stays open after its last channel has left, so that a page that reloads does not close it. Needs
  /// `shared`. Default: not at all.
  public var linger: Duration
  /// State messages of a client are at least so far apart; what changed meanwhile is one patch. Replies and pushes do not
  /// wait. Default: no pause.
  public var patchInterval: Duration
  /// The highest version of the state; the next one is 0 and comes as the full state. At least 1. Default 1000.
  public var maxVersion: Int
  /// The names that the clients speak on the wire. Default ``SynqChannels/Dialect/synq``.
  public var dialect: Dialect
  /// Object members dropped from tracked state, at any depth; not for a ``MessageBuilder``, which gets the state as it
  /// is. Default `__meta__`.
  public var ignoreKeys: [String]
  /// Broadcasts of these events go to `handleMessage` instead of the client. Default: none.
  public var intercept: [String]
  /// Whether tracked state may have members named `__proto__`, `constructor` or `prototype`, which break careless
  /// JavaScript clients. Default false: assigning them is an error.
  public var allowsPrototypeKeys: Bool

  /// Makes options; each has the default of its property.
  public init(
    track: [String] = [], shared: [String] = [], linger: Duration = .zero, patchInterval: Duration = .zero,
    maxVersion: Int = 1000, dialect: Dialect = .synq,
    ignoreKeys: [String] = ["__meta__"],
    intercept: [String] = [], allowsPrototypeKeys: Bool = false
  ) {
    self.track = track
    self.shared = shared
    self.linger = linger
    self.patchInterval = patchInterval
    self.maxVersion = maxVersion
    self.dialect = dialect
    self.ignoreKeys = ignoreKeys
    self.intercept = intercept
    self.allowsPrototypeKeys = allowsPrototypeKeys
  }

  /// The engine's form of these options.
  func checked(_ presence: PresenceOptions) throws(HostError) -> ChannelSpec.Options {
    guard maxVersion >= 1 else {
      throw HostError(.invalidArgument, "maxVersion: \(maxVersion) is not at least 1")
    }
    var spec = ChannelSpec.Options()
    guard linger >= .zero, patchInterval >= .zero else {
      throw HostError(.invalidArgument, "\(linger < .zero ? "linger" : "patchInterval"): is negative")
    }
    spec.track = track
    spec.shared = shared
    spec.linger = linger
    spec.patchInterval = patchInterval
    spec.maxVersion = maxVersion
    spec.dialect = dialect
    spec.ignoreKeys = ignoreKeys
    spec.intercept = Set(intercept.map { NameKey($0) })
    spec.allowsPrototypeKeys = allowsPrototypeKeys
    spec.presence = try presence.checked()
    spec.presenceAssign = presence.assign
    return spec
  }
}
