import SynqJSON

/// Equality as `test` has it (RFC 6902, 4.6): members in any order, numbers by value.
enum PatchEquality {
  /// Complexity: O(size), without recursion.
  static func areEqual(_ a: JSON, _ b: JSON) -> Bool {
    if a == b { return true }
    var pairs = [(a, b)]
    while let (a, b) = pairs.popLast() {
      guard a.kind == b.kind, a.count == b.count else { return false }
      switch a.kind {
      case .number:
        guard let x = a.numberText, let y = b.numberText, x == y || DecimalValue(x) == DecimalValue(y) else {
          return false
        }
      case .null, .boolean, .string:
        guard a == b else { return false }
      case .array:
        for (x, y) in zip(a.elements, b.elements) { pairs.append((x, y)) }
      case .object:
        let others = Dictionary(b.keyedViews.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
        for (key, value) in a.keyedViews {
          guard let other = others[key] else { return false }
          pairs.append((value, other))
        }
      }
    }
    return true
  }
}

/// The value of a number's text: digits without zeros at either end, times a power of ten.
private struct DecimalValue: Equatable {
  var isNegative = false
  var digits: [UInt8] = []
  var exponent = 0

  init(_ text: String) {
    var point: Int?
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      switch byte {
      case 0x2D: isNegative = true
      case 0x2E: point = digits.count
      case 0x45, 0x65:
        // Beyond what fits, two exponents count as equal if their texts are; no number of use has such a one.
        exponent = Int(String(decoding: rest, as: UTF8.self)) ?? (rest.first == 0x2D ? .min / 2 : .max / 2)
        rest = ""[...].utf8
      default: digits.append(byte)
      }
    }
    exponent = exponent.addingReportingOverflow((point ?? digits.count) - digits.count).partialValue
    let leading = digits.prefix { $0 == 0x30 }.count
    digits.removeFirst(leading)
    while digits.last == 0x30 {
      digits.removeLast()
      exponent &+= 1
    }
    if digits.isEmpty {
      isNegative = false
      exponent = 0
    }
  }
}
