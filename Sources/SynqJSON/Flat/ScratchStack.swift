/// A stack of plain values that starts in borrowed memory, or in none, and moves to the heap when that is full.
///
/// It is what the parser, the serializer and the walks have in place of recursion. A walk that goes down in levels may
/// share one among them: each uses the part behind where it started. What is small allocates nothing.
///
/// The type is public for the compiler alone, as `FlatLayout` is.
@_spi(Flat) public struct ScratchStack<Element: BitwiseCopyable>: ~Copyable {
  @usableFromInline var memory: UnsafeMutablePointer<Element>?
  @usableFromInline var capacity = 0
  @usableFromInline var isOwned = false
  @usableFromInline var used = 0

  /// How many elements there are.
  @inlinable @inline(__always)
  public var count: Int { used }

  /// Starts in no memory.
  @inlinable
  public init() {}

  /// Starts in memory of the caller, which outlives the stack.
  @inlinable
  public init(borrowing borrowed: UnsafeMutableRawBufferPointer) {
    let bound = borrowed.bindMemory(to: Element.self)
    memory = bound.baseAddress
    capacity = bound.count
  }

  @inlinable
  deinit { if isOwned { memory?.deallocate() } }

  /// Where the elements are, until the next `push`.
  ///
  /// - Precondition: there is memory: that of `init(borrowing:)`, or an element was pushed.
  @inlinable @inline(__always)
  var base: UnsafeMutablePointer<Element> { memory.unsafelyUnwrapped }

  /// The last element.
  ///
  /// - Precondition: the stack is not empty.
  @inlinable @inline(__always)
  var top: UnsafeMutablePointer<Element> {
    assert(count > 0)
    return base + (count &- 1)
  }

  /// - Precondition: `index` is below `count`.
  @inlinable @inline(__always)
  public subscript(index: Int) -> Element {
    get {
      assert(index >= 0 && index < count)
      return base[index]
    }
    nonmutating _modify {
      assert(index >= 0 && index < count)
      yield &base[index]
    }
  }

  /// Puts an element on top.
  @inlinable @inline(__always)
  public mutating func push(_ element: Element) {
    if count == capacity { grow() }
    (base + used).initialize(to: element)
    used &+= 1
  }

  /// Takes the last element.
  ///
  /// - Precondition: the stack is not empty.
  @inlinable @inline(__always) @discardableResult
  public mutating func pop() -> Element {
    assert(count > 0)
    used &-= 1
    return base[used]
  }

  /// Drops what is behind the first `count` elements.
  @inlinable @inline(__always)
  public mutating func truncate(to count: Int) {
    assert(count <= used)
    used = count
  }

  @inlinable @inline(never)
  mutating func grow() {
    let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity &* 2 &+ 16)
    if let memory {
      larger.initialize(from: memory, count: count)
      if isOwned { memory.deallocate() }
    }
    memory = larger
    capacity = capacity &* 2 &+ 16
    isOwned = true
  }
}
