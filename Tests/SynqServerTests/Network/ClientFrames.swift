@testable import SynqWebSocket

/// Builds what a client sends over a WebSocket.
enum ClientFrame {
  static let key: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]

  /// A masked frame; `rsv` is or-ed into the first byte.
  static func frame(_ opcode: FrameOpcode, _ payload: [UInt8], isFinal: Bool = true, rsv: UInt8 = 0)
    -> [UInt8]
  {
    header(opcode, length: payload.count, isFinal: isFinal, rsv: rsv) + masked(payload)
  }

  static func text(_ text: String, isFinal: Bool = true) -> [UInt8] {
    frame(.text, Array(text.utf8), isFinal: isFinal)
  }

  static func close(_ code: UInt16, _ reason: String = "") -> [UInt8] {
    frame(.close, [UInt8(code >> 8), UInt8(code & 0xFF)] + Array(reason.utf8))
  }

  /// A header of the shortest form, its key included.
  static func header(_ opcode: FrameOpcode, length: Int, isFinal: Bool = true, rsv: UInt8 = 0) -> [UInt8] {
    let first = (isFinal ? 0x80 : 0) | rsv | opcode.rawValue
    switch length {
    case 0...125: return [first, 0x80 | UInt8(length)] + key
    case 126...0xFFFF: return [first, 0xFE, UInt8(length >> 8), UInt8(length & 0xFF)] + key
    default: return [first, 0xFF] + bigEndian(UInt64(length)) + key
    }
  }

  static func masked(_ payload: [UInt8]) -> [UInt8] {
    payload.enumerated().map { $1 ^ key[$0 % 4] }
  }

  static func bigEndian(_ value: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(56 - $0 * 8)) }
  }
}

/// An event of the decoder that owns its bytes.
enum Decoded: Equatable {
  case text([UInt8])
  case binary([UInt8])
  case ping([UInt8])
  case pong
  case close(UInt16?)
  case violation(FrameViolation)

  static func text(_ text: String) -> Decoded { .text(Array(text.utf8)) }
}

/// Feeds `pieces` one after the other and collects what a decoder makes of them, up to its end.
func decode(_ pieces: [[UInt8]], limits: FrameLimits = .generous) -> [Decoded] {
  var decoder = FrameDecoder(limits: limits)
  var scratch = UnsafeMessageBuffer()
  var events: [Decoded] = []
  for piece in pieces {
    let isOver = piece.withUnsafeBytes { bytes in
      var input = bytes
      while true {
        switch decoder.next(&input, scratch: &scratch) {
        case .needsBytes: return false
        case .message(.text, let payload, _): events.append(.text(Array(payload)))
        case .message(.binary, let payload, _): events.append(.binary(Array(payload)))
        case .ping(let payload): events.append(.ping(Array(payload)))
        case .pong: events.append(.pong)
        case .close(let code):
          events.append(.close(code?.rawValue))
          return true
        case .violation(let violation):
          events.append(.violation(violation))
          return true
        }
      }
    }
    if isOver { break }
  }
  return events
}

extension FrameLimits {
  static let generous = FrameLimits(maxFrameBytes: 1 << 20, maxMessageBytes: 1 << 20, maxFragments: 64)
}
