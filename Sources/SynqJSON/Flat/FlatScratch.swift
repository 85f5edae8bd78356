import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The memory in which a value is built before it is copied to its exact size.
///
/// One block is kept for the next one to build. Without it every text of some 100 KB would map fresh pages and take
/// a fault for each of them, which cost a third of the time to parse twitter.json.
struct FlatScratch: ~Copyable {
  /// For the stacks of open containers.
  static let stackSize = 1024
  /// A larger block is freed and not kept.
  static let maxKept = 4 << 20

  /// The address of the block that nobody uses, or 0; the first word of it is its capacity.
  private static let kept = Atomic<UInt>(0)
  private static let header = 16

  private var block: UnsafeMutableRawPointer
  private(set) var capacity: Int

  /// Room for at least `capacity` bytes.
  init(capacity: Int) {
    if let kept = UnsafeMutableRawPointer(bitPattern: FlatScratch.kept.exchange(0, ordering: .acquiring)) {
      let size = kept.load(as: Int.self)
      if size >= capacity {
        block = kept
        self.capacity = size
        return
      }
      free(kept)
    }
    self.capacity = max(capacity, 4096)
    block = FlatScratch.allocate(self.capacity)
  }

  deinit {
    guard capacity <= FlatScratch.maxKept else {
      free(block)
      return
    }
    block.storeBytes(of: capacity, as: Int.self)
    let other = FlatScratch.kept.exchange(UInt(bitPattern: block), ordering: .acquiringAndReleasing)
    free(UnsafeMutableRawPointer(bitPattern: other))
  }

  private static func allocate(_ capacity: Int) -> UnsafeMutableRawPointer {
    guard let block = malloc(header + stackSize + capacity) else { fatalError("out of memory") }
    return block
  }

  var stacks: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: block + FlatScratch.header, count: FlatScratch.stackSize)
  }

  var output: UnsafeMutableRawPointer { block + FlatScratch.header + FlatScratch.stackSize }
}
