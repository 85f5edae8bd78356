import SynqChannels
import SynqJSON

/// Who is here as a client of phoenix.js has it: diffs wait until the state has come, and metas are told apart by `phx_ref`.
struct PresenceView: Sendable {
  fileprivate struct Key: Sendable {
    var name: String
    var metas: [JSON]
    /// What stands beside the metas.
    var others: [(name: String, value: JSON)]
  }

  private var keys: [Key] = []
  private var hasState = false
  private var waiting: [JSON] = []

  /// Takes `presence_state`.
  mutating func take(state: JSON) {
    keys = state.members.map { Key($0.name, $0.value) }
    hasState = true
    for diff in waiting { apply(diff) }
    waiting = []
  }

  /// Takes `presence_diff`.
  mutating func take(diff: JSON) {
    if hasState { apply(diff) } else { waiting.append(diff) }
  }

  /// The list, `{key: {metas: […]}}`.
  var list: JSON {
    JSON(
      members: keys.map { key in
        (
          key.name,
          JSON(members: [("metas", JSON(key.metas))] + key.others.map { ($0.name, $0.value) })
        )
      })
  }

  private mutating func apply(_ diff: JSON) {
    for joined in Key.all(in: diff["joins"]) {
      guard let place = place(of: joined.name) else {
        keys.append(joined)
        continue
      }
      let refs = Set(joined.metas.map(\.ref))
      keys[place].metas = keys[place].metas.filter { !refs.contains($0.ref) } + joined.metas
      keys[place].others = joined.others
    }
    for left in Key.all(in: diff["leaves"]) {
      guard let place = place(of: left.name) else { continue }
      let refs = Set(left.metas.map(\.ref))
      keys[place].metas.removeAll { refs.contains($0.ref) }
      if keys[place].metas.isEmpty { keys.remove(at: place) }
    }
  }

  private func place(of name: String) -> Int? {
    keys.firstIndex { PresenceKey($0.name) == PresenceKey(name) }
  }
}

extension PresenceView.Key {
  static func all(in list: JSON?) -> [PresenceView.Key] {
    (list ?? .emptyObject).members.map { PresenceView.Key($0.name, $0.value) }
  }

  init(_ name: String, _ value: JSON) {
    self.name = name
    metas = (value["metas"] ?? .emptyArray).elements.map { $0 }
    others = value.members.filter { $0.name != "metas" }.map { ($0.name, $0.value) }
  }
}

extension JSON {
  fileprivate var ref: String { self["phx_ref"]?.stringValue ?? "" }

  /// A list of presences as a test writes it: `{key: [meta, …]}` without refs, keys by name and metas by their text.
  var presencesWithoutRefs: JSON {
    let keys = members.map { key, value in
      let metas = (value["metas"] ?? .emptyArray).elements.map { meta in
        JSON(
          members: meta.members.filter { $0.name != "phx_ref" && $0.name != "phx_ref_prev" }
            .map { ($0.name, $0.value) })
      }
      return (key, JSON(metas))
    }
    return JSON(members: keys).sortedPresences
  }

  /// `{key: [meta, …]}` with keys by name and metas by their text, which have no order that counts.
  var sortedPresences: JSON {
    JSON(
      members: members.sorted { $0.name < $1.name }.map { key, metas in
        (key, JSON(metas.elements.sorted { "\($0)" < "\($1)" }))
      })
  }
}
