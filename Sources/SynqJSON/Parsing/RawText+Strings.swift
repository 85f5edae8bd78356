#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

extension RawText {
  /// Where a token ended, in the text and in the output. Returned and not `inout`, to stay in registers.
  struct End {
    var at: UnsafeRawPointer
    var out: UnsafeMutableRawPointer
    /// What is wrong at `at`, if anything.
    var error: JSONError.Code?
  }

  /// Reads the rest of a string, whose opening quote was consumed, into a flat string at `out`.
  ///
  /// Needs room for one and a half times the text that is left, and the assembly's margin.
  @inline(__always)
  static func string(
    _ start: UnsafeRawPointer, _ end: UnsafeRawPointer, _ out: UnsafeMutableRawPointer
  ) -> End {
    var at = start
    let content = out + 1
    var write = content
    while true {
      plainRun(&at, end, &write)
      if at == end { return End(at: at, out: out, error: .unexpectedEnd) }
      let byte = byte(at)
      if byte == 0x22 {
        at += 1
        let count = write - content
        if count <= FlatLayout.maxShortText {
          out.storeBytes(of: 0x40 | UInt8(truncatingIfNeeded: count), as: UInt8.self)
          return End(at: at, out: write, error: nil)
        }
        memmove(out + 5, content, count)
        out.storeBytes(of: 0x7F, as: UInt8.self)
        out.storeBytes(of: UInt32(truncatingIfNeeded: count).littleEndian, toByteOffset: 1, as: UInt32.self)
        return End(at: at, out: out + (5 &+ count), error: nil)
      }
      if byte < 0x80 {
        var newOut = out
        let error = escapedString(&at, end, &newOut, copied: write - content)
        return End(at: at, out: newOut, error: error)
      }
      if !copySequences(&at, end, &write, writing: true) {
        return End(at: at, out: out, error: .invalidUTF8)
      }
    }
  }

  /// Copies up to the next special byte, or up to `end`. Writes up to 16 bytes behind `out`.
  @inline(__always)
  private static func plainRun(
    _ at: inout UnsafeRawPointer, _ end: UnsafeRawPointer, _ out: inout UnsafeMutableRawPointer
  ) {
    while at + 16 <= end {
      let block = load(at)
      out.storeBytes(of: block, as: Block.self)
      let count = first(special(block))
      at += count
      out += count
      if count < 16 { return }
    }
    while at < end {
      let byte = byte(at)
      if byte < 0x20 || byte == 0x22 || byte == 0x5C || byte >= 0x80 { return }
      out.storeBytes(of: byte, as: UInt8.self)
      at += 1
      out += 1
    }
  }

  /// Advances to the next special byte, or to `end`.
  @inline(__always)
  static func skipPlain(_ at: inout UnsafeRawPointer, _ end: UnsafeRawPointer) {
    while at + 16 <= end {
      let count = first(special(load(at)))
      at += count
      if count < 16 { return }
    }
    while at < end {
      let byte = byte(at)
      if byte < 0x20 || byte == 0x22 || byte == 0x5C || byte >= 0x80 { return }
      at += 1
    }
  }

  /// Advances over well-formed multi-byte sequences. See `copySequences`.
  @inline(__always)
  static func skipSequences(_ at: inout UnsafeRawPointer, _ end: UnsafeRawPointer) -> Bool {
    // Nothing is written, so any pointer serves.
    var nowhere = UnsafeMutableRawPointer(mutating: at)
    return copySequences(&at, end, &nowhere, writing: false)
  }

  /// Advances over one escape sequence, at its backslash.
  @inline(never)
  static func skipEscape(_ at: inout UnsafeRawPointer, _ end: UnsafeRawPointer) -> JSONError.Code? {
    withUnsafeTemporaryAllocation(byteCount: 8, alignment: 8) { memory in
      guard var sink = memory.baseAddress else { return .unexpectedEnd }
      var mustEscape = false
      return escape(&at, end, &sink, &mustEscape)
    }
  }

  /// Goes on with a string of which `copied` bytes are at `out + 1`, from its first escape (or control byte).
  @inline(never)
  private static func escapedString(
    _ at: inout UnsafeRawPointer, _ end: UnsafeRawPointer, _ out: inout UnsafeMutableRawPointer, copied: Int
  ) -> JSONError.Code? {
    let content = out + 5
    memmove(content, out + 1, copied)
    var write = content + copied
    var mustEscape = false
    while at < end {
      let byte = byte(at)
      if byte == 0x22 {
        at += 1
        finish(&out, content, write - content, mustEscape: mustEscape)
        return nil
      }
      if byte >= 0x80 {
        guard copySequences(&at, end, &write, writing: true) else { return .invalidUTF8 }
      } else if byte == 0x5C {
        if let error = escape(&at, end, &write, &mustEscape) { return error }
      } else if byte < 0x20 {
        return .controlCharacter
      } else {
        plainRun(&at, end, &write)
      }
    }
    return .unexpectedEnd
  }

  @inline(__always)
  private static func finish(
    _ out: inout UnsafeMutableRawPointer, _ content: UnsafeMutableRawPointer, _ count: Int, mustEscape: Bool
  ) {
    if !mustEscape, count <= FlatLayout.maxShortText {
      memmove(out + 1, content, count)
      out.storeBytes(of: 0x40 | UInt8(truncatingIfNeeded: count), as: UInt8.self)
      out += 1 &+ count
      return
    }
    out.storeBytes(of: mustEscape ? FlatLayout.escapedString : 0x7F, as: UInt8.self)
    out.storeBytes(of: UInt32(truncatingIfNeeded: count).littleEndian, toByteOffset: 1, as: UInt32.self)
    out += 5 &+ count
  }

  /// Reads one escape sequence at its backslash and writes the character.
  private static func escape(
    _ at: inout UnsafeRawPointer, _ end: UnsafeRawPointer, _ out: inout UnsafeMutableRawPointer,
    _ mustEscape: inout Bool
  ) -> JSONError.Code? {
    guard end - at >= 2 else {
      at = end
      return .unexpectedEnd
    }
    let plain: UInt8
    switch byte(at + 1) {
    case 0x22: plain = 0x22
    case 0x5C: plain = 0x5C
    case 0x2F: plain = 0x2F
    case 0x62: plain = 0x08
    case 0x66: plain = 0x0C
    case 0x6E: plain = 0x0A
    case 0x72: plain = 0x0D
    case 0x74: plain = 0x09
    case 0x75: return unicodeEscape(&at, end, &out, &mustEscape)
    default: return .invalidEscape
    }
    out.storeBytes(of: plain, as: UInt8.self)
    out += 1
    at += 2
    if plain != 0x2F { mustEscape = true }
    return nil
  }

  private static func unicodeEscape(
    _ at: inout UnsafeRawPointer, _ end: UnsafeRawPointer, _ out: inout UnsafeMutableRawPointer,
    _ mustEscape: inout Bool
  ) -> JSONError.Code? {
    guard var scalar = hexadecimal(at + 2, end) else {
      return cutOff(&at, from: at + 2, end) ?? .invalidEscape
    }
    var size = 6
    if scalar & 0xFFFF_F800 == 0xD800 {
      guard scalar < 0xDC00 else { return .loneSurrogate }
      guard end - at >= 8, byte(at + 6) == 0x5C, byte(at + 7) == 0x75 else {
        let left = end - at - 6
        guard left == 0 || (left == 1 && byte(at + 6) == 0x5C) else { return .loneSurrogate }
        at = end
        return .unexpectedEnd
      }
      guard let low = hexadecimal(at + 8, end) else {
        return cutOff(&at, from: at + 8, end) ?? .loneSurrogate
      }
      guard low & 0xFFFF_FC00 == 0xDC00 else { return .loneSurrogate }
      scalar = 0x10000 + (scalar - 0xD800) << 10 + (low - 0xDC00)
      size = 12
    }
    at += size
    if scalar < 0x20 || scalar == 0x22 || scalar == 0x5C { mustEscape = true }
    let bytes: SIMD4<UInt8>
    let count: Int
    switch scalar {
    case 0..<0x80:
      bytes = [UInt8(scalar), 0, 0, 0]
      count = 1
    case 0x80..<0x800:
      bytes = [UInt8(0xC0 | scalar >> 6), UInt8(0x80 | scalar & 0x3F), 0, 0]
      count = 2
    case 0x800..<0x10000:
      bytes = [UInt8(0xE0 | scalar >> 12), UInt8(0x80 | scalar >> 6 & 0x3F), UInt8(0x80 | scalar & 0x3F), 0]
      count = 3
    default:
      bytes = [
        UInt8(0xF0 | scalar >> 18), UInt8(0x80 | scalar >> 12 & 0x3F), UInt8(0x80 | scalar >> 6 & 0x3F),
        UInt8(0x80 | scalar & 0x3F),
      ]
      count = 4
    }
    for index in 0..<count { out.storeBytes(of: bytes[index], toByteOffset: index, as: UInt8.self) }
    out += count
    return nil
  }

  /// Whether the text ends where digits of an escape sequence could still have come.
  private static func cutOff(
    _ at: inout UnsafeRawPointer, from digits: UnsafeRawPointer, _ end: UnsafeRawPointer
  ) -> JSONError.Code? {
    var digit = digits
    while digit < end, isHexadecimal(byte(digit)) { digit += 1 }
    guard digit == end else { return nil }
    at = end
    return .unexpectedEnd
  }

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
    default: false
    }
  }
}
