extension JSON {
  // Every edit makes a new value by copying the bytes around the place: O(size) at the speed of memcpy, one
  // allocation, whatever the depth. Other copies of the value, and views into it, stay as they are.

  /// Puts `value` at a place: replaces the element or member there, or adds the member. The root is replaced.
  ///
  /// An element must exist; `insert(_:at:)` and `append(_:at:)` lengthen an array. Complexity: O(size).
  public mutating func set(_ value: JSON, at pointer: JSONPointer) throws(JSONEditError) {
    self = try setting(value, at: pointer)
  }

  /// This value with `value` at a place. See ``set(_:at:)``.
  public func setting(_ value: JSON, at pointer: JSONPointer) throws(JSONEditError) -> JSON {
    try changed(.set(value), at: pointer)
  }

  /// Inserts `value` as RFC 6902 `add` does: before the element at the place (`-` or the array's length is its
  /// end), as a member (replacing one of that name), or as the root. Complexity: O(size).
  public mutating func insert(_ value: JSON, at pointer: JSONPointer) throws(JSONEditError) {
    self = try inserting(value, at: pointer)
  }

  /// This value with `value` inserted. See ``insert(_:at:)``.
  public func inserting(_ value: JSON, at pointer: JSONPointer) throws(JSONEditError) -> JSON {
    try changed(.add(value), at: pointer)
  }

  /// Adds `value` to the end of the array at a place. Complexity: O(size).
  public mutating func append(_ value: JSON, at pointer: JSONPointer = .root) throws(JSONEditError) {
    self = try appending(value, at: pointer)
  }

  /// This value with `value` at the end of the array at a place. See ``append(_:at:)``.
  public func appending(_ value: JSON, at pointer: JSONPointer = .root) throws(JSONEditError) -> JSON {
    try changed(.append(value), at: pointer)
  }

  /// Removes the element or member at a place and gives its value, a view into the value before. Complexity: O(size).
  @discardableResult
  public mutating func remove(at pointer: JSONPointer) throws(JSONEditError) -> JSON {
    let after = try removing(at: pointer)
    let removed = self[pointer]
    self = after
    return removed ?? .null
  }

  /// This value without the element or member at a place. See ``remove(at:)``.
  public func removing(at pointer: JSONPointer) throws(JSONEditError) -> JSON {
    try changed(.remove, at: pointer)
  }

  /// Removes the value at `from` and inserts it at `to`, a place in what is left (RFC 6902 `move`). Nothing
  /// happens when both are the same. Complexity: O(size).
  public mutating func move(from: JSONPointer, to: JSONPointer) throws(JSONEditError) {
    self = try moving(from: from, to: to)
  }

  /// This value with a part moved. See ``move(from:to:)``.
  public func moving(from: JSONPointer, to: JSONPointer) throws(JSONEditError) -> JSON {
    if from.isRoot { throw JSONEditError(.isRoot, at: from) }
    if from != to, to.isWithin(from) { throw JSONEditError(.moveIntoItself, at: to) }
    let rest = try removing(at: from)
    guard let value = self[from] else { throw JSONEditError(.noSuchMember, at: from) }
    return from == to ? self : try rest.inserting(value, at: to)
  }

  /// Adds to the number at a place and gives the sum. An integer stays one and must fit an `Int64`; a real stays one.
  /// Complexity: O(size).
  @discardableResult
  public mutating func increment(by amount: Int = 1, at pointer: JSONPointer) throws(JSONEditError) -> JSON {
    let sum = try sum(at: pointer, Double(amount)) { (integer) throws(JSONEditError.Code) in
      let (sum, overflow) = integer.addingReportingOverflow(Int64(amount))
      if overflow { throw .overflow }
      return JSON(sum)
    }
    try set(sum, at: pointer)
    return sum
  }

  /// Adds a real to the number at a place, which becomes a real, and gives the sum. Complexity: O(size).
  @discardableResult
  public mutating func increment(by amount: Double, at pointer: JSONPointer) throws(JSONEditError) -> JSON {
    let sum = try sum(at: pointer, amount, integer: nil)
    try set(sum, at: pointer)
    return sum
  }

  /// This value with the number at a place incremented. See `increment(by:at:)`.
  public func incrementing(by amount: Int = 1, at pointer: JSONPointer) throws(JSONEditError) -> JSON {
    var value = self
    try value.increment(by: amount, at: pointer)
    return value
  }

  private func sum(
    at pointer: JSONPointer, _ amount: Double, integer: ((Int64) throws(JSONEditError.Code) -> JSON)?
  ) throws(JSONEditError) -> JSON {
    guard let number = self[pointer] else {
      _ = try removing(at: pointer)
      throw JSONEditError(.notANumber, at: pointer)
    }
    guard number.kind == .number else { throw JSONEditError(.notANumber, at: pointer) }
    do throws(JSONEditError.Code) {
      if let integer, number.isInteger {
        guard let value = number.int64Value else { throw .overflow }
        return try integer(value)
      }
      guard let value = number.doubleValue, let sum = JSON(value + amount) else { throw .overflow }
      return sum
    } catch {
      throw JSONEditError(error, at: pointer)
    }
  }
}
