/// A fast hash of bytes, seeded for each process so that a peer cannot prepare collisions.
@_spi(Flat) public enum FlatHash {
  /// The seed of this process.
  public static let seed: UInt64 = {
    var hasher = Hasher()
    hasher.combine(0x73_79_6E_71)
    return UInt64(truncatingIfNeeded: hasher.finalize()) | 1
  }()

  /// Mixes two words into one.
  @inlinable @inline(__always)
  public static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low
  }

  /// Hashes `count` bytes. Reads nothing outside them. O(count).
  @inlinable @inline(__always)
  public static func bytes(_ start: UnsafeRawPointer, _ count: Int, seed: UInt64) -> UInt64 {
    let state = seed ^ (UInt64(truncatingIfNeeded: count) &* 0x9E37_79B9_7F4A_7C15)
    if count >= 8 {
      return count <= 16
        ? mix(
          word(start) ^ state, word(start + (count &- 8)) ^ 0xA076_1D64_78BD_642F)
        : long(start, count, state)
    }
    if count >= 4 {
      let low = UInt64(start.loadUnaligned(as: UInt32.self))
      let high = UInt64((start + (count &- 4)).loadUnaligned(as: UInt32.self))
      return mix((high << 32 | low) ^ state, 0xA076_1D64_78BD_642F)
    }
    if count == 0 { return mix(state, 0xA076_1D64_78BD_642F) }
    let first = UInt64(start.load(as: UInt8.self))
    let middle = UInt64((start + count / 2).load(as: UInt8.self))
    let last = UInt64((start + (count &- 1)).load(as: UInt8.self))
    return mix((first | middle << 8 | last << 16) ^ state, 0xA076_1D64_78BD_642F)
  }

  /// Hashes more than 16 bytes.
  @inline(never)
  public static func long(_ start: UnsafeRawPointer, _ count: Int, _ seed: UInt64) -> UInt64 {
    var state = seed
    var at = start
    var left = count
    while left > 16 {
      state = mix(word(at) ^ state, word(at + 8) ^ 0xA076_1D64_78BD_642F)
      at += 16
      left &-= 16
    }
    at = start + (count &- 16)
    return mix(word(at) ^ state, word(at + 8) ^ 0xE703_7ED1_A0B4_28DB)
  }

  /// The eight bytes at an address.
  @inlinable @inline(__always)
  public static func word(_ at: UnsafeRawPointer) -> UInt64 {
    at.loadUnaligned(as: UInt64.self)
  }
}
