extension JSON {
  /// The same value without the members of these names, in objects at any depth.
  ///
  /// Returns itself, with the same storage, when there is none. Complexity: O(size); one search for bytes for each
  /// name when there is none.
  public func droppingMembers(named names: [String]) -> JSON {
    guard firstMember(named: names) != nil else { return self }
    defer { withExtendedLifetime(storage) {} }
    let keys = MemberKeys(names)
    var builder = JSONBuilder(capacity: flatSize)
    var walk = FlatWalk(start)
    while let step = walk.next() {
      switch step {
      case .key(let key):
        if keys.contain(key) {
          walk.skipMember()
        } else {
          builder.key(utf8: FlatLayout.text(key))
        }
      case .scalar(let value):
        builder.append(flat: UnsafeRawBufferPointer(start: value, count: FlatLayout.size(value)))
      case .begin(let container):
        if container.isObject { builder.beginObject() } else { builder.beginArray() }
      case .end(let container):
        if container.isObject { builder.endObject() } else { builder.endArray() }
      }
    }
    return builder.finish()
  }

  /// The place of the first member, in the order as written, that has one of these names, in objects at any depth.
  ///
  /// Complexity: O(size); one search for bytes for each name when there is none.
  public func firstMember(named names: [String]) -> JSONPointer? {
    defer { withExtendedLifetime(storage) {} }
    guard FlatLayout.isContainer(FlatLayout.tag(start)) else { return nil }
    let keys = MemberKeys(names)
    guard keys.mayOccur(in: UnsafeRawBufferPointer(start: start, count: flatSize)) else { return nil }
    var walk = FlatWalk(start)
    while let step = walk.next() {
      if case .key(let key) = step, keys.contain(key) { return walk.pointer(to: key) }
    }
    return nil
  }
}

/// Names as the flat keys that they are in a value.
private struct MemberKeys {
  private let keys: [JSON]

  init(_ names: [String]) {
    keys = names.map { JSON($0) }
  }

  /// Whether the bytes of a key occur at all, in a key or elsewhere: a whole value takes one fast search.
  func mayOccur(in bytes: UnsafeRawBufferPointer) -> Bool {
    keys.contains { key in key.withFlatBytes { FlatSearch.contains($0, in: bytes) } }
  }

  func contain(_ key: UnsafeRawPointer) -> Bool {
    let size = FlatLayout.size(key)
    return keys.contains { $0.flatSize == size && FlatLayout.equal($0.start, key, size) }
  }
}
