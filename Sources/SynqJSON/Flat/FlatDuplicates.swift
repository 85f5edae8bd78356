/// Rebuilds a value in which objects may hold a name twice, keeping the last member of each name.
///
/// Runs only when the parser or a builder met two equal key hashes in one object, once over the whole value:
/// removing members while objects close would move an outer object's content once for each level.
enum FlatDuplicates {
  private struct Level {
    var container: FlatContainer
    var at: UnsafeRawPointer
    var index = 0
    /// For each member whether a later one has its name; nil when none has.
    var dropped: [Bool]?
  }

  /// Complexity: O(size).
  static func keepLast(in value: UnsafeRawPointer) -> JSON {
    var result = FlatAssembly(capacity: FlatLayout.size(value))
    var levels: [Level] = []
    write(value, to: &result, &levels)
    while var level = levels.popLast() {
      if level.index == level.container.count {
        guard result.close() else { fatalError("a value cannot grow here") }
        continue
      }
      let at = level.at
      let isDropped = level.dropped?[level.index] ?? false
      level.at = level.container.next(at)
      level.index += 1
      levels.append(level)
      if isDropped { continue }
      result.beginElement()
      guard level.container.isObject else {
        write(at, to: &result, &levels)
        continue
      }
      let size = FlatLayout.size(at)
      result.copy(at, size)
      // Distinct by construction, so that no second pass is asked for: the position stands for the name.
      result.keys.push(UInt32(truncatingIfNeeded: level.index) << 1 | 1)
      write(at + size, to: &result, &levels)
    }
    return result.take()
  }

  private static func write(
    _ value: UnsafeRawPointer, to result: inout FlatAssembly, _ levels: inout [Level]
  ) {
    let tag = FlatLayout.tag(value)
    guard FlatLayout.isContainer(tag) else {
      result.copy(value, FlatLayout.size(value))
      return
    }
    let container = FlatContainer(value)
    guard result.reserve(FlatLayout.largeHeader) else { fatalError("a value cannot grow here") }
    result.open(isObject: container.isObject)
    levels.append(
      Level(container: container, at: container.payload, dropped: dropped(in: container)))
  }

  private static func dropped(in object: FlatContainer) -> [Bool]? {
    guard object.isObject, object.count > 1 else { return nil }
    var slots = 4
    while slots < 2 * object.count { slots *= 2 }
    // Each slot: the member's index + 1, and where its key is.
    var index = [Int](repeating: 0, count: slots)
    var keys = [UnsafeRawPointer](repeating: object.start, count: slots)
    var dropped: [Bool]?
    var key = object.payload
    for member in 0..<object.count {
      let size = FlatLayout.size(key)
      let hash = FlatHash.bytes(key, size, seed: FlatHash.seed)
      var slot = Int(truncatingIfNeeded: hash) & (slots - 1)
      while index[slot] != 0 {
        if FlatLayout.size(keys[slot]) == size, FlatLayout.equal(keys[slot], key, size) {
          if dropped == nil { dropped = [Bool](repeating: false, count: object.count) }
          dropped?[index[slot] - 1] = true
          break
        }
        slot = (slot + 1) & (slots - 1)
      }
      index[slot] = member + 1
      keys[slot] = key
      key = object.next(key)
    }
    return dropped
  }
}

extension FlatAssembly {
  /// Copies finished flat bytes.
  mutating func copy(_ bytes: UnsafeRawPointer, _ count: Int) {
    guard reserve(count) else { fatalError("a JSON value is limited to 4 GiB") }
    out.copyMemory(from: bytes, byteCount: count)
    out += count
  }
}
