#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// An immutable JSON value: a run of bytes in one allocation, or a view into the value that it came from.
///
/// Copying is a retain. Equality of values with equal member order is one `memcmp`; an element or a member is
/// a view that shares its parent's memory (see ``compacted()``). Numbers keep their spelling: `1`, `1.0` and
/// `1e0` are three different values, and integers beyond 64 bits survive a round trip. The order of members
/// does not matter to `==` and is kept as written. No object holds a name twice.
/// ```swift
/// var state: JSON = ["items": [["id": 1, "done": false]], "title": "shopping"]
/// state["title"]?.stringValue                        // "shopping"
/// state.items?[0]?.done?.boolValue                   // false
/// try state.set(true, at: "/items/0/done")
/// ```
@dynamicMemberLookup
public struct JSON: @unchecked Sendable {
  // Sendable without a lock: the memory behind `start` is never written after the value was made,
  // and what the storage caches for lookups is published with atomics.

  /// Keeps the memory alive; nil for the constants, which are static memory.
  let storage: FlatStorage?
  /// The first byte of this value.
  @_spi(Flat) public let start: UnsafeRawPointer

  @inline(__always)
  init(storage: FlatStorage?, start: UnsafeRawPointer) {
    self.storage = storage
    self.start = start
  }

  /// Copies canonical flat bytes. O(size).
  package init(flatBytes: UnsafeRawBufferPointer) {
    let (storage, bytes) = FlatStorage.make(count: flatBytes.count)
    if let source = flatBytes.baseAddress { memcpy(bytes, source, flatBytes.count) }
    self.init(storage: storage, start: UnsafeRawPointer(bytes))
  }

  /// Gives the canonical bytes of exactly this value; `FlatLayout` reads them. O(1).
  @inline(__always)
  package func withFlatBytes<R, E>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
    defer { withExtendedLifetime(storage) {} }
    return try body(UnsafeRawBufferPointer(start: start, count: FlatLayout.size(start)))
  }

  /// Whether both are the same bytes of the same memory, and so equal without a comparison. O(1).
  @inline(__always)
  package func sharesStorage(with other: JSON) -> Bool { start == other.start }

  /// Whether both are the same bytes: equal, and their members in the same order. One `memcmp` at most.
  package func hasSameBytes(as other: JSON) -> Bool {
    defer { withExtendedLifetime((storage, other.storage)) {} }
    if start == other.start { return true }
    let size = FlatLayout.size(start)
    return size == FlatLayout.size(other.start) && memcmp(start, other.start, size) == 0
  }

  /// The bytes of this value in its flat form. O(1).
  package var flatSize: Int { FlatLayout.size(start) }

  /// The same value without the rest of the memory that it was a view into.
  ///
  /// An element taken out of a large value keeps all of that value's memory alive. Take the compacted form of
  /// what is kept for long. Returns itself when it fills at least half of its memory.
  ///
  /// Complexity: O(size), or O(1) when nothing is copied.
  public func compacted() -> JSON {
    guard let storage, flatSize < storage.count / 2 else { return self }
    return withFlatBytes { JSON(flatBytes: $0) }
  }
}

extension JSON {
  /// What a value is.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    case null, boolean, number, string, array, object

    /// The kind as a sentence names it: "an array", "null".
    package var withArticle: String {
      switch self {
      case .null: "null"
      case .boolean: "a boolean"
      case .number: "a number"
      case .string: "a string"
      case .array: "an array"
      case .object: "an object"
      }
    }
  }

  /// What this value is. O(1).
  public var kind: Kind {
    let tag = FlatLayout.tag(start)
    if FlatLayout.isNumber(tag) { return .number }
    if FlatLayout.isString(tag) { return .string }
    if FlatLayout.isObject(tag) { return .object }
    if FlatLayout.isArray(tag) { return .array }
    return tag == FlatLayout.null ? .null : .boolean
  }

  // The constants are string literals, which are static memory: no allocation, no lazy global. A byte of
  // 0x80...0xBF is the second one of such a character in UTF-8. The NULs behind are the layout's slack.
  private static func constant(_ literal: StaticString, from offset: Int) -> JSON {
    JSON(storage: nil, start: UnsafeRawPointer(literal.utf8Start + offset))
  }

  /// `null`. Costs no allocation.
  public static var null: JSON { constant("\u{80}", from: 1) }
  /// `true`. Costs no allocation.
  public static var `true`: JSON { constant("\u{82}", from: 1) }
  /// `false`. Costs no allocation.
  public static var `false`: JSON { constant("\u{81}", from: 1) }
  /// `[]`. Costs no allocation.
  public static var emptyArray: JSON { constant("\u{91}\0\0", from: 1) }
  /// `{}`. Costs no allocation.
  public static var emptyObject: JSON { constant("\u{99}\0\0", from: 1) }
  /// `""`. Costs no allocation.
  public static var emptyString: JSON {
    constant("@\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", from: 0)
  }

  /// `0` to `9`. Cost no allocation.
  static func digit(_ value: Int) -> JSON {
    constant(
      "\u{1}0\u{1}1\u{1}2\u{1}3\u{1}4\u{1}5\u{1}6\u{1}7\u{1}8\u{1}9\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
      from: 2 * value)
  }
}
