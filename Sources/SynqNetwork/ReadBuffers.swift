import NIOCore

/// The one receive buffer that the WebSocket connections of an event loop share.
///
/// NIO keeps a receive buffer of 2 kB or more for each connection, for its whole life. A connection of ours keeps
/// nothing of what it read, so that one buffer does for all: it is lent for a read and handed back by the handler.
/// Confined to its loop.
final class SharedReadBuffer {
  /// What one read may bring: the most that NIO's own adaptive allocator grows to.
  static let capacity = 65_536

  private var idle: ByteBuffer?

  func lend(_ allocator: ByteBufferAllocator) -> ByteBuffer {
    guard var buffer = idle else { return allocator.buffer(capacity: Self.capacity) }
    // Only a buffer that nobody else holds can be written without a copy.
    idle = nil
    buffer.clear()
    return buffer
  }

  func takeBack(_ buffer: ByteBuffer) {
    idle = buffer
  }
}

/// Reads into the loop's `SharedReadBuffer`.
///
/// NIO pools the first buffer that an allocator without `nextBufferSize` gives to a channel and keeps it: that one is
/// tiny, and answering `true` to `record` keeps it from being used again. Correct whatever NIO does; lean with what
/// it does (`NIOPooledRecvBufferAllocator`).
struct SharedReadAllocator: RecvByteBufferAllocator, @unchecked Sendable {
  // Unchecked: `shared` is used on its event loop only, as NIO calls an allocator only there.
  private let shared: SharedReadBuffer

  init(_ shared: SharedReadBuffer) { self.shared = shared }

  func buffer(allocator: ByteBufferAllocator) -> ByteBuffer { shared.lend(allocator) }
  func record(actualReadBytes: Int) -> Bool { true }
}

/// Reads requests: a buffer of its own for each read, after a tiny first one that NIO keeps (see above).
struct RequestReadAllocator: RecvByteBufferAllocator {
  private var hasRead = false

  /// The most that one read of a request brings.
  static let capacity = 8_192

  func buffer(allocator: ByteBufferAllocator) -> ByteBuffer {
    allocator.buffer(capacity: hasRead ? Self.capacity : 16)
  }

  mutating func record(actualReadBytes: Int) -> Bool {
    hasRead = true
    return true
  }
}
