@_spi(Flat) import SynqJSON

/// Edits at a pointer whose first token is the assign: "/items/3/done". Each splices what it changes and leaves the
/// rest alone; a failed edit changes nothing.
extension Assigns {
  /// The value at `pointer`, or nil. O(depth).
  package func value(at pointer: JSONPointer) -> JSON? { pointer.withText { value(at: $0) } }

  /// The value at `pointer`, the text of one, or nil. O(depth).
  package func value(at pointer: UnsafeRawBufferPointer) -> JSON? {
    var tokens = FlatPointer(pointer)
    guard let first = tokens.next() else { return object }
    let assign = self[place(of: first)]
    let rest = UnsafeRawBufferPointer(rebasing: pointer[tokens.offset...])
    return rest.isEmpty ? assign : assign.flatMap { FlatPointer.resolve(rest, in: $0) }
  }

  /// Changes what is at `pointer`.
  ///
  /// `set` sets an assign, an object's member, new or not, or an array's element that exists; `insert` inserts into an
  /// array before the index at the pointer's end, of which its length, or "-", appends; `append` appends to the array at
  /// the pointer; `remove` removes an assign, a member or an element.
  package mutating func change(_ change: JSON.Change, at pointer: JSONPointer) throws(HostError) {
    try pointer.withText { text in
      Result { () throws(HostError) in try self.change(change, at: text) }
    }.get()
  }

  /// Changes what is at `pointer`, the text of one.
  package mutating func change(_ change: JSON.Change, at pointer: UnsafeRawBufferPointer) throws(HostError) {
    var tokens = FlatPointer(pointer)
    guard let first = tokens.next(), !first.text.isEmpty else {
      throw HostError(.invalidArgument, "pointer: \"\(JSONPointer(checked: pointer))\" names no assign")
    }
    let place = place(of: first)
    let rest = UnsafeRawBufferPointer(rebasing: pointer[tokens.offset...])
    try Self.checkDepth(of: change, at: rest)
    switch (change, self[place]) {
    case (.set(let value), _) where rest.isEmpty:
      try store(place.isTracked ? try admitted(value, at: pointer) : value, at: place)
    case (.remove, .some) where rest.isEmpty: try store(nil, at: place)
    case (_, nil):
      throw HostError(
        .notFound, "pointer: \(JSONPointer(checked: pointer)): there is no assign \(first.string)")
    case (_, let old?):
      let new = try edited(old, change, at: rest, of: place, named: pointer)
      // What is inserted or removed moves what follows, so that only a whole diff finds the least.
      if case .set = change { try store(new, at: place, editedAt: rest) } else { try store(new, at: place) }
    }
  }

  /// Edits one below the other could make an assign as deep as its bytes allow, and whoever takes it as a tree recurses.
  static func checkDepth(of value: JSON, below levels: Int) throws(HostError) {
    guard value.isDeeper(than: JSONLimits.maxDepthThatCounts - levels) else { return }
    throw HostError(.limit, "value: the assign would be deeper than \(JSONLimits.maxDepthThatCounts)")
  }

  private static func checkDepth(
    of change: JSON.Change, at rest: UnsafeRawBufferPointer
  ) throws(HostError) {
    let levels = rest.count { $0 == 0x2F }
    switch change {
    case .set(let value), .add(let value), .insert(let value): try checkDepth(of: value, below: levels)
    case .append(let value): try checkDepth(of: value, below: levels + 1)
    case .remove: break
    }
  }

  /// What a change within an assign makes of it.
  private func edited(
    _ old: JSON, _ change: JSON.Change, at rest: UnsafeRawBufferPointer, of place: Place,
    named pointer: UnsafeRawBufferPointer
  ) throws(HostError) -> JSON {
    let change = place.isTracked ? try admitted(change, at: pointer) : change
    if place.isTracked { try checkName(FlatPointer.last(of: rest)) }
    do throws(JSONEditError) {
      return try old.changed(change, at: rest)
    } catch {
      throw HostError(editing: error, at: JSONPointer(checked: pointer))
    }
  }

  /// Adds to the integer at `pointer` and returns the sum.
  package mutating func increment(at pointer: JSONPointer, by amount: Int64) throws(HostError) -> Int64 {
    try pointer.withText { text in
      Result { () throws(HostError) in try increment(at: text, by: amount) }
    }.get()
  }

  /// Adds to the integer at `pointer`, the text of one, and returns the sum.
  package mutating func increment(
    at pointer: UnsafeRawBufferPointer, by amount: Int64
  ) throws(HostError) -> Int64 {
    // The text is made for the errors alone.
    var place: JSONPointer { JSONPointer(checked: pointer) }
    guard pointer.count > 1, pointer[1] != 0x2F else {
      throw HostError(.invalidArgument, "pointer: \"\(place)\" names no assign")
    }
    guard let old = value(at: pointer) else {
      throw HostError(.notFound, "pointer: nothing is at \(place)")
    }
    guard old.isInteger else { throw HostError(.type, "pointer: \(place) is no integer") }
    guard let number = old.int64Value else {
      throw HostError(.range, "pointer: \(place) is beyond 64 bits")
    }
    let (sum, overflow) = number.addingReportingOverflow(amount)
    guard !overflow else { throw HostError(.range, "by: \(place) would be beyond 64 bits") }
    try change(.set(JSON(Int(sum))), at: pointer)
    return sum
  }

  /// The change with its value as it may enter a tracked assign.
  private func admitted(
    _ change: JSON.Change, at pointer: UnsafeRawBufferPointer
  ) throws(HostError) -> JSON.Change {
    switch change {
    case .set(let value): .set(try admitted(value, at: pointer))
    case .add(let value): .add(try admitted(value, at: pointer))
    case .insert(let value): .insert(try admitted(value, at: pointer))
    case .append(let value): .append(try admitted(value, at: pointer))
    case .remove: .remove
    }
  }

  private func admitted(_ value: JSON, at pointer: UnsafeRawBufferPointer) throws(HostError) -> JSON {
    try admissible(value, at: JSONPointer(checked: pointer).description)
  }

  /// The pointer's own last token can create a member too.
  private func checkName(_ token: FlatPointer.Token?) throws(HostError) {
    guard !spec.options.allowsPrototypeKeys, let token,
      let index = Self.prototypeNames.index(of: token)
    else { return }
    throw HostError(
      .invalidArgument,
      "pointer: the member \(Self.prototypeKeys[index]) breaks JavaScript clients (see allow_prototype_keys)")
  }
}
