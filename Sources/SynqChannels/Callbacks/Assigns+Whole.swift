@_spi(Flat) import SynqJSON
import SynqPatch

/// Many changes in one edit: each is made as a whole or not at all, and costs one copy of what it changes.
extension Assigns {
  /// Sets each member of `members`, an object, in the object at `pointer`; at the root, assigns of these names.
  ///
  /// Errors: `type` when either is not an object, `notFound` when nothing is at `pointer`.
  package mutating func merge(_ members: JSON, at pointer: UnsafeRawBufferPointer) throws(HostError) {
    guard members.kind == .object else {
      throw HostError(.type, "members: expected an object, got \(members.kind.withArticle)")
    }
    guard !pointer.isEmpty else {
      var changed = self
      for (name, value) in members.members { try changed.set(name, to: value) }
      self = changed
      return
    }
    let old = try present(at: pointer)
    guard old.kind == .object else {
      throw HostError(
        .type, "pointer: \(JSONPointer(checked: pointer)): expected an object, got \(old.kind.withArticle)")
    }
    var builder = JSONBuilder(capacity: old.flatSize + members.flatSize)
    builder.beginObject()
    for (name, value) in old.members {
      builder.key(name)
      builder.append(members[name] ?? value)
    }
    for (name, value) in members.members where old[name] == nil {
      builder.key(name)
      builder.append(value)
    }
    builder.endObject()
    try change(.set(builder.finish()), at: pointer)
  }

  /// Applies `patch` (RFC 6902) to the value at `pointer`; at the root, to the object of all assigns.
  ///
  /// Errors: `patch` with the operation that does not apply, `notFound` when nothing is at `pointer`.
  package mutating func apply(_ patch: JSON, at pointer: UnsafeRawBufferPointer) throws(HostError) {
    let old = try present(at: pointer)
    let new: JSON
    do throws(PatchError) {
      new = try JSONPatch.apply(patch, to: old)
    } catch {
      throw HostError(.patch, "patch: \(error)")
    }
    guard pointer.isEmpty else { return try change(.set(new), at: pointer) }
    guard new.kind == .object else {
      throw HostError(.patch, "patch: it makes \(new.kind.withArticle) of the assigns")
    }
    var changed = self
    for name in names where new[name] == nil { try changed.remove(name) }
    for (name, value) in new.members where self[name]?.hasSameBytes(as: value) != true {
      try changed.set(name, to: value.compacted())
    }
    self = changed
  }

  /// The same at a pointer.
  package mutating func merge(_ members: JSON, at pointer: JSONPointer) throws(HostError) {
    try pointer.withText { text in
      Result { () throws(HostError) in try merge(members, at: text) }
    }.get()
  }

  /// The same at a pointer.
  package mutating func apply(_ patch: JSON, at pointer: JSONPointer) throws(HostError) {
    try pointer.withText { text in
      Result { () throws(HostError) in try apply(patch, at: text) }
    }.get()
  }

  private func present(at pointer: UnsafeRawBufferPointer) throws(HostError) -> JSON {
    guard let value = value(at: pointer) else {
      throw HostError(.notFound, "pointer: nothing is at \(JSONPointer(checked: pointer))")
    }
    return value
  }
}
