/// Reads the text of a number.
package enum FlatNumber {
  /// Whether the text has a fraction or an exponent.
  package static func isReal(_ text: UnsafeRawBufferPointer) -> Bool {
    for byte in text where byte == 0x2E || byte | 0x20 == 0x65 { return true }
    return false
  }

  /// The integer, if the text is one (no fraction, no exponent) and fits.
  package static func integer<T: FixedWidthInteger>(_ text: UnsafeRawBufferPointer) -> T? {
    var value: T = 0
    let isNegative = text.first == 0x2D
    for byte in text.dropFirst(isNegative ? 1 : 0) {
      let digit = byte &- 0x30
      guard digit < 10 else { return nil }
      let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
      let (next, second) =
        isNegative
        ? shifted.subtractingReportingOverflow(T(digit)) : shifted.addingReportingOverflow(T(digit))
      guard !overflow, !second else { return nil }
      value = next
    }
    return value
  }

  /// The nearest double; infinite only for an integer of more than 308 digits.
  package static func double(_ text: UnsafeRawBufferPointer) -> Double {
    if let quick = quickDouble(text) { return quick }
    return Double(String(decoding: text, as: UTF8.self)) ?? .nan
  }

  private static let powers: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
  ]

  /// Up to 15 digits and a power of ten up to 22 are exact doubles, and so is one rounding of them (Clinger).
  private static func quickDouble(_ text: UnsafeRawBufferPointer) -> Double? {
    var mantissa = 0
    var digits = 0
    var exponent = 0
    var at = text.first == 0x2D ? 1 : 0
    while at < text.count, text[at] &- 0x30 < 10 {
      mantissa = mantissa &* 10 &+ Int(text[at] &- 0x30)
      digits += 1
      at += 1
      if digits > 15 { return nil }
    }
    if at < text.count, text[at] == 0x2E {
      at += 1
      while at < text.count, text[at] &- 0x30 < 10 {
        mantissa = mantissa &* 10 &+ Int(text[at] &- 0x30)
        digits += 1
        exponent -= 1
        at += 1
        if digits > 15 { return nil }
      }
    }
    if at < text.count {
      at += 1
      let isNegative = text[at] == 0x2D
      if isNegative || text[at] == 0x2B { at += 1 }
      var written = 0
      while at < text.count {
        written = written * 10 + Int(text[at] &- 0x30)
        at += 1
        if written > 400 { return nil }
      }
      exponent += isNegative ? -written : written
    }
    guard exponent >= -22, exponent <= 22 else { return nil }
    let value =
      exponent < 0 ? Double(mantissa) / powers[-exponent] : Double(mantissa) * powers[exponent]
    return text.first == 0x2D ? -value : value
  }
}
