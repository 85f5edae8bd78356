/// Validates UTF-8 that arrives in pieces, so that bad text is refused at its first bad byte.
///
/// Source: RFC 3629, section 4 (the ranges); RFC 6455, sections 5.6 and 8.1 (a message's text is UTF-8, its
/// fragments need not be).
package struct UTF8Validator {
  /// Continuation bytes that the character begun last still needs.
  private var owed: UInt8 = 0
  /// The range of the next continuation byte: narrower than 80…BF after the lead bytes E0, ED, F0 and F4.
  private var lower: UInt8 = 0x80
  private var upper: UInt8 = 0xBF

  /// True when no character is half read: what a message's end must find.
  var isAtCharacterBoundary: Bool { owed == 0 }

  /// Takes the next bytes; false as soon as they cannot be UTF-8 whatever follows. O(count), eight ASCII bytes a step.
  mutating func accept(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let base = bytes.baseAddress else { return true }
    let end = bytes.count
    var index = 0
    while index < end {
      if owed > 0 {
        let byte = base.load(fromByteOffset: index, as: UInt8.self)
        guard byte >= lower && byte <= upper else { return false }
        (lower, upper) = (0x80, 0xBF)
        owed -= 1
        index += 1
        continue
      }
      while index &+ 8 <= end,
        base.loadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
      {
        index &+= 8
      }
      while index < end, owed == 0 {
        let byte = base.load(fromByteOffset: index, as: UInt8.self)
        index += 1
        if byte < 0x80 { continue }
        guard begin(byte) else { return false }
      }
    }
    return true
  }

  /// Whether `bytes` is whole, valid UTF-8.
  package static func isValid(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var validator = UTF8Validator()
    return validator.accept(bytes) && validator.isAtCharacterBoundary
  }

  /// Where `bytes`, which are not valid UTF-8, stop being so: the first byte of the wrong or unfinished character.
  package static func fault(in bytes: UnsafeRawBufferPointer) -> Int {
    var validator = UTF8Validator()
    var start = 0
    for index in bytes.indices {
      if validator.isAtCharacterBoundary { start = index }
      guard validator.accept(UnsafeRawBufferPointer(rebasing: bytes[index...index])) else { break }
    }
    return start
  }

  /// Starts a character of several bytes; false when `lead` cannot start one.
  private mutating func begin(_ lead: UInt8) -> Bool {
    switch lead {
    case 0xC2...0xDF: owed = 1
    case 0xE0: (owed, lower) = (2, 0xA0)
    case 0xED: (owed, upper) = (2, 0x9F)
    case 0xE1...0xEF: owed = 2
    case 0xF0: (owed, lower) = (3, 0x90)
    case 0xF1...0xF3: owed = 3
    case 0xF4: (owed, upper) = (3, 0x8F)
    default: return false
    }
    return true
  }
}
