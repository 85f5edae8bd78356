#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Gives the free pages of the heap back to the system, which `malloc` alone does only at a heap's end. Takes milliseconds.
enum HeapTrim {
  private typealias MallocTrim = @convention(c) (Int) -> CInt

  /// glibc's `malloc_trim`; other C libraries have none, and no need of one. Swift's module of glibc leaves it out.
  private static let mallocTrim: MallocTrim? = {
    guard let symbol = dlsym(nil, "malloc_trim") else { return nil }
    return unsafeBitCast(symbol, to: MallocTrim.self)
  }()

  static func run() { _ = mallocTrim?(0) }
}
