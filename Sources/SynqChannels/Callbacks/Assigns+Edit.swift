import SynqJSON

/// Edits at a pointer whose first token is the assign: "/items/3/done". Each splices what it changes and leaves the
/// rest alone; a failed edit changes nothing.
extension Assigns {
  /// The value at `pointer`, or nil. O(depth).
  package func value(at pointer: JSONPointer) -> JSON? {
    guard let (name, rest) = pointer.splitFirst() else { return object }
    guard let assign = self[name] else { return nil }
    return rest.isRoot ? assign : assign[rest]
  }

  /// Sets an assign, an object's member, new or not, or an array's element that exists.
  package mutating func set(_ value: JSON, at pointer: JSONPointer) throws(HostError) {
    try edit(pointer, with: value, whole: { _ in value }) { assign, rest, value throws(JSONEditError) in
      try assign.set(value, at: rest)
    }
  }

  /// Inserts into an array before the index at the pointer's end; its length, or "-", appends.
  package mutating func insert(_ value: JSON, at pointer: JSONPointer) throws(HostError) {
    try edit(pointer, with: value, whole: nil) { assign, rest, value throws(JSONEditError) in
      if let parent = rest.parent, let container = assign[parent], container.kind != .array {
        throw JSONEditError(.notAnArray, at: parent)
      }
      try assign.insert(value, at: rest)
    }
  }

  /// Appends to the array at `pointer`.
  package mutating func append(_ value: JSON, at pointer: JSONPointer) throws(HostError) {
    try edit(pointer, with: value, whole: nil) { assign, rest, value throws(JSONEditError) in
      try assign.append(value, at: rest)
    }
  }

  /// Removes an assign, a member or an element.
  package mutating func remove(at pointer: JSONPointer) throws(HostError) {
    let (name, rest) = try split(pointer)
    guard rest.isRoot else {
      return try edit(pointer, with: .null, whole: nil) { assign, rest, _ throws(JSONEditError) in
        _ = try assign.remove(at: rest)
      }
    }
    guard remove(name) else { throw HostError(.notFound, "pointer: \(pointer): there is no assign \(name)") }
  }

  /// Adds to the integer at `pointer` and returns the sum.
  package mutating func increment(at pointer: JSONPointer, by amount: Int64) throws(HostError) -> Int64 {
    let (name, rest) = try split(pointer)
    let assign = self[name]
    guard let old = rest.isRoot ? assign : assign?[rest] else {
      throw HostError(.notFound, "pointer: nothing is at \(pointer)")
    }
    guard old.isInteger else { throw HostError(.type, "pointer: \(pointer) is no integer") }
    guard let number = old.int64Value else {
      throw HostError(.range, "pointer: \(pointer) is beyond 64 bits")
    }
    let (sum, overflow) = number.addingReportingOverflow(amount)
    guard !overflow else { throw HostError(.range, "by: \(pointer) would be beyond 64 bits") }
    if rest.isRoot { replace(name, with: JSON(Int(sum))) } else { try set(JSON(Int(sum)), at: pointer) }
    return sum
  }

  private func split(_ pointer: JSONPointer) throws(HostError) -> (name: String, rest: JSONPointer) {
    guard let parts = pointer.splitFirst(), !parts.first.isEmpty else {
      throw HostError(.invalidArgument, "pointer: \"\(pointer)\" names no assign")
    }
    return (parts.first, parts.rest)
  }

  /// Admits `value`, edits the assign that `pointer` begins with and stores the result. An assign that does not exist
  /// yet can only be set as a whole.
  private mutating func edit(
    _ pointer: JSONPointer, with value: JSON, whole: ((JSON) -> JSON)?,
    _ body: (inout JSON, JSONPointer, JSON) throws(JSONEditError) -> Void
  ) throws(HostError) {
    let (name, rest) = try split(pointer)
    let isTracked = trackedIndex(name) != nil
    let admitted = isTracked ? try admissible(value, at: pointer.description) : value
    if rest.isRoot, let whole {
      replace(name, with: isTracked ? admitted : whole(value))
      return
    }
    guard var assign = self[name] else {
      throw HostError(.notFound, "pointer: \(pointer): there is no assign \(name)")
    }
    try checkMemberName(of: rest, in: name)
    do throws(JSONEditError) {
      try body(&assign, rest, admitted)
    } catch {
      throw HostError(editing: error, at: pointer)
    }
    replace(name, with: assign)
  }

  /// The pointer's own last token can create a member too.
  private func checkMemberName(of rest: JSONPointer, in name: String) throws(HostError) {
    guard !spec.options.allowsPrototypeKeys, trackedIndex(name) != nil else { return }
    for key in Self.prototypeKeys where rest.description.hasSuffix(key) && rest.lastToken == key {
      throw HostError(
        .invalidArgument, "pointer: the member \(key) breaks JavaScript clients (see allow_prototype_keys)")
    }
  }
}
