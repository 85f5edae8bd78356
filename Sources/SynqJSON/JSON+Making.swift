#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

extension JSON {
  /// `true` or `false`. Costs no allocation.
  public init(_ value: Bool) { self = value ? .true : .false }

  /// An integer. Costs no allocation for 0 to 9.
  public init(_ value: some BinaryInteger) {
    if value >= 0, value <= 9 {
      self = .digit(Int(value))
      return
    }
    var text = String(value)
    self = text.withUTF8 { JSON.scalar(tag: 0, UnsafeRawBufferPointer($0)) }
  }

  /// An integer. Costs no allocation for 0 to 9.
  public init(_ value: Int) {
    if value >= 0, value <= 9 {
      self = .digit(value)
      return
    }
    self = withUnsafeTemporaryAllocation(byteCount: 20, alignment: 1) { digits in
      var start = digits.count
      var rest = value.magnitude
      repeat {
        start -= 1
        digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
        rest /= 10
      } while rest > 0
      if value < 0 {
        start -= 1
        digits[start] = UInt8(ascii: "-")
      }
      return JSON.scalar(tag: 0, UnsafeRawBufferPointer(rebasing: digits[start...]))
    }
  }

  /// A real number in its shortest form that reads back as the same double (`1.0`, `0.1`, `1e+16`); nil for
  /// infinities and NaN, which JSON does not have.
  public init?(_ value: Double) {
    guard value.isFinite else { return nil }
    var text = value.description
    self = text.withUTF8 { JSON.scalar(tag: 0, UnsafeRawBufferPointer($0)) }
  }

  /// A string. O(length).
  public init(_ value: String) {
    var value = value
    self = value.withUTF8 { JSON.string(UnsafeRawBufferPointer($0)) }
  }

  /// A number as written, such as an integer beyond 64 bits; nil when the text is not a number of RFC 8259, or a
  /// real beyond the range of a double.
  public init?(numberText: String) {
    var numberText = numberText
    let number: JSON? = numberText.withUTF8 { utf8 in
      let text = UnsafeRawBufferPointer(utf8)
      guard FlatNumber.isNumber(text) else { return JSON?.none }
      return JSON.scalar(tag: 0, text)
    }
    guard let number else { return nil }
    self = number
  }

  /// An array of these elements. O(total size), one allocation beside the builder's own.
  public init(_ elements: some Sequence<JSON>) {
    var builder = JSONBuilder()
    builder.beginArray()
    for element in elements { builder.append(element) }
    builder.endArray()
    self = builder.finish()
  }

  /// An object of these members, the last one of a name counting. O(total size).
  public init(members: some Sequence<(String, JSON)>) {
    var builder = JSONBuilder()
    builder.beginObject()
    for (name, value) in members {
      builder.key(name)
      builder.append(value)
    }
    builder.endObject()
    self = builder.finish()
  }

  /// An object of these members, in the order of their names. O(total size + n log n).
  public init(_ members: [String: JSON]) {  // canonical: a dictionary of the caller's
    self.init(members: members.sorted { $0.key < $1.key }.lazy.map { ($0.key, $0.value) })
  }

  static func string(_ text: UnsafeRawBufferPointer) -> JSON {
    if text.count == 0 { return .emptyString }
    return scalar(tag: FlatLayout.needsEscape(text) ? FlatLayout.escapedString : 0x40, text)
  }

  /// A string or a number with the header that its length asks for.
  static func scalar(tag: UInt8, _ text: UnsafeRawBufferPointer) -> JSON {
    let header = FlatLayout.textHeader(tag: tag, count: text.count)
    let (storage, bytes) = FlatStorage.make(count: header + text.count)
    FlatLayout.writeTextHeader(bytes, tag: tag, count: text.count)
    if let source = text.baseAddress { memcpy(bytes + header, source, text.count) }
    return JSON(storage: storage, start: UnsafeRawPointer(bytes))
  }
}

extension FlatLayout {
  /// The bytes before the text of a string (`tag` 0x40, or `escapedString`) or a number (`tag` 0).
  @inline(__always)
  static func textHeader(tag: UInt8, count: Int) -> Int {
    tag < 0x80 && count <= maxShortText ? 1 : 5
  }

  @inline(__always)
  static func writeTextHeader(_ at: UnsafeMutableRawPointer, tag: UInt8, count: Int) {
    if tag < 0x80, count <= maxShortText {
      at.storeBytes(of: tag | UInt8(truncatingIfNeeded: count), as: UInt8.self)
    } else {
      at.storeBytes(of: tag < 0x80 ? tag | 0x3F : tag, as: UInt8.self)
      at.storeBytes(of: UInt32(truncatingIfNeeded: count).littleEndian, toByteOffset: 1, as: UInt32.self)
    }
  }
}

extension FlatNumber {
  /// Whether the text is exactly one number that the parser would take.
  static func isNumber(_ text: UnsafeRawBufferPointer) -> Bool {
    guard let base = text.baseAddress, text.count > 0 else { return false }
    var at = base
    let end = base + text.count
    return RawText.skipNumber(&at, end, maxLength: text.count) == nil && at == end
  }
}

extension JSON: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral
{
  /// `null`, in literals: `["a": nil]`. Where a `JSON?` is meant, as in `condition ? json : nil`, write `JSON?.none`:
  /// the compiler reads that `nil` as `null`.
  public init(nilLiteral: ()) { self = .null }
  /// `true` or `false`.
  public init(booleanLiteral value: Bool) { self.init(value) }
  /// An integer.
  public init(integerLiteral value: Int) { self.init(value) }
  /// A real number.
  /// - Precondition: the literal is within the range of a double.
  public init(floatLiteral value: Double) {
    guard let number = JSON(value) else { preconditionFailure("the literal is beyond the range of a double") }
    self = number
  }
  /// A string.
  public init(stringLiteral value: String) { self.init(value) }
  /// An array.
  public init(arrayLiteral elements: JSON...) { self = elements.isEmpty ? .emptyArray : JSON(elements) }
  /// An object, with the members in the order as written.
  public init(dictionaryLiteral elements: (String, JSON)...) {
    self = elements.isEmpty ? .emptyObject : JSON(members: elements)
  }
}
