@_spi(Flat) import SynqJSON

/// Whether one of eight bytes is `~` or `/`.
@inline(__always)
private func hasSpecial(_ bytes: UInt64) -> Bool {
  let ones: UInt64 = 0x0101_0101_0101_0101
  let tildes = bytes ^ (ones &* 0x7E)
  let slashes = bytes ^ (ones &* 0x2F)
  return ((tildes &- ones) & ~tildes | (slashes &- ones) & ~slashes) & (ones &* 0x80) != 0
}

/// Writing operations and pointers.
extension UnsafeDiffer {
  // MARK: Operations at `path`

  mutating func emitReplace(_ value: FlatPlace) {
    guard begin() else { return }
    out.pointee.append(#"{"op":"replace","path":""#)
    appendPath()
    appendValue(value)
  }

  mutating func emitAdd(_ value: FlatPlace) {
    guard begin() else { return }
    out.pointee.append(#"{"op":"add","path":""#)
    appendPath()
    appendValue(value)
  }

  mutating func emitRemove() {
    guard begin() else { return }
    out.pointee.append(#"{"op":"remove","path":""#)
    appendPath()
    out.pointee.append(#""}"#)
  }

  // MARK: Operations on the elements of the array at `path`

  mutating func emitReplace(at index: Int, _ value: FlatPlace) {
    guard begin() else { return }
    out.pointee.append(#"{"op":"replace","path":""#)
    appendPath(index)
    appendValue(value)
  }

  /// - Parameter index: nil for the end.
  mutating func emitAdd(at index: Int?, _ value: FlatPlace) {
    guard begin() else { return }
    out.pointee.append(#"{"op":"add","path":""#)
    appendPath(index)
    appendValue(value)
  }

  mutating func emitRemove(at index: Int) {
    guard begin() else { return }
    out.pointee.append(#"{"op":"remove","path":""#)
    appendPath(index)
    out.pointee.append(#""}"#)
  }

  /// - Parameter to: nil for the end.
  mutating func emitMove(from: Int, to: Int?) {
    guard begin() else { return }
    out.pointee.append(#"{"op":"move","from":""#)
    appendPath(from)
    out.pointee.append(#"","path":""#)
    appendPath(to)
    out.pointee.append(#""}"#)
  }

  /// Moves the member of the object at `path` to another name.
  mutating func emitRename(from oldKey: FlatPlace, to newKey: FlatPlace) {
    guard begin() else { return }
    out.pointee.append(#"{"op":"move","from":""#)
    appendPath()
    Self.append(token: oldKey, to: &out.pointee)
    out.pointee.append(#"","path":""#)
    appendPath()
    Self.append(token: newKey, to: &out.pointee)
    out.pointee.append(#""}"#)
  }

  // MARK: Parts

  /// Begins an operation; false where one more would be cut off anyway.
  @inline(__always)
  private mutating func begin() -> Bool {
    guard out.pointee.count <= limit else { return false }
    if out.pointee.count > base || follows { out.pointee.append(0x2C) }
    operations &+= 1
    return true
  }

  @inline(__always)
  private mutating func appendValue(_ value: FlatPlace) {
    out.pointee.append(#"","value":"#)
    out.pointee.append(flat: value)
    out.pointee.append(0x7D)
  }

  private mutating func appendPath() {
    if prefix.count > 0 {
      if isPrefixPlain {
        out.pointee.append(prefix)
      } else {
        for byte in prefix { Self.appendEscaped(byte, to: &out.pointee) }
      }
    }
    for level in 0..<path.count {
      let step = path[level]
      if let key = step.key {
        Self.append(token: key, to: &out.pointee)
      } else {
        out.pointee.append(0x2F)
        out.pointee.append(decimal: step.index)
      }
    }
  }

  @inline(__always)
  private mutating func appendPath(_ index: Int?) {
    appendPath()
    out.pointee.append(0x2F)
    if let index { out.pointee.append(decimal: index) } else { out.pointee.append(0x2D) }
  }

  // MARK: The pointer

  /// The bytes of the pointer, nearly: what stands escaped is counted as it is.
  var pathSize: Int {
    mutating get {
      var size = prefix.count
      for level in 0..<path.count {
        size += 1 + (path[level].key.map { FlatLayout.text($0).count } ?? decimalDigits(path[level].index))
      }
      return size
    }
  }

  /// Appends `/` and a key, escaped for a pointer and then for the JSON string around it.
  @inline(__always)
  static func append(token key: FlatPlace, to writer: inout ByteWriter) {
    writer.append(0x2F)
    let length = Int(FlatLayout.tag(key)) &- 0x40
    if length >= 0, length <= 16 {
      // Two loads and one store: there is slack behind every value, and a margin behind what is written. What follows the
      // key, the slack or its value, is cut off.
      let text = (key + 1).loadUnaligned(as: SIMD2<UInt64>.self)
      let isSpecial =
        length <= 8
        ? hasSpecial(text[0] << (64 &- 8 &* length))
        : hasSpecial(text[0]) || hasSpecial(text[1] << (128 &- 8 &* length))
      if !isSpecial {
        writer.append(text, count: length)
        return
      }
    }
    appendLong(token: key, to: &writer)
  }

  @inline(never)
  private static func appendLong(token key: FlatPlace, to writer: inout ByteWriter) {
    let isPlain = FlatLayout.tag(key) != FlatLayout.escapedString
    appendEscaped(FlatLayout.text(key), isPlain: isPlain, to: &writer)
  }

  /// Appends text as it stands in a JSON string, `~` and `/` being escaped for a pointer.
  static func appendEscaped(_ text: UnsafeRawBufferPointer, isPlain: Bool, to writer: inout ByteWriter) {
    if isPlain, !text.contains(where: { $0 == 0x7E || $0 == 0x2F }) {
      writer.append(text)
      return
    }
    for byte in text {
      switch byte {
      case 0x7E: writer.append("~0")
      case 0x2F: writer.append("~1")
      default: appendEscaped(byte, to: &writer)
      }
    }
  }

  /// Appends one byte of UTF-8 as it stands in a JSON string.
  static func appendEscaped(_ byte: UInt8, to writer: inout ByteWriter) {
    switch byte {
    case 0x22: writer.append(#"\""#)
    case 0x5C: writer.append(#"\\"#)
    case 0x08: writer.append(#"\b"#)
    case 0x0C: writer.append(#"\f"#)
    case 0x0A: writer.append(#"\n"#)
    case 0x0D: writer.append(#"\r"#)
    case 0x09: writer.append(#"\t"#)
    case 0x00..<0x20:
      writer.append(#"\u00"#)
      writer.append(byte < 0x10 ? 0x30 : 0x31)
      let digit = byte & 0x0F
      writer.append(digit < 10 ? 0x30 + digit : 0x57 + digit)
    default: writer.append(byte)
    }
  }
}
