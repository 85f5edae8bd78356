import SynqJSON

/// One channel under one key: what clients see as an element of `metas`.
package struct PresenceMember: Sendable, Hashable {
  package let key: String
  package let owner: PresenceOwner
  /// Names this meta; a changed one has another.
  package let ref: String
  /// The ref of the meta that this one replaced.
  package let previous: String?
  /// The meta as clients get it, with `phx_ref` and, after a change, `phx_ref_prev`.
  package let meta: JSON

  /// - Parameter meta: an object; members named `phx_ref` and `phx_ref_prev` are the library's and are left out.
  package init(key: String, owner: PresenceOwner, ref: String, previous: String? = nil, meta: JSON) {
    self.key = key
    self.owner = owner
    self.ref = ref
    self.previous = previous
    var members = [("phx_ref", JSON(ref))]
    if let previous { members.append(("phx_ref_prev", JSON(previous))) }
    for (name, value) in meta.members where name != "phx_ref" && name != "phx_ref_prev" {
      members.append((name, value))
    }
    self.meta = JSON(members: members)
  }

  /// What counts against `PresenceLimits.maxBytes`.
  var bytes: Int { key.utf8.count + meta.flatSize }
}

/// What a topic's presence may grow to.
package struct PresenceLimits: Sendable, Hashable {
  /// Keys of one topic: a program that tracks whatever a client names stays bounded.
  package var maxKeys = 10_000
  /// Bytes of one topic's keys and metas: every client of the topic gets them all when it joins.
  package var maxBytes = 4_000_000

  package init() {}
}

/// What happened in a table since the last change that was taken from it.
///
/// Joins and leaves commute, as each names a ref that is never used again: so a client that applies all joins and then all
/// leaves, as phoenix.js does, gets to the table's list, whenever its `presence_state` was taken.
package struct PresenceChange: Sendable {
  package var joins: [PresenceMember] = []
  package var leaves: [PresenceLeave] = []
  /// Keys that have a channel now and had none before.
  package var came: [String] = []
  /// Keys that had a channel before and have none now.
  package var went: [String] = []

  /// A member that left, with what `fetch` had added to its key.
  package struct PresenceLeave: Sendable {
    package var member: PresenceMember
    package var addition: JSON?
  }

  /// The keys that it is about, each once.
  package var keys: [String] {
    var seen: Set<PresenceKey> = []
    return (joins.map(\.key) + leaves.map(\.member.key)).filter { seen.insert(PresenceKey($0)).inserted }
  }

  /// The payload of `presence_diff`.
  ///
  /// - Parameter additions: what `fetch` adds to the keys of the joins.
  package func payload(additions: [PresenceKey: JSON] = [:]) -> JSON {
    [
      "joins": Self.list(joins.map { ($0, additions[PresenceKey($0.key)]) }),
      "leaves": Self.list(leaves.map { ($0.member, $0.addition) }),
    ]
  }

  /// Keys with their metas, `{key: {metas: […]}}`.
  private static func list(_ members: [(member: PresenceMember, addition: JSON?)]) -> JSON {
    var places: [PresenceKey: Int] = [:]
    var keys: [(key: String, metas: [JSON], addition: JSON?)] = []
    for (member, addition) in members {
      if let place = places[PresenceKey(member.key)] {
        keys[place].metas.append(member.meta)
      } else {
        places[PresenceKey(member.key)] = keys.count
        keys.append((member.key, [member.meta], addition))
      }
    }
    return JSON(members: keys.map { ($0.key, PresenceTable.shown(metas: $0.metas, addition: $0.addition)) })
  }

  /// What `fetch` is asked about: the keys of the joins with their metas.
  package var fetched: JSON { Self.list(joins.map { ($0, nil) }) }
}
