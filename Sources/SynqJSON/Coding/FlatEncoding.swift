/// What all levels of one encoding write to, in the order of nesting.
final class EncodingOutput {
  var builder = JSONBuilder()
  let userInfo: [CodingUserInfoKey: any Sendable]
  /// The level that may write: only the innermost one, so that no bytes end up in another one's container. Its identity
  /// alone, because it holds the output.
  var writer: ObjectIdentifier?

  init(userInfo: [CodingUserInfoKey: any Sendable]) { self.userInfo = userInfo }
}

/// The encoder of one value: writes it to the shared output as it comes.
///
/// Nested containers and super encoders may be written to at any time until their parent ends. They write to an
/// output of their own, and what follows them in their parent waits with them.
final class FlatEncoding: Encoder {
  /// What this value is, as far as that is known.
  enum Shape {
    case nothing, scalar, object, array
  }

  /// An element or member that waits for a nested container before it, or is one.
  enum Pending {
    case value(key: String?, JSON)
    case nested(key: String?, FlatEncoding)
  }

  let output: EncodingOutput
  private let parent: FlatEncoding?
  private let key: (any CodingKey)?
  let depth: Int
  private(set) var shape = Shape.nothing
  private(set) var count = 0
  private var pending: [Pending] = []
  private var isEnded = false

  init(_ output: EncodingOutput, parent: FlatEncoding?, key: (any CodingKey)?) {
    self.output = output
    self.parent = parent
    self.key = key
    depth = (parent?.depth ?? 0) + 1
    // An output of its own starts with its first level.
    if output.writer == nil { output.writer = ObjectIdentifier(self) }
  }

  var codingPath: [any CodingKey] {
    var path: [any CodingKey] = []
    var level: FlatEncoding? = self
    while let current = level {
      if let key = current.key { path.append(key) }
      level = current.parent
    }
    return path.reversed()
  }

  var userInfo: [CodingUserInfoKey: Any] { output.userInfo }

  func error(_ value: Any, _ description: String, key: (any CodingKey)? = nil) -> EncodingError {
    let path = key.map { codingPath + [$0] } ?? codingPath
    return .invalidValue(value, .init(codingPath: path, debugDescription: description))
  }

  // MARK: Writing

  private var isWriter: Bool { output.writer == ObjectIdentifier(self) }

  /// The value alone, with this as its encoder.
  func result(of value: some Encodable) throws -> JSON {
    if let json = value as? JSON { return json }
    do {
      try value.encode(to: self)
      try end()
    } catch {
      abandon()
      throw error
    }
    return output.builder.take()
  }

  /// Ends without what waits: a level and those nested in it refer to each other.
  private func abandon() {
    for case .nested(_, let nested) in pending { nested.abandon() }
    pending = []
    isEnded = true
  }

  /// Opens the container when it is asked for first; a type and its superclass may share one.
  fileprivate func open(_ wanted: Shape) {
    guard shape == .nothing, isWriter, !isEnded else { return }
    shape = wanted
    if wanted == .object { output.builder.beginObject() } else { output.builder.beginArray() }
  }

  fileprivate func checkPlace(_ wanted: Shape, _ value: Any, _ key: (any CodingKey)?) throws {
    guard shape == wanted else { throw error(value, "the value is already of another shape", key: key) }
    guard !isEnded, isWriter else {
      throw error(
        value, "a container was written to after it ended, or while another is open in it", key: key)
    }
  }

  /// Writes one element or member whose value `body` adds to the builder.
  fileprivate func add(
    _ wanted: Shape, _ key: (any CodingKey)?, _ value: Any, _ body: (inout JSONBuilder) throws -> Void
  ) throws {
    try checkPlace(wanted, value, key)
    count += 1
    guard pending.isEmpty else {
      var builder = JSONBuilder()
      try body(&builder)
      pending.append(.value(key: key?.stringValue, builder.finish()))
      return
    }
    if let key { output.builder.key(key.stringValue) }
    try body(&output.builder)
  }

  fileprivate func add<T: Encodable>(_ wanted: Shape, _ key: (any CodingKey)?, encoding value: T) throws {
    if T.self == JSON.self, let json = value as? JSON {
      return try add(wanted, key, value) { $0.append(json) }
    }
    // Elements of arrays and values of dictionaries come this way: spare the common scalars a level of their own.
    if T.self == String.self, let string = value as? String {
      return try add(wanted, key, value) { $0.append(string: string) }
    }
    if T.self == Int.self, let integer = value as? Int {
      return try add(wanted, key, value) { $0.append(integer: integer) }
    }
    try checkPlace(wanted, value, key)
    guard depth < JSON.maxCodingDepth else { throw error(value, "nested too deep", key: key) }
    guard pending.isEmpty else {
      let nested = nested(wanted, key)
      do {
        try value.encode(to: nested)
      } catch {
        nested.abandon()
        pending.removeLast()
        count -= 1
        throw error
      }
      return
    }
    count += 1
    let mark = output.builder.mark
    if let key { output.builder.key(key.stringValue) }
    let child = FlatEncoding(output, parent: self, key: key ?? PathKey(intValue: count - 1))
    output.writer = ObjectIdentifier(child)
    defer { output.writer = ObjectIdentifier(self) }
    do {
      try value.encode(to: child)
      try child.end()
    } catch {
      // The type that encodes this one may go on without it.
      output.builder.rollBack(to: mark)
      child.abandon()
      count -= 1
      throw error
    }
  }

  /// A level with an output of its own, which joins this one's at its end.
  fileprivate func nested(_ wanted: Shape, _ key: (any CodingKey)?) -> FlatEncoding {
    let nested = FlatEncoding(
      EncodingOutput(userInfo: output.userInfo), parent: self, key: key ?? PathKey(intValue: count))
    count += 1
    pending.append(.nested(key: key?.stringValue, nested))
    return nested
  }

  /// Ends what was opened. A value that wrote nothing is `{}`, as in other coders.
  private func end() throws {
    if shape == .nothing { open(.object) }
    for item in pending {
      let (key, json): (String?, JSON)
      switch item {
      case .value(let name, let value): (key, json) = (name, value)
      case .nested(let name, let nested):
        try nested.end()
        (key, json) = (name, nested.output.builder.take())
      }
      if let key { output.builder.key(key) }
      output.builder.append(json)
    }
    pending = []
    isEnded = true
    if shape == .object { output.builder.endObject() }
    if shape == .array { output.builder.endArray() }
  }

  // MARK: Encoder

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    open(.object)
    return KeyedEncodingContainer(FlatKeyedEncoding<Key>(encoding: self))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    open(.array)
    return FlatUnkeyedEncoding(encoding: self)
  }

  func singleValueContainer() -> any SingleValueEncodingContainer { FlatSingleEncoding(encoding: self) }

  /// This value is a scalar, or is given whole.
  func write(_ json: JSON) throws { try write(json) { $0.append(json) } }

  fileprivate func write(_ value: Any, _ body: (inout JSONBuilder) throws -> Void) throws {
    try checkPlace(.nothing, value, nil)
    try body(&output.builder)
    shape = .scalar
  }

  fileprivate func encodeWhole<T: Encodable>(_ value: T) throws {
    if T.self == JSON.self, let json = value as? JSON { return try write(json) }
    try checkPlace(.nothing, value, nil)
    try value.encode(to: self)
  }

  /// What a builder adds for a real, with this level's place in the error.
  fileprivate func real(_ value: some BinaryFloatingPoint & CustomStringConvertible) throws -> JSON {
    guard value.isFinite, let number = JSON(numberText: value.description) else {
      throw error(value, "JSON has no infinity and no NaN")
    }
    return number
  }
}

private struct FlatKeyedEncoding<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let encoding: FlatEncoding
  var codingPath: [any CodingKey] { encoding.codingPath }

  func encodeNil(forKey key: Key) throws { try encoding.add(.object, key, JSON.null) { $0.appendNull() } }
  func encode(_ value: Bool, forKey key: Key) throws {
    try encoding.add(.object, key, value) { $0.append(bool: value) }
  }
  func encode(_ value: String, forKey key: Key) throws {
    try encoding.add(.object, key, value) { $0.append(string: value) }
  }
  func encode(_ value: Double, forKey key: Key) throws { try real(value, key) }
  func encode(_ value: Float, forKey key: Key) throws { try real(value, key) }
  func encode(_ value: Int, forKey key: Key) throws { try integer(value, key) }
  func encode(_ value: Int8, forKey key: Key) throws { try integer(value, key) }
  func encode(_ value: Int16, forKey key: Key) throws { try integer(value, key) }
  func encode(_ value: Int32, forKey key: Key) throws { try integer(value, key) }
  func encode(_ value: Int64, forKey key: Key) throws { try integer(value, key) }
  func encode(_ value: UInt, forKey key: Key) throws { try integer(value, key) }
  func encode(_ value: UInt8, forKey key: Key) throws { try integer(value, key) }
  func encode(_ value: UInt16, forKey key: Key) throws { try integer(value, key) }
  func encode(_ value: UInt32, forKey key: Key) throws { try integer(value, key) }
  func encode(_ value: UInt64, forKey key: Key) throws { try integer(value, key) }
  func encode(_ value: Int128, forKey key: Key) throws { try integer(value, key) }
  func encode(_ value: UInt128, forKey key: Key) throws { try integer(value, key) }
  func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
    try encoding.add(.object, key, encoding: value)
  }

  private func integer(_ value: some BinaryInteger, _ key: Key) throws {
    try encoding.add(.object, key, value) { $0.append(integer: value) }
  }

  private func real(_ value: some BinaryFloatingPoint & CustomStringConvertible, _ key: Key) throws {
    let number = try encoding.real(value)
    try encoding.add(.object, key, value) { $0.append(number) }
  }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) -> KeyedEncodingContainer<Nested> { encoding.nested(.object, key).container(keyedBy: type) }

  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    encoding.nested(.object, key).unkeyedContainer()
  }

  func superEncoder() -> any Encoder { encoding.nested(.object, PathKey.super) }
  func superEncoder(forKey key: Key) -> any Encoder { encoding.nested(.object, key) }
}

private struct FlatUnkeyedEncoding: UnkeyedEncodingContainer {
  let encoding: FlatEncoding
  var codingPath: [any CodingKey] { encoding.codingPath }
  var count: Int { encoding.count }

  func encodeNil() throws { try encoding.add(.array, nil, JSON.null) { $0.appendNull() } }
  func encode(_ value: Bool) throws { try encoding.add(.array, nil, value) { $0.append(bool: value) } }
  func encode(_ value: String) throws { try encoding.add(.array, nil, value) { $0.append(string: value) } }
  func encode(_ value: Double) throws { try real(value) }
  func encode(_ value: Float) throws { try real(value) }
  func encode(_ value: Int) throws { try integer(value) }
  func encode(_ value: Int8) throws { try integer(value) }
  func encode(_ value: Int16) throws { try integer(value) }
  func encode(_ value: Int32) throws { try integer(value) }
  func encode(_ value: Int64) throws { try integer(value) }
  func encode(_ value: UInt) throws { try integer(value) }
  func encode(_ value: UInt8) throws { try integer(value) }
  func encode(_ value: UInt16) throws { try integer(value) }
  func encode(_ value: UInt32) throws { try integer(value) }
  func encode(_ value: UInt64) throws { try integer(value) }
  func encode(_ value: Int128) throws { try integer(value) }
  func encode(_ value: UInt128) throws { try integer(value) }
  func encode<T: Encodable>(_ value: T) throws { try encoding.add(.array, nil, encoding: value) }

  private func integer(_ value: some BinaryInteger) throws {
    try encoding.add(.array, nil, value) { $0.append(integer: value) }
  }

  private func real(_ value: some BinaryFloatingPoint & CustomStringConvertible) throws {
    let number = try encoding.real(value)
    try encoding.add(.array, nil, value) { $0.append(number) }
  }

  func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
    encoding.nested(.array, nil).container(keyedBy: type)
  }

  func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
    encoding.nested(.array, nil).unkeyedContainer()
  }

  func superEncoder() -> any Encoder { encoding.nested(.array, nil) }
}

private struct FlatSingleEncoding: SingleValueEncodingContainer {
  let encoding: FlatEncoding
  var codingPath: [any CodingKey] { encoding.codingPath }

  func encodeNil() throws { try encoding.write(.null) }
  func encode(_ value: Bool) throws { try encoding.write(JSON(value)) }
  func encode(_ value: String) throws { try encoding.write(value) { $0.append(string: value) } }
  func encode(_ value: Double) throws { try encoding.write(encoding.real(value)) }
  func encode(_ value: Float) throws { try encoding.write(encoding.real(value)) }
  func encode(_ value: Int) throws { try integer(value) }
  func encode(_ value: Int8) throws { try integer(value) }
  func encode(_ value: Int16) throws { try integer(value) }
  func encode(_ value: Int32) throws { try integer(value) }
  func encode(_ value: Int64) throws { try integer(value) }
  func encode(_ value: UInt) throws { try integer(value) }
  func encode(_ value: UInt8) throws { try integer(value) }
  func encode(_ value: UInt16) throws { try integer(value) }
  func encode(_ value: UInt32) throws { try integer(value) }
  func encode(_ value: UInt64) throws { try integer(value) }
  func encode(_ value: Int128) throws { try integer(value) }
  func encode(_ value: UInt128) throws { try integer(value) }
  func encode<T: Encodable>(_ value: T) throws { try encoding.encodeWhole(value) }

  private func integer(_ value: some BinaryInteger) throws {
    try encoding.write(value) { $0.append(integer: value) }
  }
}
