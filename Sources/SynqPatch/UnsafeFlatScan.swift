@_spi(Flat) import SynqJSON

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The address of one flat value, or of a place between two.
typealias FlatPlace = UnsafeRawPointer

extension FlatContainer {
  /// The bytes before the payload.
  @inline(__always)
  var headSize: Int { payload - start }

  /// The last element or member with an entry in the table that starts at or before `offset` of the payload,
  /// and where it starts; the first one if none does.
  ///
  /// Complexity: O(log n).
  @inline(__always)
  func anchor(before offset: Int) -> (index: Int, offset: Int) {
    var high = tableEntries
    guard high > 0 else { return (0, 0) }
    var low = 0
    while low < high {
      let middle = (low &+ high &+ 1) / 2
      if tableOffset(middle &- 1) <= offset { low = middle } else { high = middle &- 1 }
    }
    return low == 0 ? (0, 0) : (low &* FlatLayout.stride, tableOffset(low &- 1))
  }
}

/// How many bytes are the same at the start of `a` and `b`, `count` at most.
///
/// A few words are compared here, as most calls end early; then blocks go through `memcmp`, which is
/// vectorised far better than portable Swift, and only the block that differs is looked into.
@inline(__always)
func firstDifference(_ a: FlatPlace, _ b: FlatPlace, _ count: Int) -> Int {
  var at = 0
  let near = min(count, 64)
  while at &+ 8 <= near {
    let x = wordXor(a + at, b + at)
    if x != 0 { return at &+ x.trailingZeroBitCount / 8 }
    at &+= 8
  }
  return at == 64 ? farDifference(a, b, from: at, count) : wordDifference(a, b, from: at, count)
}

/// The bits that differ between two words, the first byte lowest.
@inline(__always)
private func wordXor(_ a: FlatPlace, _ b: FlatPlace) -> UInt64 {
  UInt64(littleEndian: a.loadUnaligned(as: UInt64.self) ^ b.loadUnaligned(as: UInt64.self))
}

/// Whether 64 bytes differ.
@inline(__always)
private func differ64(_ a: FlatPlace, _ b: FlatPlace) -> Bool {
  let x = a.loadUnaligned(as: SIMD8<UInt64>.self) ^ b.loadUnaligned(as: SIMD8<UInt64>.self)
  let y = x.lowHalf | x.highHalf
  let z = y.lowHalf | y.highHalf
  return z[0] | z[1] != 0
}

@inline(never)
private func farDifference(_ a: FlatPlace, _ b: FlatPlace, from start: Int, _ count: Int) -> Int {
  var at = start
  let near = min(count, 1024)
  while at &+ 64 <= near {
    if differ64(a + at, b + at) { return wordDifference(a, b, from: at, at &+ 64) }
    at &+= 64
  }
  var block = 1024
  while at < count {
    let size = min(block, count &- at)
    if memcmp(a + at, b + at, size) != 0 {
      while at &+ 64 <= count, !differ64(a + at, b + at) { at &+= 64 }
      return wordDifference(a, b, from: at, count)
    }
    at &+= size
    block = min(block &* 2, 4096)
  }
  return count
}

@inline(__always)
private func wordDifference(_ a: FlatPlace, _ b: FlatPlace, from start: Int, _ count: Int) -> Int {
  var at = start
  while at &+ 8 <= count {
    let x = wordXor(a + at, b + at)
    if x != 0 { return at &+ x.trailingZeroBitCount / 8 }
    at &+= 8
  }
  // Every value has readable slack behind it, so the rest is one load; what the slack holds is cut off.
  guard at < count else { return count }
  let x = wordXor(a + at, b + at) << (64 &- 8 &* (count &- at))
  return x == 0 ? count : count &- 8 &+ x.trailingZeroBitCount / 8
}

/// How many bytes are the same before `endA` and `endB`, `count` at most.
func commonSuffix(_ endA: FlatPlace, _ endB: FlatPlace, _ count: Int) -> Int {
  var at = 0
  var block = 256
  while at < count {
    let size = min(block, count - at)
    if memcmp(endA - at - size, endB - at - size, size) != 0 { break }
    at += size
    block = min(block * 4, 4096)
  }
  while at + 8 <= count {
    let x = wordXor(endA - at - 8, endB - at - 8)
    if x != 0 { return at + x.leadingZeroBitCount / 8 }
    at += 8
  }
  while at < count, (endA - at - 1).load(as: UInt8.self) == (endB - at - 1).load(as: UInt8.self) { at += 1 }
  return at
}

/// Whether the flat values at `a` and `b` are the same bytes.
@inline(__always)
func sameBytes(_ a: FlatPlace, _ b: FlatPlace) -> Bool {
  // The first bytes hold tag and size: most values that differ do so there.
  let x = wordXor(a, b)
  let size = FlatLayout.size(a)
  if size <= 8 { return size == 8 ? x == 0 : x << UInt64(64 &- 8 &* size) == 0 }
  return x == 0 && size == FlatLayout.size(b) && memcmp(a, b, size) == 0
}
