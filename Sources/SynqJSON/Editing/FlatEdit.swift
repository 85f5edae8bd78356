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

extension JSON {
  /// Finds the place, asks what to do there, and does it.
  func edit(
    _ pointer: JSONPointer, _ decide: (FlatEdit.Spot) throws(JSONEditError.Code) -> FlatEdit
  ) throws(JSONEditError) -> JSON {
    defer { withExtendedLifetime(storage) {} }
    var text = pointer.description
    var ancestors: [FlatSplice.Level] = []
    var failedAt = 0
    // The code is carried out of the closure by value: `withUTF8` throws untyped.
    let result = text.withUTF8 { utf8 in
      Result { () throws(JSONEditError.Code) in
        let text = UnsafeRawBufferPointer(utf8)
        let spot = try find(text, &ancestors, &failedAt)
        let edit = try decide(spot)
        if let root = edit.root { return root }
        return try FlatSplice.apply(edit, below: ancestors)
      }
    }
    switch result {
    case .success(let value): return value
    case .failure(let code):
      let prefix = String(decoding: Array(pointer.description.utf8.prefix(failedAt)), as: UTF8.self)
      throw JSONEditError(code, at: (try? JSONPointer(prefix)) ?? pointer)
    }
  }

  /// Walks down the pointer. `failedAt` is the length of the pointer up to the token that was looked at last.
  private func find(
    _ text: UnsafeRawBufferPointer, _ ancestors: inout [FlatSplice.Level], _ failedAt: inout Int
  ) throws(JSONEditError.Code) -> FlatEdit.Spot {
    var tokens = FlatPointer(text)
    guard var token = tokens.next() else { return .root }
    var value = start
    while true {
      failedAt = tokens.offset
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
