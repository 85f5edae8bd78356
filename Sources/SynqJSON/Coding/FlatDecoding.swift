/// The decoder of one value.
final class FlatDecoding: Decoder {
  let json: JSON
  private let info: [CodingUserInfoKey: any Sendable]
  private let parent: FlatDecoding?
  private let key: (any CodingKey)?
  private let depth: Int

  init(
    _ json: JSON, userInfo: [CodingUserInfoKey: any Sendable], parent: FlatDecoding?, key: (any CodingKey)?
  ) {
    self.json = json
    info = userInfo
    self.parent = parent
    self.key = key
    depth = (parent?.depth ?? 0) + 1
  }

  func child(_ json: JSON, _ key: any CodingKey) -> FlatDecoding {
    FlatDecoding(json, userInfo: info, parent: self, key: key)
  }

  var codingPath: [any CodingKey] {
    var path: [any CodingKey] = []
    var level: FlatDecoding? = self
    while let current = level {
      if let key = current.key { path.append(key) }
      level = current.parent
    }
    return path.reversed()
  }

  var userInfo: [CodingUserInfoKey: Any] { info }

  func path(_ key: (any CodingKey)?) -> [any CodingKey] { key.map { codingPath + [$0] } ?? codingPath }

  func mismatch(_ type: Any.Type, _ json: JSON, _ key: (any CodingKey)?) -> DecodingError {
    let text = "expected \(type), found \(json.kind.rawValue)"
    let context = DecodingError.Context(codingPath: path(key), debugDescription: text)
    return json.isNull ? .valueNotFound(type, context) : .typeMismatch(type, context)
  }

  func decode<T: Decodable>(_ type: T.Type) throws -> T {
    if type == JSON.self, let value = json as? T { return value }
    guard depth <= JSON.maxCodingDepth else {
      throw DecodingError.dataCorrupted(.init(codingPath: codingPath, debugDescription: "nested too deep"))
    }
    return try type.init(from: self)
  }

  /// A child. The common scalars, which as elements of arrays come this way, are spared a level of their own.
  func decode<T: Decodable>(_ type: T.Type, _ json: JSON, _ key: any CodingKey) throws -> T {
    if type == String.self, let value = try string(json, key) as? T { return value }
    if type == Int.self, let value = try integer(Int.self, json, key) as? T { return value }
    return try child(json, key).decode(type)
  }

  // MARK: Scalars, of this value or of a child that needs no decoder of its own

  func bool(_ json: JSON, _ key: (any CodingKey)? = nil) throws -> Bool {
    guard let value = json.boolValue else { throw mismatch(Bool.self, json, key) }
    return value
  }

  func string(_ json: JSON, _ key: (any CodingKey)? = nil) throws -> String {
    guard let value = json.stringValue else { throw mismatch(String.self, json, key) }
    return value
  }

  func real<T: BinaryFloatingPoint & LosslessStringConvertible>(
    _ type: T.Type, _ json: JSON, _ key: (any CodingKey)? = nil
  ) throws -> T {
    guard let double = json.doubleValue else { throw mismatch(type, json, key) }
    if let value = double as? T { return value }
    // From the text: rounding to a double first could round twice.
    return T(json.numberText ?? "") ?? T(double)
  }

  func integer<T: FixedWidthInteger>(
    _ type: T.Type, _ json: JSON, _ key: (any CodingKey)? = nil
  ) throws -> T {
    guard json.kind == .number else { throw mismatch(type, json, key) }
    defer { withExtendedLifetime(json) {} }
    if let value: T = FlatNumber.integer(FlatLayout.text(json.start)) { return value }
    if !json.isInteger, let double = json.doubleValue, let value = T(exactly: double) { return value }
    throw DecodingError.dataCorrupted(
      .init(codingPath: path(key), debugDescription: "\(json) does not fit \(type)"))
  }

  // MARK: Decoder

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    // canonical: the type in a message.
    guard json.kind == .object else { throw mismatch([String: Any].self, json, nil) }
    return KeyedDecodingContainer(FlatKeyedDecoding<Key>(decoding: self))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    guard json.kind == .array else { throw mismatch([Any].self, json, nil) }
    return FlatUnkeyedDecoding(self)
  }

  func singleValueContainer() throws -> any SingleValueDecodingContainer {
    FlatSingleDecoding(decoding: self)
  }
}

private struct FlatKeyedDecoding<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let decoding: FlatDecoding
  var codingPath: [any CodingKey] { decoding.codingPath }
  var allKeys: [Key] { decoding.json.members.names.compactMap { Key(stringValue: $0) } }

  func contains(_ key: Key) -> Bool { decoding.json.contains(member: key.stringValue) }

  private func value(_ key: Key) throws -> JSON {
    guard let value = decoding.json[key.stringValue] else {
      throw DecodingError.keyNotFound(
        key, .init(codingPath: codingPath, debugDescription: "no member \"\(key.stringValue)\""))
    }
    return value
  }

  func decodeNil(forKey key: Key) throws -> Bool { try value(key).isNull }
  func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try decoding.bool(value(key), key) }
  func decode(_ type: String.Type, forKey key: Key) throws -> String { try decoding.string(value(key), key) }
  func decode(_ type: Double.Type, forKey key: Key) throws -> Double {
    try decoding.real(type, value(key), key)
  }
  func decode(_ type: Float.Type, forKey key: Key) throws -> Float {
    try decoding.real(type, value(key), key)
  }
  func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try integer(type, key) }
  func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try integer(type, key) }
  func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try integer(type, key) }
  func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try integer(type, key) }
  func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try integer(type, key) }
  func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try integer(type, key) }
  func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try integer(type, key) }
  func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try integer(type, key) }
  func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try integer(type, key) }
  func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try integer(type, key) }
  func decode(_ type: Int128.Type, forKey key: Key) throws -> Int128 { try integer(type, key) }
  func decode(_ type: UInt128.Type, forKey key: Key) throws -> UInt128 { try integer(type, key) }
  func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
    try decoding.decode(type, value(key), key)
  }

  private func integer<T: FixedWidthInteger>(_ type: T.Type, _ key: Key) throws -> T {
    try decoding.integer(type, value(key), key)
  }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<Nested> { try decoding.child(value(key), key).container(keyedBy: type) }

  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try decoding.child(value(key), key).unkeyedContainer()
  }

  func superDecoder() throws -> any Decoder {
    decoding.child(decoding.json[PathKey.super.stringValue] ?? .null, PathKey.super)
  }

  func superDecoder(forKey key: Key) throws -> any Decoder { decoding.child(try value(key), key) }
}

private struct FlatUnkeyedDecoding: UnkeyedDecodingContainer {
  let decoding: FlatDecoding
  private(set) var currentIndex = 0
  private var iterator: JSON.Elements.Iterator
  private var upcoming: JSON?

  init(_ decoding: FlatDecoding) {
    self.decoding = decoding
    iterator = decoding.json.elements.makeIterator()
    upcoming = iterator.next()
  }

  var codingPath: [any CodingKey] { decoding.codingPath }
  var count: Int? { decoding.json.count }
  var isAtEnd: Bool { upcoming == nil }

  /// Takes the next element, and leaves it in place when `body` throws, so that another type can be tried.
  private mutating func next<T>(_ type: Any.Type, _ body: (JSON, PathKey) throws -> T) throws -> T {
    let key = PathKey(intValue: currentIndex)
    guard let element = upcoming else {
      throw DecodingError.valueNotFound(
        type, .init(codingPath: codingPath + [key], debugDescription: "the array has no more elements"))
    }
    let value = try body(element, key)
    currentIndex += 1
    upcoming = iterator.next()
    return value
  }

  mutating func decodeNil() throws -> Bool {
    guard let element = upcoming else {
      throw DecodingError.valueNotFound(
        Any?.self, .init(codingPath: codingPath, debugDescription: "the array has no more elements"))
    }
    guard element.isNull else { return false }
    return try next(Bool.self) { _, _ in true }
  }

  mutating func decode(_ type: Bool.Type) throws -> Bool { try next(type, decoding.bool) }
  mutating func decode(_ type: String.Type) throws -> String { try next(type, decoding.string) }
  mutating func decode(_ type: Double.Type) throws -> Double { try real(type) }
  mutating func decode(_ type: Float.Type) throws -> Float { try real(type) }
  mutating func decode(_ type: Int.Type) throws -> Int { try integer(type) }
  mutating func decode(_ type: Int8.Type) throws -> Int8 { try integer(type) }
  mutating func decode(_ type: Int16.Type) throws -> Int16 { try integer(type) }
  mutating func decode(_ type: Int32.Type) throws -> Int32 { try integer(type) }
  mutating func decode(_ type: Int64.Type) throws -> Int64 { try integer(type) }
  mutating func decode(_ type: UInt.Type) throws -> UInt { try integer(type) }
  mutating func decode(_ type: UInt8.Type) throws -> UInt8 { try integer(type) }
  mutating func decode(_ type: UInt16.Type) throws -> UInt16 { try integer(type) }
  mutating func decode(_ type: UInt32.Type) throws -> UInt32 { try integer(type) }
  mutating func decode(_ type: UInt64.Type) throws -> UInt64 { try integer(type) }
  mutating func decode(_ type: Int128.Type) throws -> Int128 { try integer(type) }
  mutating func decode(_ type: UInt128.Type) throws -> UInt128 { try integer(type) }
  mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
    let decoding = decoding
    return try next(type) { try decoding.decode(type, $0, $1) }
  }

  private mutating func integer<T: FixedWidthInteger>(_ type: T.Type) throws -> T {
    let decoding = decoding
    return try next(type) { try decoding.integer(type, $0, $1) }
  }

  private mutating func real<T: BinaryFloatingPoint & LosslessStringConvertible>(_ type: T.Type) throws -> T {
    let decoding = decoding
    return try next(type) { try decoding.real(type, $0, $1) }
  }

  mutating func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type
  ) throws -> KeyedDecodingContainer<Nested> {
    let decoding = decoding
    return try next(type) { try decoding.child($0, $1).container(keyedBy: type) }
  }

  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
    let decoding = decoding
    return try next([Any].self) { try decoding.child($0, $1).unkeyedContainer() }
  }

  mutating func superDecoder() throws -> any Decoder {
    let decoding = decoding
    return try next(Any.self) { decoding.child($0, $1) }
  }
}

private struct FlatSingleDecoding: SingleValueDecodingContainer {
  let decoding: FlatDecoding
  var codingPath: [any CodingKey] { decoding.codingPath }

  func decodeNil() -> Bool { decoding.json.isNull }
  func decode(_ type: Bool.Type) throws -> Bool { try decoding.bool(decoding.json) }
  func decode(_ type: String.Type) throws -> String { try decoding.string(decoding.json) }
  func decode(_ type: Double.Type) throws -> Double { try decoding.real(type, decoding.json) }
  func decode(_ type: Float.Type) throws -> Float { try decoding.real(type, decoding.json) }
  func decode(_ type: Int.Type) throws -> Int { try decoding.integer(type, decoding.json) }
  func decode(_ type: Int8.Type) throws -> Int8 { try decoding.integer(type, decoding.json) }
  func decode(_ type: Int16.Type) throws -> Int16 { try decoding.integer(type, decoding.json) }
  func decode(_ type: Int32.Type) throws -> Int32 { try decoding.integer(type, decoding.json) }
  func decode(_ type: Int64.Type) throws -> Int64 { try decoding.integer(type, decoding.json) }
  func decode(_ type: UInt.Type) throws -> UInt { try decoding.integer(type, decoding.json) }
  func decode(_ type: UInt8.Type) throws -> UInt8 { try decoding.integer(type, decoding.json) }
  func decode(_ type: UInt16.Type) throws -> UInt16 { try decoding.integer(type, decoding.json) }
  func decode(_ type: UInt32.Type) throws -> UInt32 { try decoding.integer(type, decoding.json) }
  func decode(_ type: UInt64.Type) throws -> UInt64 { try decoding.integer(type, decoding.json) }
  func decode(_ type: Int128.Type) throws -> Int128 { try decoding.integer(type, decoding.json) }
  func decode(_ type: UInt128.Type) throws -> UInt128 { try decoding.integer(type, decoding.json) }
  func decode<T: Decodable>(_ type: T.Type) throws -> T { try decoding.decode(type) }
}
