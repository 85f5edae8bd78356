import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Where the members of one object are, by name: a table beside the value, complete when it is made and never changed.
///
/// A storage has a list of them, for its large objects that are asked often; a comparison makes one for itself.
struct FlatIndex {
  /// Objects of fewer members are scanned.
  static let minimumCount = 32
  /// An index is made when as many members were scanned as this many scans of the object would take: so asking for one
  /// member of a value that is then dropped never pays for an index.
  static let scansBefore = 4
  /// The most objects of one storage that get an index. The others are scanned.
  static let maxNodes = 64

  private struct Node {
    var next: UInt
    var length: Int
    var object: UnsafeRawPointer
    var mask: Int
  }

  private let address: UnsafeMutableRawPointer

  init?(address: UInt) {
    guard let pointer = UnsafeMutableRawPointer(bitPattern: address) else { return nil }
    self.address = pointer
  }

  private var node: UnsafeMutablePointer<Node> { address.assumingMemoryBound(to: Node.self) }
  private var slots: UnsafeMutablePointer<UInt32> {
    (address + MemoryLayout<Node>.stride).assumingMemoryBound(to: UInt32.self)
  }

  var bits: UInt { UInt(bitPattern: address) }
  var next: FlatIndex? { FlatIndex(address: node.pointee.next) }
  var object: UnsafeRawPointer { node.pointee.object }
  /// How many nodes the list has from this one on.
  var length: Int { node.pointee.length }

  /// Puts this node before another one, before it is published.
  func link(before next: FlatIndex?) {
    node.pointee.next = next?.bits ?? 0
    node.pointee.length = (next?.length ?? 0) + 1
  }

  func deallocate() { free(address) }

  /// Makes the table of an object. O(size of the object).
  init(of object: FlatContainer) {
    var capacity = 16
    while capacity < 2 * object.count { capacity *= 2 }
    guard let memory = malloc(MemoryLayout<Node>.stride + 4 * capacity) else { fatalError("out of memory") }
    address = memory
    node.initialize(to: Node(next: 0, length: 1, object: object.start, mask: capacity - 1))
    slots.initialize(repeating: 0, count: capacity)
    var key = object.payload
    while key < object.payloadEnd {
      let text = FlatLayout.text(key)
      var slot = FlatIndex.hash(text) & (capacity - 1)
      while slots[slot] != 0 { slot = (slot + 1) & (capacity - 1) }
      // Offset 0 is the object's header, so no key has it.
      slots[slot] = UInt32(truncatingIfNeeded: key - object.start)
      key = object.next(key)
    }
  }

  private static func hash(_ text: UnsafeRawBufferPointer) -> Int {
    guard let start = text.baseAddress else { return 0 }
    return Int(truncatingIfNeeded: FlatHash.bytes(start, text.count, seed: FlatHash.seed))
  }

  /// The key of the object's member of this name. O(length) expected.
  func key(named name: UnsafeRawBufferPointer) -> UnsafeRawPointer? {
    let mask = node.pointee.mask
    let object = object
    var slot = FlatIndex.hash(name) & mask
    while slots[slot] != 0 {
      let key = object + Int(slots[slot])
      let text = FlatLayout.text(key)
      if text.count == name.count {
        guard let a = text.baseAddress, let b = name.baseAddress, name.count > 0 else { return key }
        if FlatLayout.equal(a, b, name.count) { return key }
      }
      slot = (slot + 1) & mask
    }
    return nil
  }
}

extension FlatStorage {
  /// The key of a member of an object in this storage.
  ///
  /// Complexity: O(1) expected for a large object that is asked often, else O(members).
  @inline(__always)
  func key(named name: UnsafeRawBufferPointer, in object: FlatContainer) -> UnsafeRawPointer? {
    if object.count < FlatIndex.minimumCount { return object.scan(for: name)?.key }
    return withExtendedLifetime(self) { lookups.pointee.key(named: name, in: object) }
  }
}

extension FlatStorage.Lookups {
  @inline(never)
  borrowing func key(named name: UnsafeRawBufferPointer, in object: FlatContainer) -> UnsafeRawPointer? {
    let first = indexes.load(ordering: .acquiring)
    var index = FlatIndex(address: first)
    let length = index?.length ?? 0
    while let current = index {
      if current.object == object.start { return current.key(named: name) }
      index = current.next
    }
    let scans = scanned.add(object.count, ordering: .relaxed).newValue
    guard scans > FlatIndex.scansBefore * object.count, length < FlatIndex.maxNodes else {
      return object.scan(for: name)?.key
    }
    scanned.store(0, ordering: .relaxed)
    let made = FlatIndex(of: object)
    made.link(before: FlatIndex(address: first))
    // Another thread may have published one: then this one is used once, which costs time and nothing else.
    let (published, _) = indexes.compareExchange(
      expected: first, desired: made.bits, ordering: .acquiringAndReleasing)
    let key = made.key(named: name)
    if !published { made.deallocate() }
    return key
  }

  borrowing func freeIndexes() {
    var index = FlatIndex(address: indexes.load(ordering: .acquiring))
    while let current = index {
      index = current.next
      current.deallocate()
    }
  }
}
