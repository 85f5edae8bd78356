import SynqWire

/// What a client did against RFC 6455 or a limit; `closeCode` is what its connection is closed with.
package enum FrameViolation: Hashable {
  case reservedBits
  case reservedOpcode(UInt8)
  case unmasked
  case fragmentedControlFrame
  case longControlFrame
  case lengthNotMinimal
  case lengthBeyond63Bits
  case continuationOfNothing
  case messageInsideMessage
  case closeFrameOfOneByte
  case closeCodeNotAllowed(UInt16)
  case closeReasonNotUTF8
  /// `at` is where the message stops being UTF-8: the first byte of the wrong or unfinished character.
  case textNotUTF8(at: Int)
  case frameTooLarge(bytes: Int, limit: Int)
  case messageTooLarge(limit: Int)
  case tooManyFragments(limit: Int)
  case badCompression
  case inflatesTooFar(ratio: Int)

  /// Sources: RFC 6455, section 7.4.1; the recordings `ws_close_*` (1002), `text_invalid_utf8` (1007) and
  /// `frame_too_large` (1009).
  package var closeCode: CloseCode {
    switch self {
    case .reservedBits, .reservedOpcode, .unmasked, .fragmentedControlFrame, .longControlFrame,
      .lengthNotMinimal,
      .lengthBeyond63Bits, .continuationOfNothing, .messageInsideMessage, .closeFrameOfOneByte,
      .closeCodeNotAllowed:
      .protocolError
    case .closeReasonNotUTF8, .textNotUTF8, .badCompression: .invalidData
    case .frameTooLarge, .messageTooLarge, .tooManyFragments, .inflatesTooFar: .tooBig
    }
  }
}

extension FrameViolation: CustomStringConvertible {
  /// One line for the log.
  package var description: String {
    switch self {
    case .reservedBits: "a reserved bit is set"
    case .reservedOpcode(let opcode): "opcode \(opcode) is reserved"
    case .unmasked: "the frame is not masked"
    case .fragmentedControlFrame: "a control frame is fragmented"
    case .longControlFrame: "a control frame has more than 125 bytes"
    case .lengthNotMinimal: "the length is written with more bytes than it needs"
    case .lengthBeyond63Bits: "the length has its highest bit set"
    case .continuationOfNothing: "a continuation frame continues nothing"
    case .messageInsideMessage: "a message begins inside another"
    case .closeFrameOfOneByte: "a close frame has one byte"
    case .closeCodeNotAllowed(let code): "close code \(code) may not be sent"
    case .closeReasonNotUTF8: "the reason of a close frame is not UTF-8"
    case .textNotUTF8(let offset): "text is not UTF-8 at byte \(offset)"
    case .frameTooLarge(let bytes, let limit): "a frame of \(bytes) bytes is over the limit of \(limit)"
    case .messageTooLarge(let limit): "a message is over the limit of \(limit) bytes"
    case .tooManyFragments(let limit): "a message has more than \(limit) fragments"
    case .inflatesTooFar(let ratio): "a compressed message inflates to more than \(ratio) times its size"
    case .badCompression: "a compressed message cannot be inflated"
    }
  }
}
