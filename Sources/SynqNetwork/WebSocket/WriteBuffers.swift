import NIOCore

/// The buffers that the connections of a loop write into: each has one only for as long as it has something to send.
///
/// Confined to its loop.
final class WriteBuffers {
  private var spare: [ByteBuffer] = []
  private let budget: MemoryBudget
  /// What waits at several connections at once: how many have it, by the address of its bytes.
  private var shared: [UnsafeRawPointer: Int] = [:]

  init(_ budget: MemoryBudget) { self.budget = budget }

  /// Counts bytes that other connections hold too once for all of them.
  func hold(_ bytes: [UInt8]) {
    guard let place = bytes.withUnsafeBytes({ $0.baseAddress }) else { return }
    shared[place, default: 0] += 1
    if shared[place] == 1 { _ = budget.add(bytes.count, for: nil) }
  }

  /// The opposite of `hold`.
  func letGo(_ bytes: [UInt8]) {
    guard let place = bytes.withUnsafeBytes({ $0.baseAddress }), let count = shared[place] else { return }
    shared[place] = count > 1 ? count - 1 : nil
    if count == 1 { _ = budget.add(-bytes.count, for: nil) }
  }

  /// As many as a room may have members that get the same message in one turn.
  private static let maxSpare = 1_024
  /// What is kept of those that grew.
  private static let maxKeptCapacity = 4_096

  /// An empty buffer.
  func lend() -> ByteBuffer {
    guard var buffer = spare.popLast() else { return ByteBufferAllocator().buffer(capacity: 512) }
    buffer.clear()
    return buffer
  }

  /// A buffer that is not needed any more, and that nobody else holds.
  func takeBack(_ buffer: ByteBuffer) {
    if spare.count < Self.maxSpare, buffer.capacity <= Self.maxKeptCapacity { spare.append(buffer) }
  }
}
