import SynqWebSocket
import SynqWire

/// Frames of a client, the first byte apart, which says where they are cut: whatever comes, the decoder ends, keeps to
/// its limits, and finds the same events in one piece, in two and byte by byte.
@_cdecl("LLVMFuzzerTestOneInput")
public func frames(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = UnsafeBufferPointer(start: start, count: count)
  guard let first = bytes.first else { return 0 }
  let input = Array(bytes.dropFirst())
  let cut = min(Int(first), input.count)
  let whole = events([input[...]])
  precondition(whole == events([input[..<cut], input[cut...]]), "cut at \(cut)")
  precondition(whole == events(input.indices.map { input[$0...$0] }), "byte by byte")
  return 0
}

private enum Event: Equatable {
  case message(Outbox.Kind, [UInt8], Bool)
  case ping([UInt8])
  case pong
  case close(UInt16?)
  case violation(FrameViolation)
}

private let limits = FrameLimits(
  maxFrameBytes: 300, maxMessageBytes: 500, maxFragments: 4, allowsCompression: true)

private func events(_ pieces: [ArraySlice<UInt8>]) -> [Event] {
  var decoder = FrameDecoder(limits: limits)
  var scratch = UnsafeMessageBuffer()
  var events: [Event] = []
  for piece in pieces {
    let isOver = piece.withUnsafeBytes { bytes in
      var input = bytes
      while true {
        switch decoder.next(&input, scratch: &scratch) {
        case .needsBytes:
          precondition(input.isEmpty, "bytes are left")
          return false
        case .message(let kind, let payload, let isCompressed):
          precondition(payload.count <= limits.maxMessageBytes)
          if kind == .text, !isCompressed {
            precondition(String(validating: payload, as: UTF8.self) != nil, "text is not UTF-8")
          }
          events.append(.message(kind, Array(payload), isCompressed))
        case .ping(let payload):
          precondition(payload.count <= 125)
          events.append(.ping(Array(payload)))
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
