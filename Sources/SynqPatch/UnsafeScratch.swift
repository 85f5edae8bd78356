/// A stack of plain values for the whole of a diff, of which each level uses the part behind where it started.
///
/// It starts in borrowed memory, or in none, and moves to the heap when that is full: small diffs allocate nothing.
struct UnsafeScratch<Element: BitwiseCopyable>: ~Copyable {
  private var base: UnsafeMutablePointer<Element>?
  private var capacity = 0
  private var isOwned = false
  private(set) var count = 0

  init() {}

  /// Starts in memory that outlives the stack.
  init(borrowing memory: UnsafeMutableRawBufferPointer) {
    let bound = memory.bindMemory(to: Element.self)
    base = bound.baseAddress
    capacity = bound.count
  }

  deinit { if isOwned { base?.deallocate() } }

  @inline(__always)
  mutating func append(_ element: Element) {
    if count == capacity { grow() }
    (base.unsafelyUnwrapped + count).initialize(to: element)
    count &+= 1
  }

  /// - Precondition: `index` is below `count`.
  @inline(__always)
  subscript(index: Int) -> Element {
    get {
      assert(index >= 0 && index < count)
      return base.unsafelyUnwrapped[index]
    }
    nonmutating _modify {
      assert(index >= 0 && index < count)
      yield &base.unsafelyUnwrapped[index]
    }
  }

  /// Drops what is behind the first `count` elements.
  @inline(__always)
  mutating func truncate(to count: Int) {
    assert(count <= self.count)
    self.count = count
  }

  @inline(never)
  private mutating func grow() {
    let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity &* 2 &+ 16)
    if let base {
      larger.initialize(from: base, count: count)
      if isOwned { base.deallocate() }
    }
    base = larger
    capacity = capacity &* 2 &+ 16
    isOwned = true
  }
}
