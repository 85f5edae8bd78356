import Glibc
import NIOCore

/// The way of a connection's bytes to the kernel: collected for a turn of the loop, then sent by one system call.
///
/// Straight to the socket, as NIO's pipeline costs more than all that it would carry. NIO gets a piece that the kernel does not
/// take, and tells when it was taken: it waits for the peer, and finds out about a socket that failed. What else waits
/// stays here, small writes together in one buffer, large messages of many connections by reference: so that what is
/// counted is what is held.
struct SocketWriter {
  /// A run of bytes that waits.
  private enum Chunk {
    case own(ByteBuffer)
    /// What other connections send too, and how much of it was sent.
    case shared([UInt8], sent: Int)

    var count: Int {
      switch self {
      case .own(let buffer): buffer.readableBytes
      case .shared(let shared, let sent): shared.count - sent
      }
    }
  }

  /// Nil where NIO must have all: it encrypts, or there is no socket.
  private var descriptor: NIOBSDSocket.Handle?
  /// What was written last.
  private var tail = ByteBuffer()
  /// What waits before it.
  private var chunks = CircularBuffer<Chunk>(initialCapacity: 0)
  private var chunkBytes = 0
  /// Of these, what other connections send too.
  private(set) var sharedBytes = 0
  /// The size of the piece that NIO has, which tells when the kernel took it all.
  private var nioPieceBytes = 0
  /// NIO may hold bytes from the time before this writer, which must go first.
  private var isBehindNIO = true
  /// Whether something was written since the last flush.
  private(set) var needsFlush = false
  /// Bytes that were ever written.
  private(set) var writtenBytes = 0

  /// The most that NIO gets at once, and that one buffer of small writes becomes.
  static let pieceBytes = 65_536

  /// Finds the socket of a channel that NIO does not encrypt.
  mutating func attach(to context: ChannelHandlerContext) {
    let operations = context.pipeline.syncOperations
    descriptor = try? operations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { $0 }
  }

  /// Bytes that wait here. NIO may have a piece beside them.
  var waitingBytes: Int { chunkBytes + tail.readableBytes }

  /// Whether NIO has nothing and nothing waits.
  var isIdle: Bool { waitingBytes == 0 && nioPieceBytes == 0 }

  /// Bytes that wait here or that NIO was given; cheap, and so too many by what the kernel took of NIO's.
  var roughlyPendingBytes: Int { waitingBytes + nioPieceBytes }

  /// Memory of this connection's own that waits here; what is shared is not its own.
  var heldBytes: Int {
    var held = (tail.readableBytes > 0 ? tail.storageCapacity : 0) + nioPieceBytes
    for case .own(let buffer) in chunks { held += buffer.storageCapacity }
    return held
  }

  /// Writes what `body` appends, into a buffer of `buffers`.
  mutating func write(with buffers: WriteBuffers, _ body: (inout ByteBuffer) -> Void) {
    if tail.readableBytes == 0 { tail = buffers.lend() }
    let before = tail.readableBytes
    body(&tail)
    writtenBytes += tail.readableBytes - before
    needsFlush = true
  }

  /// Writes what other connections are sent too; held once for all of them.
  mutating func write(_ shared: [UInt8], with buffers: WriteBuffers) {
    pushTail()
    buffers.hold(shared)
    sharedBytes += shared.count
    chunks.append(.shared(shared, sent: 0))
    chunkBytes += shared.count
    writtenBytes += shared.count
    needsFlush = true
  }

  private mutating func pushTail() {
    guard tail.readableBytes > 0 else { return }
    chunkBytes += tail.readableBytes
    chunks.append(.own(tail))
    tail = ByteBuffer()
  }

  /// Sends what was written. Gives back the piece that NIO must carry on; `pieceWasTaken` must follow.
  mutating func flush(_ context: ChannelHandlerContext, returningTo buffers: WriteBuffers) -> ByteBuffer? {
    needsFlush = false
    if nioPieceBytes > 0 {
      mergeTail(returningTo: buffers)
      return nil
    }
    // NIO closes a socket, whose number may then be another's, in one step with making its channel inactive, and on
    // this thread.
    if let descriptor, context.channel.isActive, !isBehindNIO || Self.nioPendingBytes(context) == 0 {
      isBehindNIO = false
      sendAll(to: descriptor, returningTo: buffers)
    }
    guard waitingBytes > 0 else {
      buffers.takeBack(tail)
      tail = ByteBuffer()
      return nil
    }
    let piece = takePiece(returningTo: buffers)
    nioPieceBytes = piece?.readableBytes ?? 0
    return piece
  }

  /// The kernel has taken the piece that NIO had.
  mutating func pieceWasTaken() { nioPieceBytes = 0 }

  /// Bytes that NIO has taken and the kernel has not.
  static func nioPendingBytes(_ context: ChannelHandlerContext) -> Int {
    guard let options = context.channel.syncOptions else { return 0 }
    return (try? options.getOption(.bufferedWritableBytes)) ?? 0
  }

  // MARK: What waits

  /// Puts what was written in this turn behind the small writes before it, for which one buffer does.
  private mutating func mergeTail(returningTo buffers: WriteBuffers) {
    let count = tail.readableBytes
    guard count > 0 else { return }
    let last = chunks.index(chunks.endIndex, offsetBy: -1)
    if !chunks.isEmpty, case .own(var buffer) = chunks[last],
      buffer.readableBytes + count <= Self.pieceBytes
    {
      // Two references would make the append a copy of all.
      chunks[last] = .own(ByteBuffer())
      buffer.writeImmutableBuffer(tail)
      chunks[last] = .own(buffer)
      buffers.takeBack(tail)
      chunkBytes += count
    } else {
      chunks.append(.own(tail))
      chunkBytes += count
    }
    tail = ByteBuffer()
  }

  /// Takes off what NIO gets: a buffer as it is where it is one alone or large, else a copy of what comes first.
  private mutating func takePiece(returningTo buffers: WriteBuffers) -> ByteBuffer? {
    pushTail()
    guard let first = chunks.first else { return nil }
    if case .own(let buffer) = first, chunks.count == 1 || buffer.readableBytes >= Self.pieceBytes / 4 {
      drop(buffer.readableBytes, returningTo: buffers)
      return buffer
    }
    let count = min(chunkBytes, Self.pieceBytes)
    var piece = ByteBufferAllocator().buffer(capacity: count)
    for chunk in chunks where piece.readableBytes < count {
      let room = count - piece.readableBytes
      switch chunk {
      case .own(let buffer): piece.writeBytes(buffer.readableBytesView.prefix(room))
      case .shared(let bytes, let sent): piece.writeBytes(bytes[sent...].prefix(room))
      }
    }
    drop(count, returningTo: buffers)
    return piece
  }

  /// Takes `count` sent bytes off the front.
  private mutating func drop(_ count: Int, returningTo buffers: WriteBuffers) {
    var left = count
    while left > 0, let first = chunks.first {
      let size = first.count
      if size <= left {
        chunks.removeFirst()
        letGo(first, returningTo: buffers)
        chunkBytes -= size
        left -= size
        continue
      }
      chunkBytes -= left
      switch first {
      case .own(var buffer):
        buffer.moveReaderIndex(forwardBy: left)
        chunks[chunks.startIndex] = .own(buffer)
      case .shared(let shared, let sent): chunks[chunks.startIndex] = .shared(shared, sent: sent + left)
      }
      return
    }
    if left > 0 { tail.moveReaderIndex(forwardBy: left) }
  }

  private mutating func letGo(_ chunk: Chunk, returningTo buffers: WriteBuffers) {
    guard case .shared(let bytes, _) = chunk else { return }
    buffers.letGo(bytes)
    sharedBytes -= bytes.count
  }

  /// Forgets all that waits: the connection is over.
  mutating func removeAll(returningTo buffers: WriteBuffers) {
    drop(chunkBytes, returningTo: buffers)
    tail = ByteBuffer()
  }

  // MARK: The kernel

  /// Sends what the kernel takes without waiting.
  private mutating func sendAll(
    to descriptor: NIOBSDSocket.Handle, returningTo buffers: WriteBuffers
  ) {
    while waitingBytes > 0 {
      let sent = chunks.isEmpty ? sendTail(to: descriptor) : sendChunks(to: descriptor)
      if sent < 0, errno == EINTR { continue }
      guard sent > 0 else { return }
      drop(sent, returningTo: buffers)
    }
  }

  private func sendTail(to descriptor: NIOBSDSocket.Handle) -> Int {
    tail.withUnsafeReadableBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
  }

  /// Sends the first runs that wait, a few at once.
  private func sendChunks(to descriptor: NIOBSDSocket.Handle) -> Int {
    withUnsafeTemporaryAllocation(of: iovec.self, capacity: Self.maxVectors) { vectors in
      gather(chunks.startIndex, into: vectors, count: 0) { count in
        var message = msghdr()
        message.msg_iov = vectors.baseAddress
        message.msg_iovlen = count
        return sendmsg(descriptor, &message, Int32(MSG_NOSIGNAL))
      }
    }
  }

  private static let maxVectors = 4

  /// Calls `body` while the addresses of the runs from `index` on are good.
  private func gather(
    _ index: CircularBuffer<Chunk>.Index, into vectors: UnsafeMutableBufferPointer<iovec>, count: Int,
    _ body: (Int) -> Int
  ) -> Int {
    guard count < vectors.count else { return body(count) }
    func add(_ bytes: UnsafeRawBufferPointer) {
      let base = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
      vectors[count] = iovec(iov_base: base, iov_len: bytes.count)
    }
    guard index < chunks.endIndex else {
      return tail.withUnsafeReadableBytes { bytes in
        add(bytes)
        return body(count + 1)
      }
    }
    let next = chunks.index(after: index)
    switch chunks[index] {
    case .own(let buffer):
      return buffer.withUnsafeReadableBytes { bytes in
        add(bytes)
        return gather(next, into: vectors, count: count + 1, body)
      }
    case .shared(let shared, let sent):
      return shared.withUnsafeBytes { bytes in
        add(UnsafeRawBufferPointer(rebasing: bytes[sent...]))
        return gather(next, into: vectors, count: count + 1, body)
      }
    }
  }
}
