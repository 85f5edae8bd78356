#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The memory that one or more `JSON` values look into. Never written after it was made.
///
/// Small values live in the object itself: one allocation. A large value keeps the block in which it was
/// built, which saves the copy.
package final class FlatStorage: ManagedBuffer<FlatStorage.Header, UInt8> {
  package struct Header {
    /// Bytes of the value for which this storage was made.
    var count: Int
    /// A block of `malloc`, when the bytes are not in the object.
    var block: UnsafeMutableRawPointer?
  }

  deinit {
    withUnsafeMutablePointerToHeader { header in
      if let block = header.pointee.block { free(block) }
    }
  }

  /// Uninitialised room for `count` bytes and the slack behind them.
  static func make(count: Int) -> (storage: FlatStorage, bytes: UnsafeMutableRawPointer) {
    let buffer = FlatStorage.create(minimumCapacity: count + FlatLayout.slack) { _ in
      Header(count: count, block: nil)
    }
    let storage = unsafeDowncast(buffer, to: FlatStorage.self)
    return (storage, storage.withUnsafeMutablePointerToElements { UnsafeMutableRawPointer($0) })
  }

  /// Takes over a block of `malloc` that holds `count` bytes and the slack behind them.
  static func adopt(_ block: UnsafeMutableRawPointer, count: Int) -> FlatStorage {
    let buffer = FlatStorage.create(minimumCapacity: 0) { _ in Header(count: count, block: block) }
    return unsafeDowncast(buffer, to: FlatStorage.self)
  }

  /// The bytes of the whole storage.
  var count: Int { withUnsafeMutablePointerToHeader { $0.pointee.count } }
}
