#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The byte layout of a JSON value, and readers for it on raw memory.
///
/// A value is one run of bytes that carries its own size, holds no address, and may be moved, compared and
/// spliced as bytes. All integers are little-endian and unaligned.
/// ```
/// 0x00|len   number as written, length 1...62; 63: u32 length follows
/// 0x40|len   string, unescaped UTF-8 that needs no escape on output; 63: u32 length follows
/// 0x80 null  0x81 false  0x82 true
/// 0x88       string that needs escaping on output: u32 length, bytes
/// 0x91/0x99  array/object whose payload is at most 255 bytes: u8 payload size, u8 count, payload
/// 0x90/0x98  larger: u32 size (payload and table), u32 count, payload,
///            then, if count > 16, the table: u32 payload offsets of the elements 16, 32, 48, …
/// ```
/// The payload of an object is key string, value, key string, value, …; its table counts members.
///
/// The layout is canonical: every size class follows from the content alone, so equal content in equal order
/// is equal bytes, and equal content in any member order has an equal size. No object holds a name twice.
///
/// The readers trust their input. Flat bytes never come from a peer: only the parser, the builders and the
/// edits of this module write them. They may read up to `FlatLayout.slack` bytes past a value.
///
/// The type is public for the compiler alone: it inlines the members of a `package` type in its own module only, and
/// a call for each header makes a diff twice as slow. The SPI keeps it out of what users see.
@_spi(Flat) public enum FlatLayout {
  /// The tag of null.
  public static let null: UInt8 = 0x80
  /// The tag of false.
  public static let `false`: UInt8 = 0x81
  /// The tag of true.
  public static let `true`: UInt8 = 0x82
  /// The tag of a string that needs escaping on output.
  public static let escapedString: UInt8 = 0x88
  /// The tag of an array with the large header.
  public static let largeArray: UInt8 = 0x90
  /// The tag of an array with the small header.
  public static let smallArray: UInt8 = 0x91
  /// The tag of an object with the large header.
  public static let largeObject: UInt8 = 0x98
  /// The tag of an object with the small header.
  public static let smallObject: UInt8 = 0x99

  /// Bytes before the payload of a container of at most `maxSmallPayload` bytes.
  public static let smallHeader = 3
  /// Bytes before the payload of a larger container.
  public static let largeHeader = 9
  /// The largest payload that has the small header.
  public static let maxSmallPayload = 255
  /// Elements between two entries of a container's table.
  public static let stride = 16
  /// The longest number or string whose length fits the tag.
  public static let maxShortText = 62
  /// Readable bytes behind every value's storage, for vector loads.
  public static let slack = 32

  /// The tag of a value: its first byte.
  @inlinable @inline(__always)
  public static func tag(_ value: UnsafeRawPointer) -> UInt8 { value.load(as: UInt8.self) }

  /// The byte at an offset.
  @inlinable @inline(__always)
  public static func u8(_ value: UnsafeRawPointer, _ offset: Int) -> Int {
    Int(value.load(fromByteOffset: offset, as: UInt8.self))
  }

  /// The four bytes at an offset.
  @inlinable @inline(__always)
  public static func u32(_ value: UnsafeRawPointer, _ offset: Int) -> Int {
    Int(UInt32(littleEndian: value.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
  }

  /// Whether a tag is a number's.
  @inlinable @inline(__always)
  public static func isNumber(_ tag: UInt8) -> Bool { tag < 0x40 }

  /// Whether a tag is a string's.
  @inlinable @inline(__always)
  public static func isString(_ tag: UInt8) -> Bool { (tag & 0xC0) == 0x40 || tag == escapedString }

  /// Whether a tag is an array's or object's.
  @inlinable @inline(__always)
  public static func isContainer(_ tag: UInt8) -> Bool { tag >= 0x90 }

  /// Whether a tag is an object's.
  @inlinable @inline(__always)
  public static func isObject(_ tag: UInt8) -> Bool { tag >= 0x98 }

  /// Whether a tag is an array's.
  @inlinable @inline(__always)
  public static func isArray(_ tag: UInt8) -> Bool { (tag & 0xF8) == 0x90 }

  /// All bytes of the value, header and table included. O(1).
  @inlinable @inline(__always)
  public static func size(_ value: UnsafeRawPointer) -> Int {
    let tag = tag(value)
    if tag < 0x80 {
      let length = Int(tag & 0x3F)
      return length != 63 ? 1 &+ length : 5 &+ u32(value, 1)
    }
    if tag < escapedString { return 1 }
    if tag & 1 != 0 { return smallHeader &+ u8(value, 1) }
    return (tag == escapedString ? 5 : largeHeader) &+ u32(value, 1)
  }

  /// The text of a number or a string (unescaped UTF-8). O(1).
  @inlinable @inline(__always)
  public static func text(_ value: UnsafeRawPointer) -> UnsafeRawBufferPointer {
    let tag = tag(value)
    let length = Int(tag & 0x3F)
    if tag < 0x80, length != 63 { return UnsafeRawBufferPointer(start: value + 1, count: length) }
    return UnsafeRawBufferPointer(start: value + 5, count: u32(value, 1))
  }

  /// The elements or members of a container. O(1).
  @inlinable @inline(__always)
  public static func count(_ value: UnsafeRawPointer) -> Int {
    tag(value) & 1 != 0 ? u8(value, 2) : u32(value, 5)
  }

  /// How many entries the table of a container with a large header has.
  @inlinable @inline(__always)
  public static func tableEntries(count: Int) -> Int { count > stride ? (count &- 1) / stride : 0 }

  /// Whether a string of these bytes has to be escaped in JSON text. O(length).
  public static func needsEscape(_ text: UnsafeRawBufferPointer) -> Bool {
    for byte in text where byte < 0x20 || byte == 0x22 || byte == 0x5C { return true }
    return false
  }

  /// Whether two runs of memory hold the same bytes.
  @inlinable @inline(__always)
  public static func equal(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ count: Int) -> Bool {
    memcmp(a, b, count) == 0
  }
}

/// A container's parts, read once.
@_spi(Flat) public struct FlatContainer {
  /// The first byte of the container, its tag.
  public let start: UnsafeRawPointer
  /// The first byte of the first element or of the first key.
  public let payload: UnsafeRawPointer
  /// The end of the payload, and the start of the table if there is one.
  public let payloadEnd: UnsafeRawPointer
  /// The elements or members.
  public let count: Int
  /// Whether this is an object.
  public let isObject: Bool

  /// Reads the header of an array or object.
  @inlinable @inline(__always)
  public init(_ value: UnsafeRawPointer) {
    let tag = FlatLayout.tag(value)
    start = value
    isObject = FlatLayout.isObject(tag)
    if tag & 1 != 0 {
      count = FlatLayout.u8(value, 2)
      payload = value + FlatLayout.smallHeader
      payloadEnd = payload + FlatLayout.u8(value, 1)
    } else {
      count = FlatLayout.u32(value, 5)
      payload = value + FlatLayout.largeHeader
      payloadEnd = payload + (FlatLayout.u32(value, 1) &- 4 &* FlatLayout.tableEntries(count: count))
    }
  }

  /// The bytes of all elements.
  @inlinable @inline(__always)
  public var payloadSize: Int { payloadEnd - payload }

  /// The entries of the table that exist: 0 for a small header.
  @inlinable @inline(__always)
  public var tableEntries: Int {
    FlatLayout.tag(start) & 1 != 0 ? 0 : FlatLayout.tableEntries(count: count)
  }

  /// The payload offset of the element or member `16 * (entry + 1)`.
  @inlinable @inline(__always)
  public func tableOffset(_ entry: Int) -> Int { FlatLayout.u32(payloadEnd, 4 &* entry) }

  /// What follows the element or member that starts here.
  @inlinable @inline(__always)
  public func next(_ element: UnsafeRawPointer) -> UnsafeRawPointer {
    let end = element + FlatLayout.size(element)
    return isObject ? end + FlatLayout.size(end) : end
  }

  /// Where element or member `index` starts (its key, in an object); the payload's end for `count`.
  ///
  /// Complexity: O(1), at most 15 elements are skipped (with a small header, those of 255 bytes).
  /// - Precondition: `0...count` contains `index`.
  @inlinable @inline(__always)
  public func element(_ index: Int) -> UnsafeRawPointer {
    if index == count { return payloadEnd }
    var element = payload
    var left = index
    if left >= FlatLayout.stride, FlatLayout.tag(start) & 1 == 0 {
      element += tableOffset(left / FlatLayout.stride &- 1)
      left %= FlatLayout.stride
    }
    while left > 0 {
      element = next(element)
      left &-= 1
    }
    return element
  }

  /// The key of the member named `name`, by comparing every key in order; the value follows the key.
  ///
  /// Complexity: O(count). `JSON` keeps an index for large objects.
  public func scan(for name: UnsafeRawBufferPointer) -> (key: UnsafeRawPointer, index: Int)? {
    guard isObject, let bytes = name.baseAddress ?? UnsafeRawPointer(bitPattern: 1) else { return nil }
    let length = name.count
    var key = payload
    var index = 0
    let short = length <= FlatLayout.maxShortText && !FlatLayout.needsEscape(name)
    let tag = short ? 0x40 | UInt8(truncatingIfNeeded: length) : 0
    while index < count {
      if short {
        if FlatLayout.tag(key) == tag, FlatLayout.equal(key + 1, bytes, length) { return (key, index) }
      } else {
        let text = FlatLayout.text(key)
        if text.count == length, FlatLayout.equal(text.baseAddress.unsafelyUnwrapped, bytes, length) {
          return (key, index)
        }
      }
      key += FlatLayout.size(key)
      key += FlatLayout.size(key)
      index &+= 1
    }
    return nil
  }
}
