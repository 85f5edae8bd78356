/// Equality and hash of values in which the order of members does not matter, without recursion.
package enum FlatComparison {
  private struct Pair {
    let a: FlatContainer
    let b: FlatContainer
    var atA: UnsafeRawPointer
    var atB: UnsafeRawPointer
    var index = 0
    /// Where the members of `b` are, by name; made at the first member that is not where `a` has it.
    var names: OwnIndex?

    mutating func keyOfB(equalTo key: UnsafeRawPointer) -> UnsafeRawPointer? {
      guard b.count > 8 else {
        let size = FlatLayout.size(key)
        var candidate = b.payload
        while candidate < b.payloadEnd {
          if FlatLayout.size(candidate) == size, FlatLayout.equal(candidate, key, size) { return candidate }
          candidate = b.next(candidate)
        }
        return nil
      }
      let names = self.names ?? OwnIndex(of: b)
      self.names = names
      return names.key(equalTo: key)
    }
  }

  /// Equal content has equal size in any order of members, so most differences end at the first look.
  ///
  /// Complexity: O(size). Nothing is compared once for each level above it.
  package static func areEqual(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer) -> Bool {
    if a == b { return true }
    let size = FlatLayout.size(a)
    guard size == FlatLayout.size(b) else { return false }
    if FlatLayout.equal(a, b, size) { return true }
    guard FlatLayout.isContainer(FlatLayout.tag(a)) else { return false }
    return areEqualInAnyOrder(a, b)
  }

  private static func areEqualInAnyOrder(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer) -> Bool {
    var pairs: [Pair] = []
    guard matches(a, b, &pairs) else { return false }
    while let last = pairs.indices.last {
      if pairs[last].index == pairs[last].a.count {
        pairs.removeLast()
        continue
      }
      let atA = pairs[last].atA
      let atB = pairs[last].atB
      pairs[last].index += 1
      pairs[last].atA = pairs[last].a.next(atA)
      pairs[last].atB = pairs[last].b.next(atB)
      guard pairs[last].a.isObject else {
        guard matches(atA, atB, &pairs) else { return false }
        continue
      }
      let keySize = FlatLayout.size(atA)
      var keyB = atB
      if keySize != FlatLayout.size(atB) || !FlatLayout.equal(atA, atB, keySize) {
        guard let found = pairs[last].keyOfB(equalTo: atA) else { return false }
        keyB = found
      }
      guard matches(atA + keySize, keyB + keySize, &pairs) else { return false }
    }
    return true
  }

  /// Compares scalars; containers only by their size and count, and notes them to be gone through.
  private static func matches(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ pairs: inout [Pair]) -> Bool {
    let size = FlatLayout.size(a)
    guard FlatLayout.tag(a) == FlatLayout.tag(b), size == FlatLayout.size(b) else { return false }
    guard FlatLayout.isContainer(FlatLayout.tag(a)) else { return FlatLayout.equal(a, b, size) }
    let containerA = FlatContainer(a)
    let containerB = FlatContainer(b)
    guard containerA.count == containerB.count else { return false }
    pairs.append(Pair(a: containerA, b: containerB, atA: containerA.payload, atB: containerB.payload))
    return true
  }

  private struct Sum {
    let container: FlatContainer
    var at: UnsafeRawPointer
    var value: UInt64
    /// The hash of the key whose value is being hashed.
    var key: UInt64 = 0
  }

  /// A hash under which values that are equal in any order of members are equal. Differs from process to process.
  ///
  /// Complexity: O(size).
  package static func hash(_ value: UnsafeRawPointer) -> UInt64 {
    let seed = FlatHash.seed
    var sums: [Sum] = []
    var at = value
    while true {
      var result: UInt64
      if FlatLayout.isContainer(FlatLayout.tag(at)) {
        let container = FlatContainer(at)
        let start = seed ^ UInt64(FlatLayout.tag(at)) ^ UInt64(container.count) << 8
        sums.append(Sum(container: container, at: container.payload, value: start))
        result = 0
      } else {
        result = FlatHash.bytes(at, FlatLayout.size(at), seed: seed)
        guard !sums.isEmpty else { return result }
        add(result, to: &sums[sums.count - 1])
      }
      // Up to the next element that is there, through the ends of containers.
      while let last = sums.last, last.at == last.container.payloadEnd {
        sums.removeLast()
        result = FlatHash.mix(last.value, 0x8EBC_6AF0_9C88_C6E3)
        guard !sums.isEmpty else { return result }
        add(result, to: &sums[sums.count - 1])
      }
      let last = sums.count - 1
      at = sums[last].at
      if sums[last].container.isObject {
        let keySize = FlatLayout.size(at)
        sums[last].key = FlatHash.bytes(at, keySize, seed: seed)
        at += keySize
      }
      sums[last].at = at + FlatLayout.size(at)
    }
  }

  /// Elements chain, members add up.
  private static func add(_ hash: UInt64, to sum: inout Sum) {
    if sum.container.isObject {
      sum.value &+= FlatHash.mix(sum.key ^ 0x5895_65E3_A5F6_E24D, hash ^ 0xA076_1D64_78BD_642F)
    } else {
      sum.value = FlatHash.mix(sum.value ^ hash, 0xE703_7ED1_A0B4_28DB)
    }
  }
}

/// An index that only one comparison uses, and that is gone with it.
private final class OwnIndex {
  private let index: FlatIndex

  init(of object: FlatContainer) { index = FlatIndex(of: object) }

  deinit { index.deallocate() }

  func key(equalTo key: UnsafeRawPointer) -> UnsafeRawPointer? { index.key(named: FlatLayout.text(key)) }
}
