import SynqWire

/// The compression of one connection, by what its handshake agreed on. Confined to its event loop.
///
/// A side that takes no context uses the loop's own stream, so that an idle connection costs nothing.
package final class MessageCompression {
  private let terms: CompressionTerms
  private let options: CompressionOptions
  private let shared: SharedCompression
  private var ownDeflater: UnsafeDeflater?
  private var ownInflater: UnsafeInflater?

  package init(_ terms: CompressionTerms, _ options: CompressionOptions, shared: SharedCompression) {
    self.terms = terms
    self.options = options
    self.shared = shared
  }

  /// `message` compressed, valid until the next call on this loop; nil when it is better sent as it is.
  package func compress(_ message: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    guard compresses(message.count), let deflater else { return nil }
    shared.output.removeAll(keeping: SharedCompression.maxKept)
    deflater.deflate(message, into: &shared.output, takesContext: terms.serverTakesContext)
    return shared.output.bytes
  }

  /// About the memory of the streams that are this connection's own.
  package var heldBytes: Int { (ownDeflater == nil ? 0 : 268_000) + (ownInflater == nil ? 0 : 44_000) }

  /// Whether a message of so many bytes is compressed: others are better sent as they are.
  package func compresses(_ count: Int) -> Bool { count >= options.minBytes && count <= UInt32.max }

  /// What all connections get that compress as this one does; nil where a message refers to those before it.
  package func compressed(_ message: PreparedMessage) -> [UInt8]? {
    guard !terms.serverTakesContext else { return nil }
    let form = PreparedMessage.CompressedForm(level: options.level, windowBits: terms.serverWindowBits)
    return message.compressed(as: form) { compress($0).map { Array($0) } }
  }

  /// `message` expanded, valid until the next call on this loop. No answer is compressed before the message was read: what a
  /// burst leads to is sent at its end, and bursts of two sockets do not interleave.
  package func expand(_ message: UnsafeRawBufferPointer, limit: Int) -> Expansion {
    guard let inflater else { return .violation(.badCompression) }
    let byRatio = message.count.multipliedReportingOverflow(by: options.maxInflateRatio)
    let ratioLimit = max(byRatio.overflow ? .max : byRatio.partialValue, 65_536)
    shared.output.removeAll(keeping: SharedCompression.maxKept)
    let result = inflater.inflate(
      message, into: &shared.output, limit: min(limit, ratioLimit), takesContext: terms.clientTakesContext)
    switch result {
    case .whole: return .message(shared.output.bytes)
    case .damaged: return .violation(.badCompression)
    case .tooLarge:
      return .violation(
        ratioLimit < limit ? .inflatesTooFar(ratio: options.maxInflateRatio) : .messageTooLarge(limit: limit))
    }
  }

  /// What a compressed message was.
  package enum Expansion {
    case message(UnsafeRawBufferPointer)
    case violation(FrameViolation)
  }

  private var deflater: UnsafeDeflater? {
    guard terms.serverTakesContext else {
      return shared.deflater(level: options.level, windowBits: terms.serverWindowBits)
    }
    if ownDeflater == nil {
      ownDeflater = UnsafeDeflater(level: options.level, windowBits: terms.serverWindowBits)
    }
    return ownDeflater
  }

  private var inflater: UnsafeInflater? {
    guard terms.clientTakesContext else { return shared.inflater }
    if ownInflater == nil { ownInflater = UnsafeInflater() }
    return ownInflater
  }
}

extension PreparedMessage {
  /// The payload of its frame at a connection that compresses so, and whether it is compressed.
  package func frameBytes(_ compression: MessageCompression?) -> (bytes: [UInt8], isCompressed: Bool) {
    guard let compression, compression.compresses(bytes.count) else { return (bytes, false) }
    if let shared = compression.compressed(self) { return (shared, true) }
    let own = bytes.withUnsafeBytes { compression.compress($0).map { Array($0) } }
    return own.map { ($0, true) } ?? (bytes, false)
  }
}

/// The streams and the output that the connections of one event loop share. Confined to it.
package final class SharedCompression {
  /// Output that grew beyond this is given back.
  static let maxKept = 262_144

  private struct Kind: Hashable {
    var level: Int
    var windowBits: Int32
  }

  var output = UnsafeMessageBuffer()
  private var deflaters: [Kind: UnsafeDeflater] = [:]
  lazy var inflater = UnsafeInflater()

  package init() {}

  func deflater(level: Int, windowBits: Int32) -> UnsafeDeflater? {
    let kind = Kind(level: level, windowBits: windowBits)
    if let known = deflaters[kind] { return known }
    let made = UnsafeDeflater(level: level, windowBits: windowBits)
    deflaters[kind] = made
    return made
  }
}
