#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// One change of the bytes of a container's payload.
struct FlatEdit {
  /// An element or a member that exists.
  struct Place {
    let container: FlatContainer
    /// Where it starts: the key, in an object.
    let start: UnsafeRawPointer
    /// Where its value starts.
    let value: UnsafeRawPointer
    let index: Int

    var end: UnsafeRawPointer { value + FlatLayout.size(value) }
  }

  /// What a pointer leads to.
  enum Spot {
    case root
    case element(Place)
    case member(Place)
    /// The end of an array.
    case newElement(FlatContainer)
    /// A name that the object does not have.
    case newMember(FlatContainer, name: JSON)
  }

  /// The new root, when there is nothing else to do.
  var root: JSON?
  var container: FlatContainer?
  /// The bytes that go, and the element or member at which they start.
  var start: UnsafeRawPointer
  var end: UnsafeRawPointer
  var index: Int
  /// The bytes that come.
  var key: JSON?
  var value: JSON?
  /// How the count changes.
  var added = 0

  static func replaceRoot(_ value: JSON) -> FlatEdit {
    FlatEdit(root: value, start: value.start, end: value.start, index: 0)
  }

  static func replace(_ place: Place, with value: JSON) -> FlatEdit {
    FlatEdit(container: place.container, start: place.value, end: place.end, index: place.index, value: value)
  }

  static func insert(
    _ value: JSON, before start: UnsafeRawPointer, _ index: Int, in container: FlatContainer
  ) -> FlatEdit {
    FlatEdit(container: container, start: start, end: start, index: index, value: value, added: 1)
  }

  static func add(_ name: JSON, _ value: JSON, to object: FlatContainer) -> FlatEdit {
    FlatEdit(
      container: object, start: object.payloadEnd, end: object.payloadEnd, index: object.count, key: name,
      value: value, added: 1)
  }

  static func remove(_ place: Place) -> FlatEdit {
    FlatEdit(container: place.container, start: place.start, end: place.end, index: place.index, added: -1)
  }

  var bytesAdded: Int { (key?.flatSize ?? 0) + (value?.flatSize ?? 0) }
}

extension FlatEdit {
  /// What a change does to the bytes where its pointer leads.
  init(_ change: JSON.Change, at spot: Spot) throws(JSONEditError.Code) {
    switch (change, spot) {
    case (.set(let value), .root), (.add(let value), .root): self = .replaceRoot(value)
    case (.set(let value), .element(let place)), (.set(let value), .member(let place)),
      (.add(let value), .member(let place)):
      self = .replace(place, with: value)
    case (.set(let value), .newMember(let container, let name)),
      (.add(let value), .newMember(let container, let name)):
      self = .add(name, value, to: container)
    case (.set, .newElement): throw .indexOutOfRange
    case (.add(let value), .element(let place)), (.insert(let value), .element(let place)):
      self = .insert(value, before: place.start, place.index, in: place.container)
    case (.add(let value), .newElement(let container)), (.insert(let value), .newElement(let container)),
      (.append(let value), .newElement(let container)):
      self = .insert(value, before: container.payloadEnd, container.count, in: container)
    case (.insert, .root), (.remove, .root): throw .isRoot
    case (.insert, .member), (.insert, .newMember), (.append, _): throw .notAnArray
    case (.remove, .element(let place)), (.remove, .member(let place)): self = .remove(place)
    case (.remove, .newMember): throw .noSuchMember
    case (.remove, .newElement): throw .indexOutOfRange
    }
  }
}

extension JSON {
  /// What is done at a place.
  package enum Change: Sendable {
    /// Replaces the element or member there, or adds the member; replaces the root.
    case set(JSON)
    /// As RFC 6902 `add`: as `set`, but before the element there, or behind the last.
    case add(JSON)
    /// As `add`, into arrays only.
    case insert(JSON)
    /// Behind the last element of the array there.
    case append(JSON)
    /// Takes the element or member away.
    case remove
  }

  /// This value with one change. Complexity: O(size).
  func changed(_ change: Change, at pointer: JSONPointer) throws(JSONEditError) -> JSON {
    try pointer.withText { text in
      Result { () throws(JSONEditError) in try changed(change, at: text) }
    }.get()
  }

  /// This value with one change. Complexity: O(size).
  /// - Parameter pointer: the text of a pointer, which was checked to be one.
  package func changed(_ change: Change, at pointer: UnsafeRawBufferPointer) throws(JSONEditError) -> JSON {
    defer { withExtendedLifetime(storage) {} }
    var ancestors: [FlatSplice.Level] = []
    var seen = 0
    do throws(JSONEditError.Code) {
      var spot = try find(pointer, &ancestors, &seen)
      if case .append = change { spot = try end(of: spot, &ancestors) }
      let edit = try FlatEdit(change, at: spot)
      if let root = edit.root { return root }
      return try FlatSplice.apply(edit, below: ancestors)
    } catch {
      // What cannot take an element is the value that the last token reaches into.
      if case .insert = change, error == .notAnArray { seen = pointer.lastIndex(of: 0x2F) ?? 0 }
      throw JSONEditError(error, at: JSONPointer(checked: UnsafeRawBufferPointer(rebasing: pointer[..<seen])))
    }
  }

  /// The place behind the last element of the array at a spot.
  private func end(
    of spot: FlatEdit.Spot, _ ancestors: inout [FlatSplice.Level]
  ) throws(JSONEditError.Code) -> FlatEdit.Spot {
    let array: UnsafeRawPointer
    switch spot {
    case .root: array = start
    case .element(let place), .member(let place):
      array = place.value
      ancestors.append(FlatSplice.Level(container: place.container, child: array))
    case .newElement: throw .indexOutOfRange
    case .newMember: throw .noSuchMember
    }
    guard FlatLayout.isArray(FlatLayout.tag(array)) else { throw .notAnArray }
    return .newElement(FlatContainer(array))
  }

  /// Walks down the pointer. `seen` is the length of the pointer up to the token that was looked at last.
  private func find(
    _ text: UnsafeRawBufferPointer, _ ancestors: inout [FlatSplice.Level], _ seen: inout Int
  ) throws(JSONEditError.Code) -> FlatEdit.Spot {
    var tokens = FlatPointer(text)
    guard var token = tokens.next() else { return .root }
    var value = start
    while true {
      seen = tokens.offset
      guard FlatLayout.isContainer(FlatLayout.tag(value)) else { throw .notAContainer }
      let container = FlatContainer(value)
      let spot = try spot(token, in: container)
      guard let next = tokens.next() else { return spot }
      switch spot {
      case .element(let place), .member(let place):
        ancestors.append(FlatSplice.Level(container: container, child: place.value))
        value = place.value
      case .newElement: throw .indexOutOfRange
      case .newMember, .root: throw .noSuchMember
      }
      token = next
    }
  }

  private func spot(
    _ token: FlatPointer.Token, in container: FlatContainer
  ) throws(JSONEditError.Code) -> FlatEdit.Spot {
    if container.isObject {
      let found = token.withName { container.scan(for: $0) }
      if let (key, index) = found {
        return .member(
          FlatEdit.Place(container: container, start: key, value: key + FlatLayout.size(key), index: index))
      }
      return .newMember(container, name: token.withName { JSON.string($0) })
    }
    if token.isEnd { return .newElement(container) }
    guard let index = token.index else {
      // Digits that are too many for an index are out of range, not malformed.
      let isNumber =
        token.text.count > 0 && token.text.allSatisfy { $0 &- 0x30 < 10 } && token.text[0] != 0x30
      throw isNumber ? .indexOutOfRange : .invalidIndex
    }
    if index == container.count { return .newElement(container) }
    guard index < container.count else { throw .indexOutOfRange }
    let start = container.element(index)
    return .element(FlatEdit.Place(container: container, start: start, value: start, index: index))
  }
}
