#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// A stack of plain values that starts in borrowed memory and moves to the heap when that is full.
///
/// It is what the parser, the serializer and the walks have in place of recursion.
struct ScratchStack<Element: BitwiseCopyable>: ~Copyable {
  private(set) var base: UnsafeMutablePointer<Element>
  private(set) var capacity: Int
  var count = 0
  private var isOwned: Bool

  /// Starts in memory of the caller, which outlives the stack.
  init(borrowing memory: UnsafeMutableRawBufferPointer) {
    let bound = memory.bindMemory(to: Element.self)
    isOwned = bound.baseAddress == nil
    capacity = isOwned ? 16 : bound.count
    base = bound.baseAddress ?? UnsafeMutablePointer<Element>.allocate(capacity: 16)
  }

  /// Starts on the heap.
  init(capacity: Int = 16) {
    base = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
    self.capacity = capacity
    isOwned = true
  }

  deinit {
    if isOwned { base.deallocate() }
  }

  @inline(__always)
  mutating func push(_ element: Element) {
    if count == capacity { grow() }
    (base + count).initialize(to: element)
    count &+= 1
  }

  /// - Precondition: the stack is not empty.
  @inline(__always)
  mutating func pop() -> Element {
    count &-= 1
    return base[count]
  }

  @inline(__always)
  var top: UnsafeMutablePointer<Element> { base + (count &- 1) }

  @inline(never)
  private mutating func grow() {
    let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity * 2 + 16)
    larger.initialize(from: base, count: count)
    if isOwned { base.deallocate() }
    base = larger
    capacity = capacity * 2 + 16
    isOwned = true
  }
}
