#if canImport(Glibc)
import Glibc
#endif

/// Keeps the heap from being given back and asked for anew at each event.
///
/// glibc returns memory to the system as soon as 128 kB at the end of a heap are free, and worker threads have a heap
/// each. A state of 80 kB that is replaced at each event then costs a page fault for each of its pages, each time: half
/// of the event. glibc raises that limit to twice the size of a mapped block that is freed, which is what this does, once
/// in a process; a host that has set the limit itself (`mallopt`, `MALLOC_TRIM_THRESHOLD_`) keeps its own.
enum HeapRetention {
  private static let blockSize = 4 << 20

  private static let isRaised: Bool = {
    #if canImport(Glibc)
    free(mappedBlock())
    #endif
    return true
  }()

  static func begin() { _ = isRaised }

  #if canImport(Glibc)
  /// Not inlined: a block that is freed unused would be optimised away.
  @inline(never)
  private static func mappedBlock() -> UnsafeMutableRawPointer? { malloc(blockSize) }
  #endif
}
