extension JSON {
  /// How deep `Codable` types may nest values, as both directions recurse in the types' own code. A text that was
  /// parsed with the default limits is never that deep.
  public static let maxCodingDepth = 512

  /// Encodes a value straight to flat bytes, with no text between.
  ///
  /// Throws an `EncodingError` for infinities and NaN, for nesting beyond ``maxCodingDepth``, and for containers that
  /// are written to after they ended; and whatever the type itself throws. Complexity: O(size).
  public init(encoding value: some Encodable, userInfo: [CodingUserInfoKey: any Sendable] = [:]) throws {
    let encoding = FlatEncoding(EncodingOutput(userInfo: userInfo), parent: nil, key: nil)
    self = try encoding.result(of: value)
  }

  /// Decodes a type straight from flat bytes, with no text between. Values of type `JSON` in it are views.
  ///
  /// Throws a `DecodingError` that names the place; and whatever the type itself throws. A real is accepted for an
  /// integer type when it has an integral value (`1.0`), since some clients know only reals. Complexity: O(size).
  public func decode<T: Decodable>(
    _ type: T.Type = T.self, userInfo: [CodingUserInfoKey: any Sendable] = [:]
  ) throws -> T {
    try FlatDecoding(self, userInfo: userInfo, parent: nil, key: nil).decode(type)
  }
}

/// A name or an index on a coding path.
struct PathKey: CodingKey {
  let stringValue: String
  let intValue: Int?

  init(stringValue: String) {
    self.stringValue = stringValue
    intValue = nil
  }

  init(intValue: Int) {
    stringValue = "Index \(intValue)"
    self.intValue = intValue
  }

  static let `super` = PathKey(stringValue: "super")
}

extension JSON: Codable {
  /// Encodes this value; the coders of this module copy its bytes. With other coders a number is passed on as
  /// `Int64`, `UInt64` or `Double`, whichever holds it first.
  public func encode(to encoder: any Encoder) throws {
    if let encoding = encoder as? FlatEncoding { return try encoding.write(self) }
    guard encoder.codingPath.count <= JSON.maxCodingDepth else {
      throw EncodingError.invalidValue(
        self, .init(codingPath: encoder.codingPath, debugDescription: "nested too deep"))
    }
    switch kind {
    case .object:
      var container = encoder.container(keyedBy: PathKey.self)
      for (name, value) in members { try container.encode(value, forKey: PathKey(stringValue: name)) }
    case .array:
      var container = encoder.unkeyedContainer()
      for element in elements { try container.encode(element) }
    default:
      var container = encoder.singleValueContainer()
      if let bool = boolValue {
        try container.encode(bool)
      } else if let string = stringValue {
        try container.encode(string)
      } else if let integer = int64Value {
        try container.encode(integer)
      } else if let integer = uint64Value {
        try container.encode(integer)
      } else if let double = doubleValue {
        try container.encode(double)
      } else {
        try container.encodeNil()
      }
    }
  }

  /// Decodes any value; the coders of this module give a view.
  public init(from decoder: any Decoder) throws {
    if let decoding = decoder as? FlatDecoding {
      self = decoding.json
      return
    }
    guard decoder.codingPath.count <= JSON.maxCodingDepth else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "nested too deep"))
    }
    if let container = try? decoder.container(keyedBy: PathKey.self) {
      self.init(
        members: try container.allKeys.map { ($0.stringValue, try container.decode(JSON.self, forKey: $0)) })
    } else if var container = try? decoder.unkeyedContainer() {
      var elements: [JSON] = []
      while !container.isAtEnd { elements.append(try container.decode(JSON.self)) }
      self.init(elements)
    } else {
      self = try JSON(scalarIn: decoder.singleValueContainer())
    }
  }

  private init(scalarIn container: any SingleValueDecodingContainer) throws {
    if container.decodeNil() {
      self = .null
    } else if let bool = try? container.decode(Bool.self) {
      self.init(bool)
    } else if let integer = try? container.decode(Int64.self) {
      self.init(integer)
    } else if let integer = try? container.decode(UInt64.self) {
      self.init(integer)
    } else if let double = try? container.decode(Double.self), let number = JSON(double) {
      self = number
    } else {
      self.init(try container.decode(String.self))
    }
  }
}
