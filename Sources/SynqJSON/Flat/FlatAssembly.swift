#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Builds one flat value front to back: the buffer, the open containers, and what their ends need.
///
/// Whoever writes content guarantees the room for it first (`reserve`). A container reserves the large header
/// when it opens; when it turns out small, at most 255 bytes move back. (The reverse would move a container's
/// content once for each level above it.)
struct FlatAssembly: ~Copyable {
  struct Frame: BitwiseCopyable {
    /// Where the header is, from the start of the buffer.
    var header: UInt32
    /// Where the first element is: behind a small header if the content is known to be small.
    var payload: UInt32
    /// Elements or members begun so far.
    var count: UInt32
    /// Where this object's keys start in `keys`; `arrayMark` for an array.
    var keys: UInt32
    /// Where this container's table starts in `table`.
    var table: UInt32

    static let arrayMark = UInt32.max
    var isObject: Bool { keys != Frame.arrayMark }
  }

  /// Room that is kept free behind every write: vector stores, and the header of one token.
  static let margin = 64
  /// Containers of more members look for repeated names with a table instead of by pairs.
  private static let pairwiseLimit = 32
  /// Sizes are u32 in the layout, so no value can be larger.
  static let maxSize = Int(UInt32.max) - 1024

  private(set) var base: UnsafeMutableRawPointer
  private(set) var capacity: Int
  /// Whether `base` is a block of its own, because the memory given at first did not suffice.
  private var isOwned = false
  /// What `base` and the stacks point into, unless it is memory of the caller.
  private let scratch: FlatScratch?
  var out: UnsafeMutableRawPointer
  var frames: ScratchStack<Frame>
  /// A hash for each key of the open objects, never 0.
  var keys: ScratchStack<UInt32>
  var table: ScratchStack<UInt32>
  /// Whether some object seems to hold a name twice (`FlatDuplicates` finds out and keeps the last).
  private(set) var mayRepeatNames = false
  let seed: UInt64

  /// Works in memory of the caller as long as that suffices, and which outlives the assembly.
  /// - Parameter stacks: `FlatScratch.stackSize` bytes.
  @inline(__always)
  init(output: UnsafeMutableRawBufferPointer, stacks: UnsafeMutableRawBufferPointer) {
    self.init(output, stacks, scratch: nil)
  }

  /// Works in scratch memory, with room for a value of about `capacity` bytes to begin with.
  init(capacity: Int) {
    let scratch = FlatScratch(capacity: max(capacity, 0) + 4 * FlatAssembly.margin)
    let output = UnsafeMutableRawBufferPointer(start: scratch.output, count: scratch.capacity)
    let stacks = scratch.stacks
    self.init(output, stacks, scratch: scratch)
  }

  @inline(__always)
  private init(
    _ output: UnsafeMutableRawBufferPointer, _ stacks: UnsafeMutableRawBufferPointer,
    scratch: consuming FlatScratch?
  ) {
    seed = FlatHash.seed
    frames = ScratchStack(borrowing: UnsafeMutableRawBufferPointer(rebasing: stacks[0..<384]))
    keys = ScratchStack(borrowing: UnsafeMutableRawBufferPointer(rebasing: stacks[384..<768]))
    table = ScratchStack(borrowing: UnsafeMutableRawBufferPointer(rebasing: stacks[768..<1024]))
    base = output.baseAddress.unsafelyUnwrapped
    capacity = output.count
    out = base
    self.scratch = scratch
  }

  deinit {
    if isOwned { free(base) }
  }

  private static func allocate(_ capacity: Int) -> UnsafeMutableRawPointer {
    guard let memory = malloc(capacity) else { fatalError("out of memory") }
    return memory
  }

  var size: Int { out - base }

  /// Makes room for `count` bytes and the margin. False when the value would exceed `maxSize`.
  @inline(__always)
  mutating func reserve(_ count: Int) -> Bool {
    (out - base) &+ count &+ FlatAssembly.margin <= capacity || grow(count)
  }

  @inline(never)
  private mutating func grow(_ count: Int) -> Bool {
    let used = size
    let needed = used + count + FlatAssembly.margin
    guard needed <= FlatAssembly.maxSize else { return false }
    let larger = min(max(needed, capacity + capacity / 2), FlatAssembly.maxSize)
    if isOwned {
      guard let moved = realloc(base, larger) else { fatalError("out of memory") }
      base = moved
    } else {
      let moved = FlatAssembly.allocate(larger)
      memcpy(moved, base, used)
      base = moved
      isOwned = true
    }
    capacity = larger
    out = base + used
    return true
  }

  /// Opens a container. Needs `FlatLayout.largeHeader` bytes of room.
  /// - Parameter isSmall: whether its payload cannot exceed `FlatLayout.maxSmallPayload`. Then nothing moves.
  @inline(__always)
  mutating func open(isObject: Bool, isSmall: Bool = false) {
    let header = UInt32(truncatingIfNeeded: out - base)
    let size = isSmall ? FlatLayout.smallHeader : FlatLayout.largeHeader
    frames.push(
      Frame(
        header: header, payload: header &+ UInt32(truncatingIfNeeded: size), count: 0,
        keys: isObject ? UInt32(truncatingIfNeeded: keys.count) : Frame.arrayMark,
        table: UInt32(truncatingIfNeeded: table.count)))
    out += size
  }

  /// Notes that an element, or the key of a member, starts at `out`.
  /// - Precondition: a container is open.
  @inline(__always)
  mutating func beginElement() {
    let frame = frames.top
    let index = frame.pointee.count
    if index & 15 == 0, index != 0 {
      table.push(
        UInt32(truncatingIfNeeded: out - base) &- frame.pointee.payload)
    }
    frame.pointee.count = index &+ 1
  }

  /// Notes the key that was just written at `key`.
  @inline(__always)
  mutating func noteKey(_ text: UnsafeRawPointer, _ count: Int) {
    keys.push(UInt32(truncatingIfNeeded: FlatHash.bytes(text, count, seed: seed)) | 1)
  }

  /// Ends the innermost container. False when the value would exceed `FlatAssembly.maxSize`.
  /// - Precondition: a container is open.
  @inline(__always)
  mutating func close() -> Bool {
    let frame = frames.pop()
    let isObject = frame.isObject
    if isObject {
      let members = keys.count &- Int(frame.keys)
      if members > 1 {
        let first = keys.base + Int(frame.keys)
        if members == 2 {
          if first[0] == first[1] { mayRepeatNames = true }
        } else if members == 3 {
          if first[0] == first[1] || first[0] == first[2] || first[1] == first[2] { mayRepeatNames = true }
        } else {
          lookForRepeatedNames(from: Int(frame.keys))
        }
      }
      keys.truncate(to: Int(frame.keys))
    }
    let start = base + Int(frame.header)
    let payload = base + Int(frame.payload)
    let size = out - payload
    if size <= FlatLayout.maxSmallPayload {
      start.storeBytes(of: isObject ? FlatLayout.smallObject : FlatLayout.smallArray, as: UInt8.self)
      start.storeBytes(of: UInt8(truncatingIfNeeded: size), toByteOffset: 1, as: UInt8.self)
      start.storeBytes(of: UInt8(truncatingIfNeeded: frame.count), toByteOffset: 2, as: UInt8.self)
      if payload - start != FlatLayout.smallHeader {
        // 6 bytes back, 16 at a time: each load is ahead of the store before it.
        let target = start + FlatLayout.smallHeader
        var done = 0
        while done < size {
          let block = (payload + done).loadUnaligned(as: SIMD16<UInt8>.self)
          (target + done).storeBytes(of: block, as: SIMD16<UInt8>.self)
          done &+= 16
        }
        out = target + size
      }
      table.truncate(to: Int(frame.table))
      return true
    }
    return closeLarge(frame, payloadSize: size)
  }

  @inline(never)
  private mutating func closeLarge(_ frame: Frame, payloadSize: Int) -> Bool {
    let entries = table.count - Int(frame.table)
    guard reserve(4 * entries) else { return false }
    let start = base + Int(frame.header)
    for entry in 0..<entries {
      out.storeBytes(of: table.base[Int(frame.table) + entry].littleEndian, as: UInt32.self)
      out += 4
    }
    table.truncate(to: Int(frame.table))
    FlatAssembly.writeLargeHeader(
      start, isObject: frame.isObject, size: payloadSize + 4 * entries, count: Int(frame.count))
    return true
  }

  /// Writes the 9 bytes before the payload of a large container.
  @inline(__always)
  static func writeLargeHeader(_ at: UnsafeMutableRawPointer, isObject: Bool, size: Int, count: Int) {
    at.storeBytes(of: isObject ? FlatLayout.largeObject : FlatLayout.largeArray, as: UInt8.self)
    at.storeBytes(of: UInt32(truncatingIfNeeded: size).littleEndian, toByteOffset: 1, as: UInt32.self)
    at.storeBytes(of: UInt32(truncatingIfNeeded: count).littleEndian, toByteOffset: 5, as: UInt32.self)
  }

  @inline(never)
  private mutating func lookForRepeatedNames(from first: Int) {
    let count = keys.count - first
    if count > FlatAssembly.pairwiseLimit {
      lookForRepeatedNamesInTable(from: first)
      return
    }
    // No hash is 0, so four zeros behind the last one end the vector loop.
    for _ in 0..<4 { keys.push(0) }
    keys.truncate(to: keys.count - 4)
    let hashes = UnsafeRawPointer(keys.base + first)
    var found = SIMD4<UInt32>(repeating: 0)
    for index in 0..<(count - 1) {
      let one = SIMD4<UInt32>(repeating: keys.base[first + index])
      var at = index + 1
      while at < count {
        let four = (hashes + 4 * at).loadUnaligned(as: SIMD4<UInt32>.self)
        found.replace(with: SIMD4(repeating: 1), where: four .== one)
        at += 4
      }
    }
    if found != SIMD4(repeating: 0) { mayRepeatNames = true }
  }

  private mutating func lookForRepeatedNamesInTable(from first: Int) {
    let count = keys.count - first
    var slots = 64
    while slots < 2 * count { slots *= 2 }
    let seen = UnsafeMutablePointer<UInt32>.allocate(capacity: slots)
    defer { seen.deallocate() }
    seen.initialize(repeating: 0, count: slots)
    for index in first..<(first + count) {
      let hash = keys.base[index]
      var slot = Int(hash >> 1) & (slots - 1)
      while seen[slot] != 0, seen[slot] != hash { slot = (slot + 1) & (slots - 1) }
      if seen[slot] == hash {
        mayRepeatNames = true
        return
      }
      seen[slot] = hash
    }
  }

  /// The finished value. The assembly is empty afterwards.
  /// - Precondition: one value was written and no container is open.
  mutating func take() -> JSON {
    let size = size
    if mayRepeatNames {
      return FlatDuplicates.keepLast(in: base)
    }
    if !isOwned || size <= FlatScratch.maxKept {
      let (storage, bytes) = FlatStorage.make(count: size)
      memcpy(bytes, base, size)
      return JSON(storage: storage, start: UnsafeRawPointer(bytes))
    }
    // Large: the block itself becomes the storage, without what it has too much.
    let block = realloc(base, size + FlatLayout.slack) ?? base
    isOwned = false
    base = UnsafeMutableRawPointer(block)
    out = base
    capacity = 0
    return JSON(storage: FlatStorage.adopt(block, count: size), start: UnsafeRawPointer(block))
  }
}
