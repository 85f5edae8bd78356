#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A growable run of bytes on malloc: what a message is collected in.
///
/// Its pointers stay valid until the next append, which lets a message be handed over without a closure.
package struct UnsafeMessageBuffer: ~Copyable {
  private var base: UnsafeMutableRawPointer?
  private(set) var count = 0
  private var capacity = 0

  package init() {}

  deinit { free(base) }

  /// The bytes, valid until the buffer changes.
  var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: base, count: count)
  }

  /// The bytes that it takes in memory.
  package var reserved: Int { capacity }

  /// Room for `size` more bytes at the returned address; `commit` makes them part of the buffer.
  ///
  /// Grows by doubling, from what has arrived and not from what a header announces: a peer that announces a large
  /// frame and sends nothing costs nothing.
  mutating func reserve(_ size: Int) -> UnsafeMutableRawPointer {
    if let base, capacity - count >= size { return base + count }
    let wanted = max(count + size, capacity * 2, 128)
    guard let grown = realloc(base, wanted) else { fatalError("out of memory") }
    base = grown
    capacity = wanted
    return grown + count
  }

  /// Adds the `size` bytes that were written at the address that `reserve` gave.
  mutating func commit(_ size: Int) {
    assert(count + size <= capacity)
    count += size
  }

  /// Takes back the last `size` bytes.
  mutating func removeLast(_ size: Int) {
    assert(size <= count)
    count -= size
  }

  /// Forgets the bytes, and gives back the memory when it is more than `keeping`.
  mutating func removeAll(keeping: Int) {
    count = 0
    if capacity > keeping {
      free(base)
      base = nil
      capacity = 0
    }
  }
}
