/// Indices by hash, those of one hash in a chain: the first one inserted last is taken first.
///
/// Open addressing on full 64-bit hashes, in storage that is used again.
struct HashChains {
  private var hashes: [UInt64] = []
  private var heads: [Int32] = []
  private var nexts: [Int32] = []
  private var mask = 0

  /// Empties the table and makes room for the indices `0..<count`.
  mutating func prepare(_ count: Int) {
    var capacity = 16
    while capacity < count * 2 { capacity *= 2 }
    if heads.count < capacity {
      hashes = [UInt64](repeating: 0, count: capacity)
      heads = [Int32](repeating: -1, count: capacity)
    } else {
      for slot in 0..<capacity { heads[slot] = -1 }
    }
    if nexts.count < count { nexts = [Int32](repeating: -1, count: max(count, 16)) }
    mask = capacity - 1
  }

  /// A taken chain keeps its slot, so that the probe goes on past it.
  private static let exhausted: Int32 = -2

  mutating func insert(_ index: Int, _ hash: UInt64) {
    var slot = Int(truncatingIfNeeded: hash) & mask
    while heads[slot] != -1, hashes[slot] != hash { slot = (slot &+ 1) & mask }
    hashes[slot] = hash
    nexts[index] = heads[slot] == -1 ? Self.exhausted : heads[slot]
    heads[slot] = Int32(truncatingIfNeeded: index)
  }

  /// Takes the first index of a chain out; nil if none is left. Equal hashes are not yet equal values.
  mutating func take(_ hash: UInt64) -> Int? {
    var slot = Int(truncatingIfNeeded: hash) & mask
    while heads[slot] != -1 {
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
