/// What a frame carries (RFC 6455, section 5.2 and 11.8).
package struct FrameOpcode: RawRepresentable, Hashable {
  package var rawValue: UInt8

  package init(rawValue: UInt8) { self.rawValue = rawValue }

  package static let continuation = FrameOpcode(rawValue: 0x0)
  package static let text = FrameOpcode(rawValue: 0x1)
  package static let binary = FrameOpcode(rawValue: 0x2)
  package static let close = FrameOpcode(rawValue: 0x8)
  package static let ping = FrameOpcode(rawValue: 0x9)
  package static let pong = FrameOpcode(rawValue: 0xA)

  /// Close, ping and pong: at most 125 bytes, never fragmented, allowed between the fragments of a message.
  var isControl: Bool { rawValue & 0x8 != 0 }

  /// Whether the RFC gives this opcode a meaning.
  var isDefined: Bool { rawValue <= 0x2 || (rawValue >= 0x8 && rawValue <= 0xA) }
}

/// The head of a frame sent by a client (RFC 6455, section 5.2).
struct FrameHeader {
  var isFinal: Bool
  /// RSV1: with permessage-deflate, the message is compressed (RFC 7692, section 6).
  var isCompressed: Bool
  var opcode: FrameOpcode
  var payloadLength: Int
  var key: MaskingKey
  /// Bytes of the header itself, key included.
  var length: Int

  /// The longest header: two bytes, a 64-bit length and the key.
  static let maximumLength = 14

  enum Reading {
    case header(FrameHeader)
    /// The header is longer than what is there.
    case incomplete
    case violation(FrameViolation)
  }

  /// Reads the header at the start of `bytes`. A violation is reported as soon as the bytes show it.
  static func read(_ bytes: UnsafeRawBufferPointer, allowsCompression: Bool) -> Reading {
    guard bytes.count >= 2 else { return .incomplete }
    let first = bytes[0]
    let second = bytes[1]
    let opcode = FrameOpcode(rawValue: first & 0x0F)
    let isFinal = first & 0x80 != 0
    let isCompressed = first & 0x40 != 0
    guard first & 0x30 == 0,
      !isCompressed || (allowsCompression && !opcode.isControl && opcode != .continuation)
    else { return .violation(.reservedBits) }
    guard opcode.isDefined else { return .violation(.reservedOpcode(opcode.rawValue)) }
    guard second & 0x80 != 0 else { return .violation(.unmasked) }

    var length = Int(second & 0x7F)
    if opcode.isControl {
      guard isFinal else { return .violation(.fragmentedControlFrame) }
      guard length <= 125 else { return .violation(.longControlFrame) }
    }
    var offset = 2
    if length == 126 {
      guard bytes.count >= 4 else { return .incomplete }
      length = Int(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self)))
      guard length >= 126 else { return .violation(.lengthNotMinimal) }
      offset = 4
    } else if length == 127 {
      guard bytes.count >= 10 else { return .incomplete }
      let wide = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt64.self))
      guard wide > 0xFFFF else { return .violation(.lengthNotMinimal) }
      guard let whole = Int(exactly: wide) else { return .violation(.lengthBeyond63Bits) }
      length = whole
      offset = 10
    }
    guard bytes.count >= offset + 4 else { return .incomplete }
    let key = MaskingKey(
      bits: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    return .header(
      FrameHeader(
        isFinal: isFinal, isCompressed: isCompressed, opcode: opcode, payloadLength: length, key: key,
        length: offset + 4))
  }
}
