/// Indices by hash, those of one hash in a chain: the one inserted last is taken first.
///
/// Open addressing on full 64-bit hashes, in memory that is used again; none before it is needed.
struct HashChains: ~Copyable {
  private var hashes: UnsafeMutablePointer<UInt64>?
  private var heads: UnsafeMutablePointer<Int32>?
  private var nexts: UnsafeMutablePointer<Int32>?
  private var capacity = 0
  private var room = 0
  private var mask = 0

  private static let empty: Int32 = -1
  /// A chain of which all was taken: the probe goes on past it.
  private static let exhausted: Int32 = -2

  deinit {
    hashes?.deallocate()
    heads?.deallocate()
    nexts?.deallocate()
  }

  /// Empties the table and makes room for the indices `0..<count`.
  mutating func prepare(_ count: Int) {
    var wanted = 16
    while wanted < count * 2 { wanted *= 2 }
    if capacity < wanted {
      hashes?.deallocate()
      heads?.deallocate()
      hashes = .allocate(capacity: wanted)
      heads = .allocate(capacity: wanted)
      capacity = wanted
    }
    if room < count {
      nexts?.deallocate()
      nexts = .allocate(capacity: count)
      room = count
    }
    heads?.update(repeating: Self.empty, count: wanted)
    mask = wanted - 1
  }

  /// - Precondition: `index` is below what was prepared for, and inserted once.
  mutating func insert(_ index: Int, _ hash: UInt64) {
    guard let hashes, let heads, let nexts else { return }
    var slot = Int(truncatingIfNeeded: hash) & mask
    while heads[slot] != Self.empty, hashes[slot] != hash { slot = (slot &+ 1) & mask }
    hashes[slot] = hash
    nexts[index] = heads[slot] == Self.empty ? Self.exhausted : heads[slot]
    heads[slot] = Int32(truncatingIfNeeded: index)
  }

  /// Takes the first index of a chain out; nil if none is left. Equal hashes are not yet equal values.
  mutating func take(_ hash: UInt64) -> Int? {
    guard let hashes, let heads, let nexts else { return nil }
    var slot = Int(truncatingIfNeeded: hash) & mask
    while heads[slot] != Self.empty {
      if hashes[slot] == hash {
        let index = heads[slot]
        if index == Self.exhausted { return nil }
        heads[slot] = nexts[Int(index)]
        return Int(index)
      }
      slot = (slot &+ 1) & mask
    }
    return nil
  }
}
