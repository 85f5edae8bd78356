import Glibc
import NIOCore

/// The way of a connection's bytes to the kernel: collected for a turn of the loop, then sent by one system call.
///
/// Straight to the socket, as NIO's pipeline costs more than all that it would carry. NIO gets what the kernel does not take:
/// it waits for the peer, and finds out about a socket that failed. Behind that everything goes its way until it is done.
struct SocketWriter {
  /// Nil where NIO must have all: it encrypts, or there is no socket.
  private var descriptor: NIOBSDSocket.Handle?
  /// What was written in this turn of the loop.
  private var unsent = ByteBuffer()
  /// NIO may hold bytes which must go first.
  private var isBehindNIO = true
  /// Bytes that were ever written.
  private(set) var writtenBytes = 0

  /// Finds the socket of a channel that NIO does not encrypt.
  mutating func attach(to context: ChannelHandlerContext) {
    let operations = context.pipeline.syncOperations
    descriptor = try? operations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { $0 }
  }

  /// Bytes that `flush` has to hand over.
  var unsentBytes: Int { unsent.readableBytes }

  /// Writes what `body` appends, into a buffer of `buffers`.
  mutating func write(with buffers: WriteBuffers, _ body: (inout ByteBuffer) -> Void) {
    if unsent.readableBytes == 0 { unsent = buffers.lend() }
    let before = unsent.readableBytes
    body(&unsent)
    writtenBytes += unsent.readableBytes - before
  }

  /// Sends what was written. Gives back what NIO must carry on, whose handlers may call back at once.
  mutating func flush(_ context: ChannelHandlerContext, returningTo buffers: WriteBuffers) -> ByteBuffer? {
    var bytes = ByteBuffer()
    swap(&bytes, &unsent)
    // NIO closes a socket, whose number may then be another's, in one step with making its channel inactive, and on
    // this thread.
    if let descriptor, context.channel.isActive, !isBehindNIO || Self.nioPendingBytes(context) == 0 {
      isBehindNIO = !Self.send(&bytes, to: descriptor)
    }
    if bytes.readableBytes > 0 { return bytes }
    buffers.takeBack(bytes)
    return nil
  }

  /// Bytes that NIO has taken and the kernel has not.
  static func nioPendingBytes(_ context: ChannelHandlerContext) -> Int {
    guard let options = context.channel.syncOptions else { return 0 }
    return (try? options.getOption(.bufferedWritableBytes)) ?? 0
  }

  /// Sends what the kernel takes without waiting; false if something is left.
  private static func send(_ bytes: inout ByteBuffer, to descriptor: NIOBSDSocket.Handle) -> Bool {
    while bytes.readableBytes > 0 {
      let sent = bytes.withUnsafeReadableBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if sent < 0, errno == EINTR { continue }
      guard sent > 0 else { return false }
      bytes.moveReaderIndex(forwardBy: sent)
    }
    return true
  }
}

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
