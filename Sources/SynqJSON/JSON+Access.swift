extension JSON {
  /// Whether this is `null`. O(1).
  public var isNull: Bool { FlatLayout.tag(start) == FlatLayout.null }

  /// The value of `true` or `false`, nil for any other kind. O(1).
  public var boolValue: Bool? {
    switch FlatLayout.tag(start) {
    case FlatLayout.true: true
    case FlatLayout.false: false
    default: nil
    }
  }

  /// The text of a string, nil for any other kind. O(length).
  public var stringValue: String? {
    guard FlatLayout.isString(FlatLayout.tag(start)) else { return nil }
    defer { withExtendedLifetime(storage) {} }
    return String(decoding: FlatLayout.text(start), as: UTF8.self)
  }

  /// A number as it was written, nil for any other kind. O(length).
  public var numberText: String? {
    guard FlatLayout.isNumber(FlatLayout.tag(start)) else { return nil }
    defer { withExtendedLifetime(storage) {} }
    return String(decoding: FlatLayout.text(start), as: UTF8.self)
  }

  /// Whether this is a number without fraction and exponent: `1` is an integer, `1.0` and `1e0` are reals. O(length).
  public var isInteger: Bool {
    guard FlatLayout.isNumber(FlatLayout.tag(start)) else { return false }
    defer { withExtendedLifetime(storage) {} }
    return !FlatNumber.isReal(FlatLayout.text(start))
  }

  /// The value of an integer that fits, nil for reals (`1.0`), integers beyond 64 bits and other kinds. O(length).
  public var int64Value: Int64? {
    guard FlatLayout.isNumber(FlatLayout.tag(start)) else { return nil }
    defer { withExtendedLifetime(storage) {} }
    return FlatNumber.integer(FlatLayout.text(start))
  }

  /// The value of an integer that fits, nil for reals (`1.0`), negative or larger integers and other kinds. O(length).
  public var uint64Value: UInt64? {
    guard FlatLayout.isNumber(FlatLayout.tag(start)) else { return nil }
    defer { withExtendedLifetime(storage) {} }
    return FlatNumber.integer(FlatLayout.text(start))
  }

  /// The nearest double of a number, integer or real, nil for any other kind. O(length).
  public var doubleValue: Double? {
    guard FlatLayout.isNumber(FlatLayout.tag(start)) else { return nil }
    defer { withExtendedLifetime(storage) {} }
    return FlatNumber.double(FlatLayout.text(start))
  }

  /// The elements of an array or the members of an object, 0 for a scalar. O(1).
  public var count: Int {
    FlatLayout.isContainer(FlatLayout.tag(start)) ? FlatLayout.count(start) : 0
  }

  /// The element at `index` of an array; nil when there is none, or when this is not an array.
  ///
  /// The element is a view into this value. Complexity: O(1).
  public subscript(index: Int) -> JSON? {
    guard FlatLayout.isArray(FlatLayout.tag(start)) else { return nil }
    let container = FlatContainer(start)
    guard index >= 0, index < container.count else { return nil }
    return JSON(storage: storage, start: container.element(index))
  }

  /// The value of the member `name` of an object; nil when there is none, or when this is not an object.
  ///
  /// The value is a view into this value. Complexity: O(members) for small objects, O(1) for large ones
  /// that are asked often (an index is made beside the value).
  public subscript(name: String) -> JSON? {
    var name = name
    return name.withUTF8 { utf8 in
      member(UnsafeRawBufferPointer(utf8)).map { key in
        JSON(storage: storage, start: key + FlatLayout.size(key))
      }
    }
  }

  /// The value of the member with this name: `json.user?.name` is `json["user"]?["name"]`.
  ///
  /// A property of `JSON` itself (`count`, `kind`, …) wins over a member of its name. Complexity: as for a name.
  public subscript(dynamicMember name: String) -> JSON? { self[name] }

  /// Whether an object has this member. Complexity: as for the subscript.
  public func contains(member name: String) -> Bool {
    var name = name
    return name.withUTF8 { member(UnsafeRawBufferPointer($0)) != nil }
  }

  /// The key of a member of this object.
  func member(_ name: UnsafeRawBufferPointer) -> UnsafeRawPointer? {
    guard FlatLayout.isObject(FlatLayout.tag(start)) else { return nil }
    let object = FlatContainer(start)
    guard let storage else { return object.scan(for: name)?.key }
    return storage.key(named: name, in: object)
  }
}
