import SynqJSON

/// The named values that a callback sees: those of its channel, tracked and not, and those that its topic shares.
///
/// A value type: a copy costs a retain, and a callback's changes are dropped with its copy when it fails.
package struct Assigns: Sendable {
  let spec: ChannelSpec
  /// The channel's own tracked assigns, in the order of `spec.own`.
  private(set) var tracked: [TrackedValue]
  private var untracked: [NameKey: JSON]
  /// What the topic shares, for as long as a callback has the topic's turn.
  package var shared: SharedAssigns?

  package init(spec: ChannelSpec, untracked: [NameKey: JSON] = [:]) {
    self.spec = spec
    tracked = Array(repeating: TrackedValue(), count: spec.own.names.count)
    self.untracked = untracked
    for (name, value) in untracked {
      // The program's own connection assigns: what it tracks by the same name starts with them.
      guard spec.own.index(of: name.text) != nil || spec.isShared(name.text) else { continue }
      try? set(name.text, to: value)
      self.untracked[name] = nil
    }
  }

  /// The assign `name`, or nil. O(number of tracked assigns).
  public subscript(name: String) -> JSON? { self[place(of: name)] }

  /// Sets the assign `name`. Tracked values lose the members to ignore, and must not have a member that the spec bars.
  package mutating func set(_ name: String, to value: JSON) throws(HostError) {
    guard !name.isEmpty else { throw HostError(.invalidArgument, "name: is empty") }
    try Self.checkName(name, "name")
    try Self.checkDepth(of: value, below: 0)
    let place = place(of: name)
    try store(place.isTracked ? try admissible(value, at: name) : value, at: place)
  }

  /// A name that begins as a pointer does is a mistake: nothing would ever be found there.
  package static func checkName(_ name: String, _ argument: String) throws(HostError) {
    guard name.utf8.first == UInt8(ascii: "/") else { return }
    throw HostError(
      .invalidArgument,
      "\(argument): \"\(name)\" looks like a pointer; an assign's name is its first token, without the slash")
  }

  /// Removes the assign `name`; false if there was none.
  @discardableResult
  package mutating func remove(_ name: String) throws(HostError) -> Bool {
    let place = place(of: name)
    guard self[place] != nil else { return false }
    try store(nil, at: place)
    return true
  }

  /// All names that are set, tracked ones first.
  package var names: [String] {
    spec.options.track.filter { self[$0] != nil } + untracked.keys.sorted().map(\.text)
      + (shared?.untracked.keys.sorted().map(\.text) ?? [])
  }

  /// All assigns as one object.
  package var object: JSON { JSON(members: names.compactMap { name in self[name].map { (name, $0) } }) }

  /// The tracked ones as one object; those of the topic while its turn is here.
  package var state: JSON { spec.state(own: tracked, shared: shared?.tracked ?? []) }

  /// Where an assign is kept.
  enum Place {
    case tracked(Int)
    case untracked(String)
    case sharedTracked(Int)
    case sharedUntracked(String)

    var isTracked: Bool {
      switch self {
      case .tracked, .sharedTracked: true
      case .untracked, .sharedUntracked: false
      }
    }
  }

  /// Where an assign is kept, or would be. O(number of tracked and shared assigns).
  func place(of name: String) -> Place {
    if let index = spec.own.index(of: name) { return .tracked(index) }
    guard spec.isShared(name) else { return .untracked(name) }
    return spec.shared.index(of: name).map(Place.sharedTracked) ?? .sharedUntracked(name)
  }

  /// Where the assign that a pointer's first token names is kept, or would be. O(number of tracked and shared assigns).
  func place(of token: FlatPointer.Token) -> Place {
    if let index = spec.own.flat.index(of: token) { return .tracked(index) }
    guard spec.sharedNames.count > 0, spec.sharedNames.index(of: token) != nil else {
      return .untracked(token.string)
    }
    return spec.shared.flat.index(of: token).map(Place.sharedTracked) ?? .sharedUntracked(token.string)
  }

  /// An assign by its place.
  subscript(place: Place) -> JSON? {
    switch place {
    case .tracked(let index): tracked[index].json
    case .untracked(let name): untracked[NameKey(name)]
    case .sharedTracked(let index): shared?.tracked[index].json
    case .sharedUntracked(let name): shared?.untracked[NameKey(name)]
    }
  }

  /// Stores an assign, whose parts were admitted when they were set. A shared one only while the topic's turn is here.
  ///
  /// - Parameter pointer: where alone it differs from what it was, the text of a pointer; nil if that is not known.
  mutating func store(
    _ value: JSON?, at place: Place, editedAt pointer: UnsafeRawBufferPointer? = nil
  ) throws(HostError) {
    switch place {
    case .tracked(let index): tracked[index].become(value, editedAt: pointer)
    case .untracked(let name): untracked[NameKey(name)] = value
    case .sharedTracked(let index):
      guard shared != nil else { throw Self.outsideTurn(spec.shared.names[index]) }
      shared?.tracked[index].become(value, editedAt: pointer)
    case .sharedUntracked(let name):
      guard shared != nil else { throw Self.outsideTurn(name) }
      shared?.untracked[NameKey(name)] = value
    }
  }

  private static func outsideTurn(_ name: String) -> HostError {
    HostError(
      .state,
      "\(name): is shared by the topic and cannot change in authorize, which does not have the topic's turn")
  }

  /// The value as it may enter the tracked assign `name`.
  func admissible(_ value: JSON, at name: @autoclosure () -> String) throws(HostError) -> JSON {
    guard value.kind == .object || value.kind == .array else { return value }
    if !spec.options.allowsPrototypeKeys, let place = value.firstMember(named: Self.prototypeNames) {
      throw HostError(
        .invalidArgument,
        "\(name()): has the member \(place), which breaks JavaScript clients (see allow_prototype_keys)")
    }
    return spec.options.ignoreKeys.isEmpty ? value : value.droppingMembers(named: spec.ignoredNames)
  }

  static let prototypeKeys = ["__proto__", "constructor", "prototype"]
  static let prototypeNames = FlatNames(prototypeKeys)
}
