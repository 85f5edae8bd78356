import CZlib

/// Compresses messages as permessage-deflate does (RFC 7692, section 7.2.1). Confined to an event loop.
final class UnsafeDeflater {
  // On the heap, as zlib keeps the address.
  private let stream: UnsafeMutablePointer<z_stream>

  /// The empty block that ends a flush, which the wire leaves out.
  private static let tail: [UInt8] = [0, 0, 0xFF, 0xFF]

  /// Nil when zlib has no memory.
  init?(level: Int, windowBits: Int32) {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let result = deflateInit2_(
      stream, Int32(level), Z_DEFLATED, -windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size))
    guard result == Z_OK else {
      stream.deallocate()
      return nil
    }
  }

  deinit {
    deflateEnd(stream)
    stream.deallocate()
  }

  /// Appends `message` compressed to `output`. Without `takesContext` nothing of it is remembered.
  func deflate(_ message: UnsafeRawBufferPointer, into output: inout UnsafeMessageBuffer, takesContext: Bool)
  {
    let start = output.count
    let bytes = message.bindMemory(to: UInt8.self)
    stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress)
    stream.pointee.avail_in = UInt32(clamping: bytes.count)
    repeat {
      let room = max(256, Int(stream.pointee.avail_in))
      stream.pointee.next_out = output.reserve(room).assumingMemoryBound(to: UInt8.self)
      stream.pointee.avail_out = UInt32(room)
      // Cannot fail: the state is sound and there is room. Nothing to flush is no error here.
      _ = CZlib.deflate(stream, Z_SYNC_FLUSH)
      output.commit(room - Int(stream.pointee.avail_out))
    } while stream.pointee.avail_out == 0
    if output.bytes[start...].suffix(4).elementsEqual(Self.tail) { output.removeLast(4) }
    if output.count == start {
      // An empty message is one empty block (RFC 7692, section 7.2.3.6).
      output.reserve(1).storeBytes(of: 0, as: UInt8.self)
      output.commit(1)
    }
    if !takesContext { deflateReset(stream) }
  }
}

/// Expands messages as permessage-deflate does (RFC 7692, section 7.2.2). Confined to an event loop.
final class UnsafeInflater {
  private let stream: UnsafeMutablePointer<z_stream>
  /// How often the message has ended its stream so far.
  private var streamEnds = 0

  /// How often a message may end its stream. Stops one of empty streams, which cost a reset for every two bytes and no
  /// output. A message needs one end at most (RFC 7692, section 7.2.3.4); beyond this many it counts as damaged.
  private static let maxStreamEnds = 16

  enum Result { case whole, tooLarge, damaged }

  /// Nil when zlib has no memory.
  init?() {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    // The widest window reads what any was used for.
    guard inflateInit2_(stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      stream.deallocate()
      return nil
    }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  /// Appends `message` expanded to `output`, unless that takes more than `limit` bytes. Without `takesContext`
  /// nothing of it is remembered. After another result than `whole` the inflater is of no use when it takes context.
  func inflate(
    _ message: UnsafeRawBufferPointer, into output: inout UnsafeMessageBuffer, limit: Int, takesContext: Bool
  ) -> Result {
    streamEnds = 0
    let result = feed(message, &output, limit)
    if !takesContext { inflateReset(stream) }
    guard case .whole = result else { return result }
    return .whole
  }

  private func feed(_ message: UnsafeRawBufferPointer, _ output: inout UnsafeMessageBuffer, _ limit: Int)
    -> Result
  {
    let tail: [UInt8] = [0, 0, 0xFF, 0xFF]
    let result = run(message, &output, limit)
    guard case .whole = result else { return result }
    return tail.withUnsafeBytes { run($0, &output, limit) }
  }

  private func run(_ input: UnsafeRawBufferPointer, _ output: inout UnsafeMessageBuffer, _ limit: Int)
    -> Result
  {
    let bytes = input.bindMemory(to: UInt8.self)
    stream.pointee.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress)
    stream.pointee.avail_in = UInt32(clamping: bytes.count)
    repeat {
      // One byte beyond the limit shows that it is passed.
      let room = min(max(1_024, Int(stream.pointee.avail_in) * 4), limit - output.count + 1)
      guard room > 0 else { return .tooLarge }
      stream.pointee.next_out = output.reserve(room).assumingMemoryBound(to: UInt8.self)
      stream.pointee.avail_out = UInt32(clamping: room)
      let code = CZlib.inflate(stream, Z_SYNC_FLUSH)
      output.commit(room - Int(stream.pointee.avail_out))
      guard output.count <= limit else { return .tooLarge }
      switch code {
      case Z_OK: break
      // All is read and written.
      case Z_BUF_ERROR: return .whole
      // The message ended its stream itself, which it may (RFC 7692, section 7.2.3.4): the next begins anew.
      case Z_STREAM_END:
        let rest = stream.pointee.avail_in
        streamEnds += 1
        guard streamEnds <= Self.maxStreamEnds, beginStream() else { return .damaged }
        stream.pointee.avail_in = rest
      default: return .damaged
      }
    } while stream.pointee.avail_in > 0 || stream.pointee.avail_out == 0
    return .whole
  }

  /// Begins a stream that may refer to what the one before it held, as the window outlives it (RFC 7692, section 7.2.3.2).
  private func beginStream() -> Bool {
    var count: UInt32 = 0
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32_768) { window in
      inflateGetDictionary(stream, window.baseAddress, &count) == Z_OK && inflateReset(stream) == Z_OK
        && inflateSetDictionary(stream, window.baseAddress, count) == Z_OK
    }
  }
}
