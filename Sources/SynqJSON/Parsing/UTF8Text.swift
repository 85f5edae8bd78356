/// Whether bytes are text.
package enum UTF8Text {
  /// Whether `bytes` are well-formed UTF-8 (RFC 3629). O(count), eight ASCII bytes a step.
  package static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard var at = bytes.baseAddress else { return true }
    let end = at + bytes.count
    while at < end {
      while at + 8 <= end, at.loadUnaligned(as: UInt64.self) & 0x8080_8080_8080_8080 == 0 { at += 8 }
      while at < end, RawText.byte(at) < 0x80 { at += 1 }
      if at < end, !RawText.skipSequences(&at, end) { return false }
    }
    return true
  }
}
