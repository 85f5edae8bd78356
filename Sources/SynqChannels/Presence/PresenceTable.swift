import SynqJSON

/// Who is in one topic: keys, under each the metas of the channels that track it, and what changed since the last diff.
///
/// A channel has a key once. Members of other processes come by `merge` and go by `removeAll(of:)`, as a whole.
package struct PresenceTable: Sendable {
  /// A key and what is under it.
  struct Entry: Sendable {
    let key: String
    var members: [PresenceMember]
    /// What `fetch` added.
    var addition: JSON?
    /// Whether clients may see it in `presence_state`: `fetch` has been asked about it, or there is none.
    var isShown: Bool
    /// `"key":{…}`, as it stands in `presence_state`.
    var text: [UInt8]?
  }

  private struct PendingJoin: Sendable {
    var member: PresenceMember
    /// The value of `reads` when it came.
    var reads: Int
  }

  package let limits: PresenceLimits
  private let hasFetch: Bool
  private(set) var entries: [Entry] = []
  private var places: [PresenceKey: Int] = [:]
  private var keysOfOwner: [PresenceOwner: Set<PresenceKey>] = [:]
  private var bytes = 0

  // What the next change is made of.
  private var joins: [PendingJoin?] = []
  // canonical: refs are our own.
  private var placesOfJoins: [String: Int] = [:]
  private var leaves: [PresenceChange.PresenceLeave] = []
  private var touched: [(key: PresenceKey, wasPresent: Bool)] = []
  private var touchedKeys: Set<PresenceKey> = []
  /// How often somebody has read the table. Who has may know a join that no diff told yet, and must be told that it left.
  private var reads = 0

  /// The body of `presence_state` without its last brace; nil once it is out of date.
  private var text: [UInt8]? = [UInt8(ascii: "{")]

  /// - Parameter hasFetch: whether `added` will be called for each change before its diff is sent.
  package init(limits: PresenceLimits = PresenceLimits(), hasFetch: Bool = false) {
    self.limits = limits
    self.hasFetch = hasFetch
  }

  /// Whether nobody is there.
  package var isEmpty: Bool { entries.isEmpty }

  /// Whether `takeChange` would give something.
  package var hasChange: Bool { !placesOfJoins.isEmpty || !leaves.isEmpty || !touched.isEmpty }

  /// The channels of all keys, each as often as it has keys.
  package private(set) var memberCount = 0

  // MARK: Changing

  /// Adds a channel under a key.
  ///
  /// Throws `state` if it is there already, `type` for a meta that is no object, `invalidArgument` for a key that cannot be
  /// one, `limit` beyond the limits.
  package mutating func track(
    _ key: String, _ meta: JSON, by owner: PresenceOwner, ref: String
  ) throws(HostError) {
    if let fault = PresenceKey.fault(of: key) { throw HostError(.invalidArgument, "key: \(fault)") }
    guard meta.kind == .object else { throw .metaIsNoObject }
    guard keysOfOwner[owner]?.contains(PresenceKey(key)) != true else {
      throw HostError(.state, "key: this channel tracks \"\(key)\" already")
    }
    if places[PresenceKey(key)] == nil, entries.count >= limits.maxKeys {
      throw HostError(.limit, "key: the topic has max_presence_keys (\(limits.maxKeys)) keys already")
    }
    let member = PresenceMember(key: key, owner: owner, ref: ref, meta: meta)
    try checkRoom(for: member.bytes)
    insert(member)
  }

  /// Replaces the meta of a channel under a key; in place, under a new ref.
  ///
  /// Throws `notFound` if the channel does not track the key, and as `track` does.
  package mutating func update(
    _ key: String, _ meta: JSON, by owner: PresenceOwner, ref: String
  ) throws(HostError) {
    guard meta.kind == .object else { throw .metaIsNoObject }
    guard let (place, index) = place(of: key, owner) else { throw .untracked(key) }
    let old = entries[place].members[index]
    // Clients that were not told of the old meta know the one before.
    let isKnown = !isUntold(old)
    let member = PresenceMember(
      key: key, owner: owner, ref: ref, previous: isKnown ? old.ref : old.previous, meta: meta)
    try checkRoom(for: member.bytes - old.bytes)
    touch(PresenceKey(key))
    left(old, addition: entries[place].addition)
    entries[place].members[index] = member
    entries[place].text = nil
    text = nil
    bytes += member.bytes - old.bytes
    joined(member)
  }

  /// Takes a channel away from a key. Throws `notFound` if it does not track the key.
  package mutating func untrack(_ key: String, by owner: PresenceOwner) throws(HostError) {
    guard let (place, index) = place(of: key, owner) else { throw .untracked(key) }
    remove(at: place, index)
  }

  /// Takes a channel away from all of its keys: it has ended.
  package mutating func remove(_ owner: PresenceOwner) {
    for key in keysOfOwner[owner] ?? [] {
      if let (place, index) = place(of: key.text, owner) { remove(at: place, index) }
    }
  }

  // MARK: Other processes

  /// Takes over what another process told. Its limits are its own.
  package mutating func merge(joins: [PresenceMember], leaves: [PresenceMember]) {
    for member in leaves {
      guard let (place, index) = place(of: member.key, member.owner),
        entries[place].members[index].ref == member.ref
      else { continue }
      remove(at: place, index)
    }
    for member in joins {
      if let (place, index) = place(of: member.key, member.owner) {
        if entries[place].members[index].ref == member.ref { continue }
        remove(at: place, index)
      }
      insert(member)
    }
  }

  /// Takes away all that came from another process, which is gone.
  package mutating func removeAll(of process: UInt64) {
    for owner in keysOfOwner.keys where owner.process == process { remove(owner) }
  }

  /// What a process has here, for one that asks for all of it.
  package func members(of process: UInt64) -> [PresenceMember] {
    entries.flatMap { $0.members.filter { $0.owner.process == process } }
  }

  // MARK: Telling

  /// Takes what happened since the last call; nil if nothing did.
  package mutating func takeChange() -> PresenceChange? {
    guard hasChange else { return nil }
    var change = PresenceChange()
    change.joins = joins.compactMap { $0?.member }
    change.leaves = leaves
    for (key, wasPresent) in touched {
      switch (wasPresent, places[key] != nil) {
      case (false, true): change.came.append(key.text)
      case (true, false): change.went.append(key.text)
      case (true, true), (false, false): break
      }
    }
    joins = []
    placesOfJoins = [:]
    leaves = []
    touched = []
    touchedKeys = []
    let isNothing = change.joins.isEmpty && change.leaves.isEmpty
    return isNothing ? nil : change
  }

  /// Takes what `fetch` adds to the keys of a change's joins: a key without an addition has none from now on. Nil, for a
  /// `fetch` that failed, leaves what there was. Returns what is to be shown.
  package mutating func added(
    _ additions: [PresenceKey: JSON]?, to change: PresenceChange
  ) -> [PresenceKey: JSON] {
    var shown = additions ?? [:]
    for member in change.joins {
      let key = PresenceKey(member.key)
      guard let place = places[key] else { continue }
      if additions == nil { shown[key] = entries[place].addition }
      entries[place].addition = shown[key]
      entries[place].isShown = true
      entries[place].text = nil
      text = nil
    }
    return shown
  }

  // MARK: Reading

  /// All keys, `{key: {metas: […]}}`, with what `fetch` added so far. O(size).
  package mutating func list() -> JSON {
    reads += 1
    return JSON(members: entries.map { ($0.key, $0.shown) })
  }

  /// What is under a key, `{metas: […]}`; nil if nothing is.
  package mutating func presence(of key: String) -> JSON? {
    reads += 1
    return places[PresenceKey(key)].map { entries[$0].shown }
  }

  /// The payload of `presence_state` as text. O(size) after a change, less where only keys came.
  package mutating func state() -> [UInt8] {
    reads += 1
    if text == nil {
      var whole = [UInt8(ascii: "{")]
      for place in entries.indices where entries[place].isShown { append(place, to: &whole) }
      text = whole
    }
    return (text ?? []) + [UInt8(ascii: "}")]
  }

  private mutating func append(_ place: Int, to whole: inout [UInt8]) {
    if whole.count > 1 { whole.append(UInt8(ascii: ",")) }
    if entries[place].text == nil {
      var writer = ByteWriter()
      writer.append(jsonString: entries[place].key)
      writer.append(UInt8(ascii: ":"))
      writer.append(json: entries[place].shown)
      entries[place].text = writer.bytes
    }
    whole += entries[place].text ?? []
  }

  /// How clients see a key.
  static func shown(metas: [JSON], addition: JSON?) -> JSON {
    var members = [("metas", JSON(metas))]
    for (name, value) in addition?.members ?? JSON.emptyObject.members where name != "metas" {
      members.append((name, value))
    }
    return JSON(members: members)
  }

  // MARK: Steps of these

  private func place(of key: String, _ owner: PresenceOwner) -> (Int, Int)? {
    guard let place = places[PresenceKey(key)],
      let index = entries[place].members.firstIndex(where: { $0.owner == owner })
    else { return nil }
    return (place, index)
  }

  private func checkRoom(for more: Int) throws(HostError) {
    guard more <= 0 || bytes + more <= limits.maxBytes else {
      throw HostError(
        .limit, "meta: with it the topic's metas have more than max_presence_bytes (\(limits.maxBytes))")
    }
  }

  private mutating func insert(_ member: PresenceMember) {
    let key = PresenceKey(member.key)
    touch(key)
    bytes += member.bytes
    memberCount += 1
    keysOfOwner[member.owner, default: []].insert(key)
    if let place = places[key] {
      entries[place].members.append(member)
      entries[place].text = nil
      text = nil
    } else {
      let place = entries.count
      places[key] = place
      entries.append(Entry(key: member.key, members: [member], isShown: !hasFetch))
      if !hasFetch, var whole = text.take() {
        append(place, to: &whole)
        text = whole
      }
    }
    joined(member)
  }

  private mutating func remove(at place: Int, _ index: Int) {
    let member = entries[place].members[index]
    let key = PresenceKey(member.key)
    touch(key)
    bytes -= member.bytes
    memberCount -= 1
    left(member, addition: entries[place].addition)
    keysOfOwner[member.owner]?.remove(key)
    if keysOfOwner[member.owner]?.isEmpty == true { keysOfOwner[member.owner] = nil }
    text = nil
    guard entries[place].members.count == 1 else {
      entries[place].members.remove(at: index)
      entries[place].text = nil
      return
    }
    places[key] = nil
    let last = entries.removeLast()
    if place < entries.count {
      entries[place] = last
      places[PresenceKey(last.key)] = place
    }
  }

  private mutating func touch(_ key: PresenceKey) {
    if touchedKeys.insert(key).inserted { touched.append((key, places[key] != nil)) }
  }

  /// Whether nobody can know of a member: no diff told it and nobody has read it.
  private func isUntold(_ member: PresenceMember) -> Bool {
    placesOfJoins[member.ref].flatMap { joins[$0] }.map { $0.reads == reads } ?? false
  }

  private mutating func joined(_ member: PresenceMember) {
    placesOfJoins[member.ref] = joins.count
    joins.append(PendingJoin(member: member, reads: reads))
  }

  private mutating func left(_ member: PresenceMember, addition: JSON?) {
    if isUntold(member), let place = placesOfJoins.removeValue(forKey: member.ref) {
      joins[place] = nil
    } else {
      leaves.append(PresenceChange.PresenceLeave(member: member, addition: addition))
    }
  }
}

extension PresenceTable.Entry {
  /// How clients see it.
  var shown: JSON { PresenceTable.shown(metas: members.map(\.meta), addition: addition) }
}

extension HostError {
  fileprivate static let metaIsNoObject = HostError(.type, "meta: is not an object")

  fileprivate static func untracked(_ key: String) -> HostError {
    HostError(.notFound, "key: this channel does not track \"\(key)\"")
  }
}
