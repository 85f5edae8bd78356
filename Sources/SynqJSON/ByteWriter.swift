#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// A growable buffer of bytes for output: JSON text, frames, patches.
///
/// Keep one and empty it with ``removeAll(keepingCapacity:)`` between messages: then writing allocates nothing.
public struct ByteWriter: ~Copyable {
  /// Free bytes that every write leaves behind it, for vector stores.
  @usableFromInline static let margin = 64

  @usableFromInline var base: UnsafeMutableRawPointer
  @usableFromInline var capacity: Int
  /// The bytes written so far.
  public internal(set) var count: Int {
    @inlinable get { written }
    @inlinable set { written = newValue }
  }
  @usableFromInline var written = 0

  /// An empty buffer with room for `capacity` bytes.
  public init(capacity: Int = 256) {
    self.capacity = max(capacity, 0) + ByteWriter.margin
    base = ByteWriter.allocate(self.capacity)
  }

  deinit { free(base) }

  private static func allocate(_ capacity: Int) -> UnsafeMutableRawPointer {
    guard let memory = malloc(capacity) else { fatalError("out of memory") }
    return memory
  }

  /// Makes room for `room` bytes and the margin.
  @inlinable @inline(__always)
  mutating func reserve(_ room: Int) {
    if count &+ room &+ ByteWriter.margin > capacity { grow(room) }
  }

  @usableFromInline @inline(never)
  mutating func grow(_ room: Int) {
    capacity = max(count + room + ByteWriter.margin, capacity * 2)
    guard let moved = realloc(base, capacity) else { fatalError("out of memory") }
    base = moved
  }

  /// Writes one byte.
  @inlinable @inline(__always)
  public mutating func append(_ byte: UInt8) {
    reserve(1)
    base.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
    count &+= 1
  }

  /// Writes bytes as they are.
  @inlinable @inline(__always)
  public mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress else { return }
    reserve(bytes.count)
    (base + count).copyMemory(from: source, byteCount: bytes.count)
    count &+= bytes.count
  }

  /// Writes the first `count` bytes of a vector, with one store.
  @_spi(Flat) @inlinable @inline(__always)
  public mutating func append(_ bytes: SIMD2<UInt64>, count: Int) {
    reserve(16)
    (base + written).storeBytes(of: bytes, as: SIMD2<UInt64>.self)
    written &+= count
  }

  /// Writes bytes as they are.
  public mutating func append(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { append($0) }
  }

  /// Writes the UTF-8 of a literal.
  @inlinable @inline(__always)
  public mutating func append(_ text: StaticString) {
    append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Writes the UTF-8 of a string as it is, neither quoted nor escaped.
  public mutating func append(utf8 string: String) {
    var string = string
    string.withUTF8 { append(UnsafeRawBufferPointer($0)) }
  }

  /// Writes an integer in decimal.
  public mutating func append(decimal value: Int) {
    reserve(20)
    var magnitude = value.magnitude
    var digits = 1
    var bound: UInt = 10
    while digits < 20, magnitude >= bound {
      digits += 1
      let (next, overflow) = bound.multipliedReportingOverflow(by: 10)
      if overflow { break }
      bound = next
    }
    if value < 0 {
      base.storeBytes(of: 0x2D, toByteOffset: count, as: UInt8.self)
      count &+= 1
    }
    var at = count &+ digits
    count = at
    repeat {
      at &-= 1
      let (quotient, digit) = magnitude.quotientAndRemainder(dividingBy: 10)
      base.storeBytes(of: 0x30 | UInt8(truncatingIfNeeded: digit), toByteOffset: at, as: UInt8.self)
      magnitude = quotient
    } while magnitude != 0
  }

  /// Drops what was written behind the first `count` bytes.
  /// - Precondition: `count` is not negative and not more than what was written.
  public mutating func truncate(to count: Int) {
    precondition(count >= 0 && count <= self.count, "truncate(to:) cannot lengthen")
    self.count = count
  }

  /// The bytes that the buffer takes in memory.
  package var reserved: Int { capacity }

  /// Drops all bytes.
  public mutating func removeAll(keepingCapacity: Bool = true) {
    count = 0
    if !keepingCapacity {
      free(base)
      capacity = 256 + ByteWriter.margin
      base = ByteWriter.allocate(capacity)
    }
  }

  /// Gives the bytes written so far; they are valid until the call returns.
  public func withUnsafeBytes<R, E>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
    try body(UnsafeRawBufferPointer(start: base, count: count))
  }

  /// The bytes as a string; what is not UTF-8 becomes U+FFFD.
  public var string: String { withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }

  /// A copy of the bytes.
  public var bytes: [UInt8] { withUnsafeBytes { [UInt8]($0) } }
}
