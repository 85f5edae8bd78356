extension JSON {
  /// The elements of an array, in order; empty for any other kind. Making it is O(1).
  public var elements: Elements {
    Elements(json: FlatLayout.isArray(FlatLayout.tag(start)) ? self : .emptyArray)
  }

  /// The members of an object, in the order as written; empty for any other kind. Making it is O(1).
  public var members: Members {
    Members(json: FlatLayout.isObject(FlatLayout.tag(start)) ? self : .emptyObject)
  }

  /// The element or member at an index, in the order as written, and a member's name; nil beyond the last one, and for
  /// scalars. O(1), at most 15 elements are skipped.
  package func part(at index: Int) -> (name: JSON?, value: JSON)? {
    defer { withExtendedLifetime(storage) {} }
    guard FlatLayout.isContainer(FlatLayout.tag(start)) else { return nil }
    let container = FlatContainer(start)
    guard (0..<container.count).contains(index) else { return nil }
    let at = container.element(index)
    guard container.isObject else { return (nil, view(at: at)) }
    return (view(at: at), view(at: at + FlatLayout.size(at)))
  }

  /// The elements of an array. Each is a view into the array's memory.
  public struct Elements: RandomAccessCollection, Sendable {
    let json: JSON

    /// O(1).
    public var startIndex: Int { 0 }
    /// O(1).
    public var endIndex: Int { FlatLayout.count(json.start) }

    /// O(1).
    /// - Precondition: `index` is one of the array's.
    public subscript(index: Int) -> JSON {
      precondition(index >= 0 && index < endIndex, "index out of range")
      return JSON(storage: json.storage, start: FlatContainer(json.start).element(index))
    }

    /// O(1) for each element, without the lookup that the subscript needs.
    public func makeIterator() -> Iterator { Iterator(json) }

    /// Goes through the elements of an array.
    public struct Iterator: IteratorProtocol {
      private let storage: FlatStorage?
      private var at: UnsafeRawPointer
      private let end: UnsafeRawPointer

      init(_ json: JSON) {
        let container = FlatContainer(json.start)
        storage = json.storage
        at = container.payload
        end = container.payloadEnd
      }

      public mutating func next() -> JSON? {
        guard at < end else { return nil }
        defer { at += FlatLayout.size(at) }
        return JSON(storage: storage, start: at)
      }
    }
  }

  /// The members of an object. Each value is a view into the object's memory.
  public struct Members: Sequence, Sendable {
    let json: JSON

    /// How many there are. O(1).
    public var count: Int { FlatLayout.count(json.start) }
    /// O(1).
    public var isEmpty: Bool { count == 0 }
    public var underestimatedCount: Int { count }
    /// The names alone. O(size of the object).
    public var names: [String] { map(\.name) }

    /// O(1) for each member, and its name is made.
    public func makeIterator() -> Iterator { Iterator(json) }

    /// Goes through the members of an object.
    public struct Iterator: IteratorProtocol {
      private let storage: FlatStorage?
      private var at: UnsafeRawPointer
      private let end: UnsafeRawPointer

      init(_ json: JSON) {
        let container = FlatContainer(json.start)
        storage = json.storage
        at = container.payload
        end = container.payloadEnd
      }

      public mutating func next() -> (name: String, value: JSON)? {
        guard at < end else { return nil }
        let name = String(decoding: FlatLayout.text(at), as: UTF8.self)
        let value = at + FlatLayout.size(at)
        at = value + FlatLayout.size(value)
        return (name, JSON(storage: storage, start: value))
      }
    }
  }
}
