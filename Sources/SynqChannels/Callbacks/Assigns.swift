import SynqJSON

/// The named values of one channel: those that the spec tracks, and those that stay on the server.
///
/// A value type: a copy costs a retain, and a callback's changes are dropped with its copy when it fails.
package struct Assigns: Sendable {
  let spec: ChannelSpec
  /// The tracked assigns in the order of `spec.options.track`.
  private(set) var tracked: [TrackedValue]
  private var untracked: [String: JSON]
  /// What other channels have made of the message whose callback runs; nil in other callbacks, and between two.
  var shared: SharedWork?

  package init(spec: ChannelSpec, untracked: [String: JSON] = [:]) {
    self.spec = spec
    tracked = Array(repeating: TrackedValue(), count: spec.options.track.count)
    self.untracked = untracked
    for (name, value) in untracked where spec.options.track.contains(name) {
      // The host's own connection assigns: what it tracks by the same name starts with them.
      try? set(name, to: value)
      self.untracked[name] = nil
    }
  }

  /// The assign `name`, or nil. O(number of tracked assigns).
  public subscript(name: String) -> JSON? {
    if let index = trackedIndex(name) { tracked[index].json } else { untracked[name] }
  }

  /// Sets the assign `name`. Tracked values lose the members to ignore, and must not have a member that the spec bars.
  package mutating func set(_ name: String, to value: JSON) throws(HostError) {
    guard !name.isEmpty else { throw HostError(.invalidArgument, "name: is empty") }
    try Self.checkName(name, "name")
    try Self.checkDepth(of: value, below: 0)
    if let index = trackedIndex(name) {
      tracked[index].replace(with: try admissible(value, at: name))
    } else {
      untracked[name] = value
    }
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
  package mutating func remove(_ name: String) -> Bool {
    if let index = trackedIndex(name) {
      defer { tracked[index].replace(with: nil) }
      return tracked[index].json != nil
    }
    return untracked.removeValue(forKey: name) != nil
  }

  /// All names that are set, tracked ones first.
  package var names: [String] {
    zip(spec.options.track, tracked).compactMap { $1.json == nil ? nil : $0 } + untracked.keys.sorted()
  }

  /// All assigns as one object.
  package var object: JSON { JSON(members: names.compactMap { name in self[name].map { (name, $0) } }) }

  /// The tracked state as one object, as clients get it.
  package var state: JSON { spec.state(of: tracked) }

  private func trackedIndex(_ name: String) -> Int? {
    spec.options.track.firstIndex { $0.hasSameBytes(as: name) }
  }

  /// Where an assign is kept.
  enum Place {
    case tracked(Int)
    case untracked(String)

    var isTracked: Bool { if case .tracked = self { true } else { false } }
  }

  /// Where the assign that a pointer's first token names is kept, or would be. O(number of tracked assigns).
  func place(of token: FlatPointer.Token) -> Place {
    if let index = spec.trackedNames.index(of: token) { return .tracked(index) }
    return .untracked(token.string)
  }

  /// An assign by its place.
  subscript(place: Place) -> JSON? {
    switch place {
    case .tracked(let index): tracked[index].json
    case .untracked(let name): untracked[name]
    }
  }

  /// Stores an assign, whose parts were admitted when they were set.
  ///
  /// - Parameter pointer: where alone it differs from what it was, the text of a pointer; nil if that is not known.
  mutating func store(_ value: JSON?, at place: Place, editedAt pointer: UnsafeRawBufferPointer? = nil) {
    switch (place, value, pointer) {
    case (.tracked(let index), let value?, let pointer?):
      tracked[index].replace(with: value, editedAt: JSONPointer(checked: pointer))
    case (.tracked(let index), _, _): tracked[index].replace(with: value)
    case (.untracked(let name), _, _): untracked[name] = value
    }
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
