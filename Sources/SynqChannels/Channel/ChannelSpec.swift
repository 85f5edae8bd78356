import SynqJSON

/// What a host registered for a topic pattern: the options, and which callbacks it has.
///
/// Immutable and shared by every channel of the pattern.
package final class ChannelSpec: Sendable {
  /// Which callbacks the host gave; the engine does not ask for the others.
  package struct Callbacks: OptionSet, Sendable {
    package var rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let authorize = Callbacks(rawValue: 1)
    package static let initialize = Callbacks(rawValue: 2)
    package static let handleEvent = Callbacks(rawValue: 4)
    package static let handleMessage = Callbacks(rawValue: 8)
    package static let beforeClose = Callbacks(rawValue: 16)
    package static let newState = Callbacks(rawValue: 32)
    package static let updateState = Callbacks(rawValue: 64)
    /// Those of a custom message builder, of which a host may give one or both.
    package static let messageBuilder: Callbacks = [.newState, .updateState]
    /// Those that every channel may have.
    package static let all: Callbacks = [.authorize, .initialize, .handleEvent, .handleMessage, .beforeClose]
  }

  /// The options of docs/specification.md, section 2.
  package struct Options: Sendable {
    /// Names of the assigns to synchronise; every other assign stays on the server.
    package var track: [String] = []
    /// The highest version; the next one is 0.
    package var maxVersion = 1000
    package var dialect = Dialect.synq
    /// Object members dropped from tracked state at any depth, unless the host builds the state messages itself.
    package var ignoreKeys = ["__meta__"]
    /// Broadcasts of these events go to `handle_message` instead of the client.
    package var intercept: Set<String> = []
    /// Whether tracked state may have members named `__proto__`, `constructor` or `prototype`, which a careless
    /// JavaScript client turns into changes of its own objects' prototype.
    package var allowsPrototypeKeys = false
    /// What the presence of a topic may grow to.
    package var presence = PresenceLimits()

    package init() {}
  }

  package let pattern: TopicPattern
  package let options: Options
  package let callbacks: Callbacks
  /// The place of the spec in its router, for the host to find its callbacks by.
  package let index: Int
  /// The pointers to the tracked assigns, "/count", in the order of `options.track`.
  let trackedPointers: [String]
  /// `options.track` and `options.ignoreKeys`, ready to be looked for.
  let trackedNames: FlatNames
  let ignoredNames: FlatNames

  package init(pattern: TopicPattern, options: Options, callbacks: Callbacks, index: Int) {
    self.pattern = pattern
    // A builder of the host's sees what is tracked as it is.
    var options = options
    if !callbacks.isDisjoint(with: .messageBuilder) { options.ignoreKeys = [] }
    self.options = options
    self.callbacks = callbacks
    self.index = index
    trackedNames = FlatNames(options.track)
    ignoredNames = FlatNames(options.ignoreKeys)
    trackedPointers = options.track.map { JSONPointer(tokens: [$0]).description }
  }

  /// Whether channels of this pattern have state to synchronise.
  package var hasState: Bool { !options.track.isEmpty }

  /// Whether the host builds state messages itself.
  var hasMessageBuilder: Bool { !callbacks.isDisjoint(with: .messageBuilder) }

  /// Tracked assigns, in the order of `options.track`, as one object.
  func state(of tracked: [TrackedValue]) -> JSON {
    JSON(members: zip(options.track, tracked).compactMap { name, value in value.json.map { (name, $0) } })
  }
}
