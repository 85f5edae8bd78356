import SynqJSON

/// What a host registered for a topic pattern: the options, and which callbacks it has.
///
/// Immutable and shared by every channel of the pattern.
package final class ChannelSpec: Sendable {
  /// Which callbacks the host gave; the engine does not ask for the others.
  package struct Callbacks: OptionSet, Sendable {
    package var rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    package static let authorize = Callbacks(rawValue: 1)
    package static let initialize = Callbacks(rawValue: 2)
    package static let handleEvent = Callbacks(rawValue: 4)
    package static let handleMessage = Callbacks(rawValue: 8)
    package static let beforeClose = Callbacks(rawValue: 16)
    package static let newState = Callbacks(rawValue: 32)
    package static let updateState = Callbacks(rawValue: 64)
    package static let openTopic = Callbacks(rawValue: 128)
    package static let closeTopic = Callbacks(rawValue: 256)
    /// Those of a custom message builder, of which a host may give one or both.
    package static let messageBuilder: Callbacks = [.newState, .updateState]
    /// Those that every channel may have.
    package static let all: Callbacks = [.authorize, .initialize, .handleEvent, .handleMessage, .beforeClose]
  }

  /// The options of docs/specification.md, section 2.
  package struct Options: Sendable {
    /// Names of the assigns to synchronise; every other assign stays on the server.
    package var track: [String] = []
    /// Names of the assigns that a topic has once for all of its channels; the others each channel has for itself.
    package var shared: [String] = []
    /// How long a topic with shared assigns stays open after its last channel has left.
    package var linger = Duration.zero
    /// State messages of a channel are at least so far apart; what changes meanwhile is one patch.
    package var patchInterval = Duration.zero
    /// The highest version; the next one is 0.
    package var maxVersion = 1000
    package var dialect = Dialect.synq
    /// Object members dropped from tracked state at any depth, unless the host builds the state messages itself.
    package var ignoreKeys = ["__meta__"]
    /// Broadcasts of these events go to `handle_message` instead of the client.
    package var intercept: Set<NameKey> = []
    /// Whether tracked state may have members named `__proto__`, `constructor` or `prototype`, which a careless
    /// JavaScript client turns into changes of its own objects' prototype.
    package var allowsPrototypeKeys = false
    /// What the presence of a topic may grow to.
    package var presence = PresenceLimits()
    /// The assign that is kept to who is here, shared and tracked: then clients get no presence messages.
    package var presenceAssign: String?

    package init() {}
  }

  package let pattern: TopicPattern
  package let options: Options
  package let callbacks: Callbacks
  /// The place of the spec in its router, for the host to find its callbacks by.
  package let index: Int
  /// The tracked assigns that each channel has for itself, and those that its topic has, in the order of `options.track`.
  let own: TrackedNames
  let shared: TrackedNames
  /// All names in `options.shared`, and those in `options.ignoreKeys`, ready to be looked for.
  let sharedNames: FlatNames
  let ignoredNames: FlatNames

  package init(pattern: TopicPattern, options: Options, callbacks: Callbacks, index: Int) {
    self.pattern = pattern
    // A builder of the host's sees what is tracked as it is.
    var options = options
    if !callbacks.isDisjoint(with: .messageBuilder) { options.ignoreKeys = [] }
    if let name = options.presenceAssign {
      if !options.track.contains(where: { $0.hasSameBytes(as: name) }) { options.track.append(name) }
      if !options.shared.contains(where: { $0.hasSameBytes(as: name) }) { options.shared.append(name) }
    }
    self.options = options
    self.callbacks = callbacks
    self.index = index
    let (track, sharedNames) = (options.track, options.shared)
    func isShared(_ name: String) -> Bool { sharedNames.contains { $0.hasSameBytes(as: name) } }
    own = TrackedNames(track.filter { !isShared($0) })
    shared = TrackedNames(track.filter(isShared))
    self.sharedNames = FlatNames(sharedNames)
    ignoredNames = FlatNames(options.ignoreKeys)
  }

  /// Whether the topics of this pattern have assigns of their own, and with them a turn.
  package var hasSharedAssigns: Bool { !options.shared.isEmpty }

  /// The pause between two state messages of a channel, in nanoseconds. Where every client sees the same, the topic
  /// itself keeps it.
  package var ownPatchInterval: UInt64 {
    guard !allTrackedIsShared else { return 0 }
    let (seconds, attoseconds) = options.patchInterval.components
    // A pause of more than a year is one.
    return UInt64(clamping: min(seconds, 31_536_000)) * 1_000_000_000
      + UInt64(clamping: attoseconds / 1_000_000_000)
  }

  /// Whether an assign belongs to the topic.
  func isShared(_ name: String) -> Bool { options.shared.contains { $0.hasSameBytes(as: name) } }

  /// Whether every client of a topic sees the same state.
  var allTrackedIsShared: Bool { !shared.names.isEmpty && own.names.isEmpty }

  /// Whether channels of this pattern have state to synchronise.
  package var hasState: Bool { !options.track.isEmpty }

  /// Whether the host builds state messages itself.
  var hasMessageBuilder: Bool { !callbacks.isDisjoint(with: .messageBuilder) }

  /// The tracked state as one object: a channel's own assigns and those of its topic.
  func state(own values: [TrackedValue], shared sharedValues: [TrackedValue]) -> JSON {
    JSON(members: own.members(values) + shared.members(sharedValues))
  }
}

/// Names of tracked assigns, in the order in which their values are kept.
struct TrackedNames: Sendable {
  let names: [String]
  /// The pointers to them: "/count".
  let pointers: [String]
  /// The names, ready to be looked for.
  let flat: FlatNames

  init(_ names: [String]) {
    self.names = names
    pointers = names.map { JSONPointer(tokens: [$0]).description }
    flat = FlatNames(names)
  }

  /// The place of a name. O(names).
  func index(of name: String) -> Int? { names.firstIndex { $0.hasSameBytes(as: name) } }

  /// The values that are set, with their names.
  func members(_ values: [TrackedValue]) -> [(String, JSON)] {
    zip(names, values).compactMap { name, value in value.json.map { (name, $0) } }
  }

  /// Appends the operations that lead from one list of values to another; counts them.
  func appendDiff(
    from old: [TrackedValue], to new: [TrackedValue], follows: Bool = false, into writer: inout ByteWriter
  ) -> Int {
    var operations = 0
    for index in new.indices where !old[index].sharesStorage(with: new[index]) {
      operations += new[index].appendDiff(
        since: old[index], at: pointers[index], follows: follows || operations > 0, into: &writer)
    }
    return operations
  }

  /// Appends the values that are set as members of an object, without its braces.
  func appendMembers(_ values: [TrackedValue], isFirst: inout Bool, into writer: inout ByteWriter) {
    for (name, value) in zip(names, values) {
      guard let value = value.json else { continue }
      if !isFirst { writer.append(UInt8(ascii: ",")) }
      isFirst = false
      writer.append(jsonString: name)
      writer.append(UInt8(ascii: ":"))
      writer.append(json: value)
    }
  }
}
