import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The memory that one or more `JSON` values look into. Its bytes are never written after it was made.
///
/// Small values live in the object itself: one allocation. A large value keeps the block in which it was
/// built, which saves the copy.
package final class FlatStorage: ManagedBuffer<FlatStorage.Header, UInt8> {
  /// What is behind the reference count.
  package struct Header {
    /// Bytes of the value for which this storage was made.
    var count: Int
    /// A block of `malloc`, when the bytes are not in the object.
    var block: UnsafeMutableRawPointer?
  }

  /// What lookups leave behind, in front of the value's bytes: a header cannot hold it, as atomics cannot be copied.
  struct Lookups: ~Copyable {
    /// The first `FlatIndex` of the list, or 0.
    let indexes = Atomic<UInt>(0)
    /// Members that lookups in large objects went through since the last index was made.
    let scanned = Atomic<Int>(0)
  }

  deinit {
    lookups.pointee.freeIndexes()
    lookups.deinitialize(count: 1)
    withUnsafeMutablePointerToHeader { header in
      if let block = header.pointee.block { free(block) }
    }
  }

  @inline(__always)
  private static func make(count: Int, block: UnsafeMutableRawPointer?, room: Int) -> FlatStorage {
    let buffer = FlatStorage.create(minimumCapacity: MemoryLayout<Lookups>.stride + room) { _ in
      Header(count: count, block: block)
    }
    let storage = unsafeDowncast(buffer, to: FlatStorage.self)
    storage.lookups.initialize(to: Lookups())
    return storage
  }

  var lookups: UnsafeMutablePointer<Lookups> {
    withUnsafeMutablePointerToElements { UnsafeMutableRawPointer($0).assumingMemoryBound(to: Lookups.self) }
  }

  /// Uninitialised room for `count` bytes and the slack behind them.
  static func make(count: Int) -> (storage: FlatStorage, bytes: UnsafeMutableRawPointer) {
    let storage = make(count: count, block: nil, room: count + FlatLayout.slack)
    return (storage, UnsafeMutableRawPointer(storage.lookups + 1))
  }

  /// Takes over a block of `malloc` that holds `count` bytes and the slack behind them.
  static func adopt(_ block: UnsafeMutableRawPointer, count: Int) -> FlatStorage {
    make(count: count, block: block, room: 0)
  }

  /// The bytes of the whole storage.
  var count: Int { withUnsafeMutablePointerToHeader { $0.pointee.count } }
}
