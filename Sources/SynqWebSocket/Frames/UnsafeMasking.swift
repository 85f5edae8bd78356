/// The key that a client masks a frame's payload with, its first wire byte lowest (RFC 6455, section 5.3).
struct MaskingKey: Equatable {
  var bits: UInt32

  /// The key as it applies to a payload of which `count` bytes were unmasked before.
  func advanced(by count: Int) -> MaskingKey {
    let shift = UInt32(truncatingIfNeeded: (count & 3) &* 8)
    return shift == 0 ? self : MaskingKey(bits: bits >> shift | bits << (32 &- shift))
  }

  /// Copies `source` to `target`, unmasked. Returns true when every byte is ASCII, which makes the text valid UTF-8.
  ///
  /// One pass of 32 bytes a step. The copy is what lets the next read use the same receive buffer, and costs no
  /// more than unmasking in place: the same bytes are read and written.
  /// - Precondition: `target` has room for `source.count` bytes and does not overlap it.
  @inline(__always)
  func unmask(_ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawPointer) -> Bool {
    guard let source = source.baseAddress.map({ (base: $0, count: source.count) }) else { return true }
    let wide = UInt64(bits) | UInt64(bits) << 32
    var seen: UInt64 = 0
    var index = 0
    while index &+ 32 <= source.count {
      for word in 0..<4 {
        let offset = index &+ word &* 8
        let plain =
          UInt64(littleEndian: source.base.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) ^ wide
        seen |= plain
        target.storeBytes(of: plain.littleEndian, toByteOffset: offset, as: UInt64.self)
      }
      index &+= 32
    }
    while index &+ 8 <= source.count {
      let plain =
        UInt64(littleEndian: source.base.loadUnaligned(fromByteOffset: index, as: UInt64.self)) ^ wide
      seen |= plain
      target.storeBytes(of: plain.littleEndian, toByteOffset: index, as: UInt64.self)
      index &+= 8
    }
    while index < source.count {
      let shift = UInt32(truncatingIfNeeded: (index & 3) &* 8)
      let plain =
        source.base.load(fromByteOffset: index, as: UInt8.self) ^ UInt8(truncatingIfNeeded: bits >> shift)
      seen |= UInt64(plain)
      target.storeBytes(of: plain, toByteOffset: index, as: UInt8.self)
      index &+= 1
    }
    return seen & 0x8080_8080_8080_8080 == 0
  }
}
