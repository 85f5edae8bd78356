#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

extension RawText {
  @inline(__always)
  private static func isDigit(_ at: UnsafeRawPointer, _ end: UnsafeRawPointer) -> Bool {
    at < end && byte(at) &- 0x30 < 10
  }

  /// Advances over one number of RFC 8259.
  /// - Returns: nil when it is one, else what is wrong, with `at` at the place of it.
  @inline(__always)
  static func skipNumber(
    _ at: inout UnsafeRawPointer, _ end: UnsafeRawPointer, maxLength: Int
  ) -> JSONError.Code? {
    let start = at
    var isReal = false
    if byte(at) == 0x2D { at += 1 }
    guard isDigit(at, end) else { return at == end ? .unexpectedEnd : .invalidNumber }
    if byte(at) == 0x30 {
      at += 1
      if isDigit(at, end) { return .invalidNumber }
    } else {
      repeat { at += 1 } while isDigit(at, end)
    }
    if at < end, byte(at) == 0x2E {
      isReal = true
      at += 1
      guard isDigit(at, end) else { return at == end ? .unexpectedEnd : .invalidNumber }
      repeat { at += 1 } while isDigit(at, end)
    }
    var exponentDigits = 0
    if at < end, byte(at) | 0x20 == 0x65 {
      isReal = true
      at += 1
      if at < end, byte(at) == 0x2B || byte(at) == 0x2D { at += 1 }
      guard isDigit(at, end) else { return at == end ? .unexpectedEnd : .invalidNumber }
      let first = at
      repeat { at += 1 } while isDigit(at, end)
      exponentDigits = at - first
    }
    let length = at - start
    if length > maxLength {
      at = start
      return .numberTooLong
    }
    // A mantissa of 200 digits and an exponent of two stay far below 1e308.
    if isReal, exponentDigits > 2 || length > 200, !isFinite(start, length) {
      at = start
      return .numberOutOfRange
    }
    return nil
  }

  @inline(never)
  private static func isFinite(_ start: UnsafeRawPointer, _ count: Int) -> Bool {
    let text = String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
    return Double(text)?.isFinite ?? false
  }

  /// Writes a number's text as a flat number. Needs its length, 5 bytes and 16 bytes of room.
  @inline(__always)
  static func writeNumber(
    _ text: UnsafeRawPointer, _ length: Int, _ end: UnsafeRawPointer, _ out: inout UnsafeMutableRawPointer
  ) {
    if length <= 16, text + 16 <= end {
      out.storeBytes(of: UInt8(truncatingIfNeeded: length), as: UInt8.self)
      (out + 1).storeBytes(of: load(text), as: Block.self)
      out += 1 &+ length
    } else if length <= FlatLayout.maxShortText {
      out.storeBytes(of: UInt8(truncatingIfNeeded: length), as: UInt8.self)
      memcpy(out + 1, text, length)
      out += 1 &+ length
    } else {
      out.storeBytes(of: 0x3F, as: UInt8.self)
      out.storeBytes(of: UInt32(truncatingIfNeeded: length).littleEndian, toByteOffset: 1, as: UInt32.self)
      memcpy(out + 5, text, length)
      out += 5 &+ length
    }
  }
}
