#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

extension ByteWriter {
  private struct Frame: BitwiseCopyable {
    /// Where the container's payload ends.
    var end: UnsafeRawPointer
    /// The bytes of its table.
    var table: UInt32
    var isObject: Bool
  }

  /// Writes a value as compact JSON text. O(size), without recursion.
  public mutating func append(json: JSON) {
    defer { withExtendedLifetime(json.storage) {} }
    append(flat: json.start)
  }

  /// Writes the flat value at `value` as compact JSON text.
  package mutating func append(flat value: UnsafeRawPointer) {
    if !FlatLayout.isContainer(FlatLayout.tag(value)) {
      reserve(FlatLayout.size(value))
      var at = value
      var out = base + count
      scalar(&at, &out)
      count = out - base
      return
    }
    withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 16) { memory in
      var frames = ScratchStack<Frame>(borrowing: memory)
      append(container: value, &frames)
    }
  }

  private mutating func append(container value: UnsafeRawPointer, _ frames: inout ScratchStack<Frame>) {
    var at = value
    var out = base + count
    var current = Frame(end: value, table: 0, isObject: false)
    values: while true {
      if FlatLayout.isContainer(FlatLayout.tag(at)) {
        let container = FlatContainer(at)
        room(2, &out)
        out.storeBytes(of: container.isObject ? 0x7B : 0x5B, as: UInt8.self)
        out += 1
        frames.push(current)
        current = Frame(
          end: container.payloadEnd, table: UInt32(truncatingIfNeeded: 4 &* container.tableEntries),
          isObject: container.isObject)
        at = container.payload
      } else {
        scalar(&at, &out)
        if at != current.end {
          out.storeBytes(of: 0x2C, as: UInt8.self)
          out += 1
        }
      }
      while at == current.end {
        room(2, &out)
        out.storeBytes(of: current.isObject ? 0x7D : 0x5D, as: UInt8.self)
        out += 1
        at += Int(current.table)
        current = frames.pop()
        if frames.count == 0 { break values }
        if at != current.end {
          out.storeBytes(of: 0x2C, as: UInt8.self)
          out += 1
        }
      }
      if current.isObject {
        scalar(&at, &out)
        out.storeBytes(of: 0x3A, as: UInt8.self)
        out += 1
      }
    }
    count = out - base
  }

  @inline(__always)
  private mutating func room(_ bytes: Int, _ out: inout UnsafeMutableRawPointer) {
    if (out - base) &+ bytes &+ ByteWriter.margin > capacity {
      count = out - base
      grow(bytes)
      out = base + count
    }
  }

  /// Writes a scalar and leaves room for two bytes behind it.
  @inline(__always)
  private mutating func scalar(_ at: inout UnsafeRawPointer, _ out: inout UnsafeMutableRawPointer) {
    let tag = FlatLayout.tag(at)
    let length = Int(tag & 0x3F)
    if tag < 0x80, length != 63 {
      room(66, &out)
      if tag >= 0x40 {
        out.storeBytes(of: 0x22, as: UInt8.self)
        out += 1
      }
      // Up to 16 bytes beyond the text are read and written: the layout's slack, and the margin.
      let source = at + 1
      out.storeBytes(of: source.loadUnaligned(as: SIMD16<UInt8>.self), as: SIMD16<UInt8>.self)
      var done = 16
      while done < length {
        (out + done).storeBytes(
          of: (source + done).loadUnaligned(as: SIMD16<UInt8>.self), as: SIMD16<UInt8>.self)
        done &+= 16
      }
      at = source + length
      out += length
      if tag >= 0x40 {
        out.storeBytes(of: 0x22, as: UInt8.self)
        out += 1
      }
      return
    }
    if tag >= FlatLayout.null, tag < FlatLayout.escapedString {
      room(8, &out)
      let isFalse = tag == FlatLayout.false
      let word: UInt64 =
        isFalse ? 0x65_736C_6166 : tag == FlatLayout.true ? 0x6575_7274 : 0x6C6C_756E
      out.storeBytes(of: word.littleEndian, as: UInt64.self)
      out += isFalse ? 5 : 4
      at += 1
      return
    }
    longScalar(&at, &out)
  }

  @inline(never)
  private mutating func longScalar(_ at: inout UnsafeRawPointer, _ out: inout UnsafeMutableRawPointer) {
    let tag = FlatLayout.tag(at)
    if tag == FlatLayout.escapedString {
      count = out - base
      append(escaping: FlatLayout.text(at))
      at += FlatLayout.size(at)
      out = base + count
      return
    }
    let text = FlatLayout.text(at)
    let isString = tag >= 0x40
    room(text.count + 4, &out)
    if isString {
      out.storeBytes(of: 0x22, as: UInt8.self)
      out += 1
    }
    memcpy(out, text.baseAddress.unsafelyUnwrapped, text.count)
    out += text.count
    at = at + 5 + text.count
    if isString {
      out.storeBytes(of: 0x22, as: UInt8.self)
      out += 1
    }
  }

  /// Writes a string quoted and escaped: `"`, `\`, and everything below 0x20. O(length).
  public mutating func append(jsonString string: String) {
    var string = string
    string.withUTF8 { append(escaping: UnsafeRawBufferPointer($0)) }
  }

  /// Writes UTF-8 quoted and escaped. O(length).
  package mutating func append(escaping text: UnsafeRawBufferPointer) {
    guard var at = text.baseAddress else {
      append("\"\"")
      return
    }
    let end = at + text.count
    append(0x22)
    while at < end {
      reserve(16 + 8)
      if at + 16 <= end {
        let block = RawText.load(at)
        (base + count).storeBytes(of: block, as: RawText.Block.self)
        let plain = RawText.first(RawText.mustEscape(block))
        at += plain
        count &+= plain
        if plain == 16 { continue }
      } else {
        // Fewer than 16 are left, for which there is room.
        if at + 8 <= end, RawText.isPlain8(at) {
          (base + count).copyMemory(from: at, byteCount: 8)
          at += 8
          count &+= 8
        }
        while at < end, !RawText.mustEscape(RawText.byte(at)) {
          base.storeBytes(of: RawText.byte(at), toByteOffset: count, as: UInt8.self)
          at += 1
          count &+= 1
        }
        if at == end { break }
      }
      append(escape: RawText.byte(at))
      at += 1
    }
    append(0x22)
  }

  private mutating func append(escape byte: UInt8) {
    switch byte {
    case 0x22: append("\\\"")
    case 0x5C: append("\\\\")
    case 0x08: append("\\b")
    case 0x0C: append("\\f")
    case 0x0A: append("\\n")
    case 0x0D: append("\\r")
    case 0x09: append("\\t")
    default:
      append("\\u00")
      append(byte < 0x10 ? 0x30 : 0x31)
      let low = byte & 0x0F
      append(low < 10 ? 0x30 + low : 0x61 + low - 10)
    }
  }
}

extension RawText {
  /// Bytes of a string that must be escaped in text: `"`, `\`, below 0x20.
  @inline(__always)
  static func mustEscape(_ block: Block) -> SIMDMask<SIMD16<Int8>> {
    (block .== Block(repeating: 0x22)) .| (block .== Block(repeating: 0x5C))
      .| ((block .< Block(repeating: 0x20)) .& (block .>= Block(repeating: 0)))
  }

  /// Whether one byte must be escaped.
  @inline(__always)
  static func mustEscape(_ byte: UInt8) -> Bool { byte < 0x20 || byte == 0x22 || byte == 0x5C }

  /// Whether none of eight bytes must be escaped.
  @inline(__always)
  static func isPlain8(_ bytes: UnsafeRawPointer) -> Bool {
    let word = bytes.loadUnaligned(as: UInt64.self)
    let ones: UInt64 = 0x0101_0101_0101_0101
    let quotes = word ^ (ones &* 0x22)
    let backslashes = word ^ (ones &* 0x5C)
    let controls = (word &- ones &* 0x20) & ~word
    return (((quotes &- ones) & ~quotes) | ((backslashes &- ones) & ~backslashes) | controls) & (ones &* 0x80)
      == 0
  }
}

extension JSON: CustomStringConvertible {
  /// This value as compact JSON text. O(size).
  public var description: String {
    var writer = ByteWriter(capacity: flatSize + flatSize / 2)
    writer.append(json: self)
    return writer.string
  }

  /// This value as compact JSON text in UTF-8. O(size).
  public var text: [UInt8] {
    var writer = ByteWriter(capacity: flatSize + flatSize / 2)
    writer.append(json: self)
    return writer.bytes
  }
}
