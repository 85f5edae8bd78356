extension JSON {
  /// The same value without the members of these names, in objects at any depth.
  ///
  /// Returns itself, with the same storage, when there is none. Complexity: O(size); one search for bytes for each
  /// name when there is none.
  public func droppingMembers(named names: [String]) -> JSON { droppingMembers(named: FlatNames(names)) }

  /// The same for names that are looked for often.
  package func droppingMembers(named names: FlatNames) -> JSON {
    guard hasMember(named: names) else { return self }
    defer { withExtendedLifetime(storage) {} }
    var builder = JSONBuilder(capacity: flatSize)
    var walk = FlatWalk(start)
    while let step = walk.next() {
      switch step {
      case .key(let key):
        if names.index(ofKey: key) != nil {
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
  public func firstMember(named names: [String]) -> JSONPointer? { firstMember(named: FlatNames(names)) }

  /// The same for names that are looked for often.
  package func firstMember(named names: FlatNames) -> JSONPointer? {
    defer { withExtendedLifetime(storage) {} }
    guard hasMember(named: names) else { return nil }
    var walk = FlatWalk(start)
    while let step = walk.next() {
      if case .key(let key) = step, names.index(ofKey: key) != nil { return walk.pointer(to: key) }
    }
    return nil
  }

  private func hasMember(named names: FlatNames) -> Bool {
    guard FlatLayout.isContainer(FlatLayout.tag(start)), names.mayOccur(in: start) else { return false }
    return withUnsafeTemporaryAllocation(byteCount: 256, alignment: 16) { memory in
      var outer = ScratchStack<UnsafeRawPointer>(borrowing: memory)
      var container = FlatContainer(start)
      var at = container.payload
      while true {
        if at == container.payloadEnd {
          guard outer.count > 0 else { return false }
          at = container.start + FlatLayout.size(container.start)
          container = FlatContainer(outer.pop())
          continue
        }
        if container.isObject {
          if names.index(ofKey: at) != nil { return true }
          at += FlatLayout.size(at)
        }
        if FlatLayout.isContainer(FlatLayout.tag(at)) {
          outer.push(container.start)
          container = FlatContainer(at)
          at = container.payload
        } else {
          at += FlatLayout.size(at)
        }
      }
    }
  }
}
