/// Vector and word reads that find what ends a run of plain text.
///
/// The comparisons are against vectors, not scalars: the compiler turns `v .== scalar` into a loop.
enum RawText {
  typealias Block = SIMD16<Int8>

  @inline(__always)
  static func load(_ at: UnsafeRawPointer) -> Block { at.loadUnaligned(as: Block.self) }

  @inline(__always)
  static func byte(_ at: UnsafeRawPointer) -> UInt8 { at.load(as: UInt8.self) }

  /// The index of the first true lane, or 16.
  @inline(__always)
  static func first(_ mask: SIMDMask<SIMD16<Int8>>) -> Int {
    let words = unsafeBitCast(mask, to: SIMD2<UInt64>.self)
    let low = UInt64(littleEndian: words[0])
    if low != 0 { return low.trailingZeroBitCount >> 3 }
    let high = UInt64(littleEndian: words[1])
    return high != 0 ? 8 &+ high.trailingZeroBitCount >> 3 : 16
  }

  /// Bytes that a string of JSON text cannot simply copy: `"`, `\`, below 0x20 and, being negative, from 0x80.
  @inline(__always)
  static func special(_ block: Block) -> SIMDMask<SIMD16<Int8>> {
    (block .== Block(repeating: 0x22)) .| (block .== Block(repeating: 0x5C))
      .| (block .< Block(repeating: 0x20))
  }

  /// Skips the white space of RFC 8259.
  @inline(__always)
  static func skipSpace(_ at: inout UnsafeRawPointer, _ end: UnsafeRawPointer) {
    guard at < end, byte(at) <= 0x20 else { return }
    skipSpaces(&at, end)
  }

  @inline(__always)
  private static func skipSpaces(_ at: inout UnsafeRawPointer, _ end: UnsafeRawPointer) {
    while at + 16 <= end {
      let block = load(at)
      let space =
        (block .== Block(repeating: 0x20)) .| (block .== Block(repeating: 0x0A))
        .| (block .== Block(repeating: 0x0D)) .| (block .== Block(repeating: 0x09))
      let count = first(.!space)
      at += count
      if count < 16 { return }
    }
    while at < end {
      switch byte(at) {
      case 0x20, 0x0A, 0x0D, 0x09: at += 1
      default: return
      }
    }
  }

  /// Advances over well-formed multi-byte sequences, copying them; stops at ASCII, the end, or a wrong one.
  ///
  /// Writes at most 4 bytes behind `out`. The pointer of `out` may be ignored by a caller that only validates.
  /// - Returns: false when the sequence at `at` is not UTF-8 (overlong, surrogate, beyond U+10FFFF, cut off).
  @inline(__always)
  static func copySequences(
    _ at: inout UnsafeRawPointer, _ end: UnsafeRawPointer, _ out: inout UnsafeMutableRawPointer,
    writing: Bool
  ) -> Bool {
    while at < end {
      let lead = byte(at)
      if lead < 0x80 { return true }
      let left = end - at
      if left >= 4 {
        let word = UInt32(littleEndian: at.loadUnaligned(as: UInt32.self))
        if writing { out.storeBytes(of: word.littleEndian, as: UInt32.self) }
        // 1110xxxx 10xxxxxx 10xxxxxx, not E0 80…9F (overlong), not ED A0…BF (surrogate).
        if word & 0x00C0_C0F0 == 0x0080_80E0 {
          let edge = word & 0x0000_200F
          guard edge != 0, edge != 0x0000_200D else { return false }
          at += 3
          out += 3
          continue
        }
        if word & 0x0000_C0E0 == 0x0000_80C0 {
          guard lead >= 0xC2 else { return false }
          at += 2
          out += 2
          continue
        }
        if word & 0xC0C0_C0F8 == 0x8080_80F0 {
          // Not F0 80…8F (overlong), not above F4 8F.
          let second = byte(at + 1)
          guard lead != 0xF0 || second >= 0x90, lead < 0xF4 || (lead == 0xF4 && second < 0x90) else {
            return false
          }
          at += 4
          out += 4
          continue
        }
        return false
      }
      // At the very end of the text: byte by byte.
      let size: Int
      if lead >= 0xC2, lead < 0xE0, left >= 2, byte(at + 1) & 0xC0 == 0x80 {
        size = 2
      } else if lead & 0xF0 == 0xE0, left >= 3, byte(at + 1) & 0xC0 == 0x80, byte(at + 2) & 0xC0 == 0x80 {
        let second = byte(at + 1)
        guard lead != 0xE0 || second >= 0xA0, lead != 0xED || second < 0xA0 else { return false }
        size = 3
      } else {
        return false
      }
      for index in 0..<size where writing {
        out.storeBytes(of: byte(at + index), toByteOffset: index, as: UInt8.self)
      }
      at += size
      out += size
    }
    return true
  }

  /// The value of four hexadecimal digits.
  static func hexadecimal(_ at: UnsafeRawPointer, _ end: UnsafeRawPointer) -> UInt32? {
    guard end - at >= 4 else { return nil }
    var value: UInt32 = 0
    for index in 0..<4 {
      let digit = byte(at + index)
      switch digit {
      case 0x30...0x39: value = value << 4 | UInt32(digit - 0x30)
      case 0x41...0x46: value = value << 4 | UInt32(digit - 0x41 + 10)
      case 0x61...0x66: value = value << 4 | UInt32(digit - 0x61 + 10)
      default: return nil
      }
    }
    return value
  }

  /// Advances over `null`, `true` or `false`.
  @inline(__always)
  static func skipLiteral(_ at: inout UnsafeRawPointer, _ end: UnsafeRawPointer) -> JSONError.Code? {
    let left = end - at
    if left >= 4 {
      let word = UInt32(littleEndian: at.loadUnaligned(as: UInt32.self))
      if word == 0x6C6C_756E || word == 0x6575_7274 {
        at += 4
        return nil
      }
      if word == 0x736C_6166, left >= 5, byte(at + 4) == 0x65 {
        at += 5
        return nil
      }
    }
    return notALiteral(&at, end)
  }

  /// `tru` at the end is a text that was cut off, `trx` is not a value.
  @inline(never)
  private static func notALiteral(_ at: inout UnsafeRawPointer, _ end: UnsafeRawPointer) -> JSONError.Code {
    let left = UnsafeRawBufferPointer(start: at, count: end - at)
    for literal in ["null", "true", "false"] where literal.utf8.starts(with: left) {
      at = end
      return .unexpectedEnd
    }
    return .expectedValue
  }
}
