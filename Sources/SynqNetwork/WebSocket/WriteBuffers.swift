import NIOCore

/// The buffers that the connections of a loop write into: each has one only for as long as it has something to send.
///
/// Confined to its loop.
final class WriteBuffers {
  private var spare: [ByteBuffer] = []

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
