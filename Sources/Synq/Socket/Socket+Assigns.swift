import SynqChannels
import SynqJSON
import SynqHosting

/// Assigns: while a callback of the channel runs; else a ``SynqChannels/HostError`` of code `state`.
///
/// A pointer's first token names the assign: `"/items/3/done"`. An edit at a pointer touches only what it changes. A
/// failed call changes nothing, and what was set in a callback that fails is dropped.
extension Socket {
  /// The assign `name`; nil when there is none, and outside of callbacks.
  public subscript(name: String) -> JSON? {
    try? context.withScope { scope throws(HostError) in scope.assigns[name] }
  }

  /// All assigns as one object, tracked ones first.
  public func allAssigns() throws(HostError) -> JSON {
    try context.withScope { scope throws(HostError) in scope.assigns.object }
  }

  /// The value at a pointer.
  ///
  /// Throws a ``SynqChannels/HostError`` of code `notFound` when there is none. Complexity: O(depth).
  public func value(at pointer: JSONPointer) throws(HostError) -> JSON {
    try context.withScope { scope throws(HostError) in
      guard let value = scope.assigns.value(at: pointer) else {
        throw HostError(.notFound, "pointer: nothing is at \(pointer)")
      }
      return value
    }
  }

  /// The value at a pointer as a Swift type.
  ///
  /// Throws a ``SynqChannels/HostError`` of code `notFound` when there is none, and of code `type` when it is something else.
  public func value<T: Decodable>(_ type: T.Type = T.self, at pointer: JSONPointer) throws(HostError) -> T {
    let json = try value(at: pointer)
    do {
      return try json.decode(type)
    } catch let error as Swift.DecodingError {
      let (path, reason) = error.place
      throw HostError(.type, "pointer: \(pointer)\(path): \(reason)")
    } catch {
      throw HostError(.type, "pointer: \(pointer): \(error)")
    }
  }

  /// Sets the assign `name` (not a pointer).
  public func assign(_ name: String, to value: JSON) throws(HostError) {
    try edit { assigns throws(HostError) in try assigns.set(name, to: value) }
  }

  /// Sets the assign `name` (not a pointer).
  public func assign(_ name: String, to value: some Encodable) throws(HostError) {
    try assign(name, to: try JSON.encoded(value, name))
  }

  /// Sets the value at a pointer: an assign or an object's member, new or not; an array's element that exists.
  public func set(_ value: JSON, at pointer: JSONPointer) throws(HostError) {
    try edit { assigns throws(HostError) in try assigns.change(.set(value), at: pointer) }
  }

  /// Sets the value at a pointer: an assign or an object's member, new or not; an array's element that exists.
  public func set(_ value: some Encodable, at pointer: JSONPointer) throws(HostError) {
    try set(try JSON.encoded(value, "value"), at: pointer)
  }

  /// Inserts into an array before the index at the pointer's end (`"/items/0"`); its length or `-` appends.
  public func insert(_ value: JSON, at pointer: JSONPointer) throws(HostError) {
    try edit { assigns throws(HostError) in try assigns.change(.insert(value), at: pointer) }
  }

  /// Inserts into an array before the index at the pointer's end (`"/items/0"`); its length or `-` appends.
  public func insert(_ value: some Encodable, at pointer: JSONPointer) throws(HostError) {
    try insert(try JSON.encoded(value, "value"), at: pointer)
  }

  /// Appends to the array at a pointer (`"/items"`).
  public func append(_ value: JSON, at pointer: JSONPointer) throws(HostError) {
    try edit { assigns throws(HostError) in try assigns.change(.append(value), at: pointer) }
  }

  /// Appends to the array at a pointer (`"/items"`).
  public func append(_ value: some Encodable, at pointer: JSONPointer) throws(HostError) {
    try append(try JSON.encoded(value, "value"), at: pointer)
  }

  /// Sets each member of an object in the object at a pointer, in one edit; at the root, assigns of these names.
  ///
  /// A member that is there is replaced, another one added, none is removed. All or nothing.
  public func merge(_ members: JSON, at pointer: JSONPointer = .root) throws(HostError) {
    try edit { assigns throws(HostError) in try assigns.merge(members, at: pointer) }
  }

  /// Applies a patch (RFC 6902) to the value at a pointer; at the root, to the object of all assigns. All or nothing.
  public func patch(_ patch: JSON, at pointer: JSONPointer = .root) throws(HostError) {
    try edit { assigns throws(HostError) in try assigns.apply(patch, at: pointer) }
  }

  /// Removes an assign, a member or an element.
  public func remove(at pointer: JSONPointer) throws(HostError) {
    try edit { assigns throws(HostError) in try assigns.change(.remove, at: pointer) }
  }

  /// Adds to the integer at a pointer and returns the sum.
  @discardableResult
  public func increment(by amount: Int = 1, at pointer: JSONPointer) throws(HostError) -> Int {
    var sum: Int64 = 0
    try edit { assigns throws(HostError) in sum = try assigns.increment(at: pointer, by: Int64(amount)) }
    return Int(sum)
  }

  private func edit(_ body: (inout Assigns) throws(HostError) -> Void) throws(HostError) {
    try context.changeAssigns(body)
  }
}

/// The name of an assign and the type of its values.
/// ```swift
/// extension AssignKey<Int> { static let count = AssignKey("count") }
///
/// try socket.assign(.count, to: 1)
/// let count = try socket.value(.count)
/// ```
public struct AssignKey<Value: Codable & Sendable>: Sendable, Hashable {
  /// The name of the assign.
  public let name: String

  /// The assign of this name.
  public init(_ name: String) { self.name = name }

  public static func == (a: AssignKey, b: AssignKey) -> Bool { a.name.hasSameBytes(as: b.name) }

  public func hash(into hasher: inout Hasher) { hasher.combine(NameKey(name)) }

  var pointer: JSONPointer { JSONPointer(tokens: [name]) }
}

extension Socket {
  /// The value of an assign. Throws a ``SynqChannels/HostError`` of code `notFound` when it was never set.
  public func value<Value>(_ key: AssignKey<Value>) throws(HostError) -> Value {
    try value(Value.self, at: key.pointer)
  }

  /// Sets an assign.
  public func assign<Value>(_ key: AssignKey<Value>, to value: Value) throws(HostError) {
    try assign(key.name, to: value)
  }

  /// Reads an assign, lets `body` change it and sets it to the result.
  ///
  /// Decodes and encodes the whole value; an edit at a pointer is cheaper where values are large.
  public func update<Value>(
    _ key: AssignKey<Value>, _ body: (inout Value) throws(HostError) -> Void
  ) throws(HostError) {
    var value = try value(key)
    try body(&value)
    try assign(key, to: value)
  }
}
