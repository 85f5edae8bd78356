import SynqWire

/// The limits of what one client may send over a WebSocket.
package struct FrameLimits {
  package var maxFrameBytes: Int
  package var maxMessageBytes: Int
  package var maxFragments: Int
  /// True once permessage-deflate was negotiated.
  package var allowsCompression = false

  package init(maxFrameBytes: Int, maxMessageBytes: Int, maxFragments: Int, allowsCompression: Bool = false) {
    self.maxFrameBytes = maxFrameBytes
    self.maxMessageBytes = maxMessageBytes
    self.maxFragments = maxFragments
    self.allowsCompression = allowsCompression
  }
}

/// Reads a client's WebSocket frames (RFC 6455, section 5), wherever the network cut them.
///
/// A state machine without a channel: bytes go in, one event at a time comes out. Nothing of the input is kept, so
/// that all connections of a loop can share one receive buffer: payload is unmasked into `scratch` when a message
/// is there whole, else into memory of the decoder's own, given back when the message ends.
package struct FrameDecoder: ~Copyable {
  /// What the bytes meant. Pointers are valid until the next call.
  package enum Event {
    /// The input is used up.
    case needsBytes
    /// A whole message. Text is valid UTF-8 unless it `isCompressed`.
    case message(Outbox.Kind, UnsafeRawBufferPointer, isCompressed: Bool)
    case ping(UnsafeRawBufferPointer)
    case pong
    /// The peer closes; nil when it gave no code.
    case close(CloseCode?)
    /// The connection must be closed with the violation's code; the decoder is done.
    case violation(FrameViolation)
  }

  /// A message of which a part is still to come.
  private struct Message {
    var kind: Outbox.Kind
    var isCompressed: Bool
    var fragments = 0
    var utf8 = UTF8Validator()
  }

  /// A frame of which a part is still to come.
  private struct Frame {
    var opcode: FrameOpcode
    var isFinal: Bool
    var remaining: Int
    var key: MaskingKey
  }

  private let limits: FrameLimits
  /// The first bytes of a header that the network cut.
  private var headerBytes: (UInt64, UInt64) = (0, 0)
  private var headerCount = 0
  private var frame: Frame?
  private var message: Message?
  private var body = UnsafeMessageBuffer()
  private var control = UnsafeMessageBuffer()
  /// What the last event points into: given back by the next call, so that an idle connection holds no message.
  private var lent = Lent.nothing

  private enum Lent { case nothing, body, control }

  package init(limits: FrameLimits) {
    self.limits = limits
  }

  /// Memory that a message takes of which a part is still to come.
  package var heldBytes: Int { body.reserved + control.reserved }

  /// Forgets what has come of a message, and gives its memory back. Nothing can be read after it.
  package mutating func discard() {
    body.removeAll(keeping: 0)
    control.removeAll(keeping: 0)
    message = nil
    frame = nil
    lent = .nothing
  }

  /// Messages, and control frames outside of them, that have begun. With `isInsideMessage` it tells one that does not arrive
  /// from many that do.
  package private(set) var begun: UInt32 = 0

  /// Whether a part of something is still to come.
  package var isInsideMessage: Bool { message != nil || frame != nil || headerCount > 0 }

  /// Reads the next event, taking what it used off the front of `input`.
  ///
  /// Call it until it says `needsBytes`, `close` or `violation`. `scratch` may be shared by all decoders of a thread.
  package mutating func next(_ input: inout UnsafeRawBufferPointer, scratch: inout UnsafeMessageBuffer)
    -> Event
  {
    switch lent {
    case .nothing: break
    case .body: body.removeAll(keeping: 0)
    case .control: control.removeAll(keeping: 0)
    }
    lent = .nothing
    while true {
      if frame == nil {
        switch readHeader(&input) {
        case .incomplete: return .needsBytes
        case .violation(let violation): return .violation(violation)
        case .header(let header):
          if let violation = begin(header) { return .violation(violation) }
          if header.payloadLength <= input.count, let event = readWhole(header, &input, &scratch) {
            return event
          }
        }
      }
      guard let event = readPart(&input) else { continue }
      return event
    }
  }

  // MARK: Headers

  private mutating func readHeader(_ input: inout UnsafeRawBufferPointer) -> FrameHeader.Reading {
    if headerCount == 0 {
      let reading = FrameHeader.read(input, allowsCompression: limits.allowsCompression)
      switch reading {
      case .header(let header): input.dropFront(header.length)
      case .incomplete, .violation: break
      }
      guard case .incomplete = reading else { return reading }
    }
    let allowsCompression = limits.allowsCompression
    while let byte = input.first {
      input.dropFront(1)
      let count = headerCount + 1
      headerCount = count
      let reading = withUnsafeMutableBytes(of: &headerBytes) { bytes in
        bytes[count - 1] = byte
        return FrameHeader.read(
          UnsafeRawBufferPointer(rebasing: bytes[..<count]), allowsCompression: allowsCompression)
      }
      if case .incomplete = reading { continue }
      headerCount = 0
      return reading
    }
    return .incomplete
  }

  /// Checks a header against the message that it belongs to and the limits, and opens its frame.
  private mutating func begin(_ header: FrameHeader) -> FrameViolation? {
    let frameBytes = header.length.addingReportingOverflow(header.payloadLength)
    guard !frameBytes.overflow, frameBytes.partialValue <= limits.maxFrameBytes else {
      return .frameTooLarge(bytes: header.payloadLength, limit: limits.maxFrameBytes)
    }
    if header.opcode.isControl ? message == nil : header.opcode != .continuation { begun &+= 1 }
    if !header.opcode.isControl {
      if header.opcode == .continuation {
        guard message != nil else { return .continuationOfNothing }
      } else {
        guard message == nil else { return .messageInsideMessage }
        message = Message(
          kind: header.opcode == .text ? .text : .binary, isCompressed: header.isCompressed)
      }
      guard header.payloadLength <= limits.maxMessageBytes - body.count else {
        return .messageTooLarge(limit: limits.maxMessageBytes)
      }
      message?.fragments += 1
      guard let fragments = message?.fragments, fragments <= limits.maxFragments else {
        return .tooManyFragments(limit: limits.maxFragments)
      }
    }
    frame = Frame(
      opcode: header.opcode, isFinal: header.isFinal, remaining: header.payloadLength, key: header.key)
    return nil
  }

  // MARK: Payloads

  /// The usual case: a control frame, or a message of one frame, that is all there. Nil when the frame is a fragment.
  private mutating func readWhole(
    _ header: FrameHeader, _ input: inout UnsafeRawBufferPointer, _ scratch: inout UnsafeMessageBuffer
  ) -> Event? {
    guard header.isFinal, header.opcode != .continuation else { return nil }
    let count = header.payloadLength
    scratch.removeAll(keeping: .max)
    let target = scratch.reserve(count)
    let isASCII = header.key.unmask(UnsafeRawBufferPointer(rebasing: input[..<count]), into: target)
    scratch.commit(count)
    input.dropFront(count)
    frame = nil
    guard !header.opcode.isControl else { return controlEvent(header.opcode, scratch.bytes) }
    message = nil
    if header.opcode == .text {
      guard isASCII || header.isCompressed || UTF8Validator.isValid(scratch.bytes) else {
        return .violation(.textNotUTF8(at: UTF8Validator.fault(in: scratch.bytes)))
      }
      return .message(.text, scratch.bytes, isCompressed: header.isCompressed)
    }
    return .message(.binary, scratch.bytes, isCompressed: header.isCompressed)
  }

  /// Takes what there is of the open frame's payload; nil when the frame ended without an event.
  private mutating func readPart(_ input: inout UnsafeRawBufferPointer) -> Event? {
    guard var open = frame else { return nil }
    let count = min(open.remaining, input.count)
    let source = UnsafeRawBufferPointer(rebasing: input[..<count])
    input.dropFront(count)
    if open.opcode.isControl {
      _ = open.key.unmask(source, into: control.reserve(count))
      control.commit(count)
    } else {
      let target = body.reserve(count)
      let isASCII = open.key.unmask(source, into: target)
      body.commit(count)
      if let violation = check(UnsafeRawBufferPointer(start: target, count: count), isASCII: isASCII) {
        return .violation(violation)
      }
    }
    open.remaining -= count
    open.key = open.key.advanced(by: count)
    guard open.remaining == 0 else {
      frame = open
      return .needsBytes
    }
    frame = nil
    if open.opcode.isControl {
      lent = .control
      return controlEvent(open.opcode, control.bytes)
    }
    return open.isFinal ? finishMessage() : nil
  }

  private mutating func check(_ bytes: UnsafeRawBufferPointer, isASCII: Bool) -> FrameViolation? {
    guard var utf8 = message?.utf8, message?.kind == .text, message?.isCompressed == false else { return nil }
    if isASCII && utf8.isAtCharacterBoundary { return nil }
    guard utf8.accept(bytes) else { return .textNotUTF8(at: UTF8Validator.fault(in: body.bytes)) }
    message?.utf8 = utf8
    return nil
  }

  private mutating func finishMessage() -> Event? {
    guard let whole = message else { return nil }
    message = nil
    guard whole.utf8.isAtCharacterBoundary else {
      return .violation(.textNotUTF8(at: UTF8Validator.fault(in: body.bytes)))
    }
    lent = .body
    return .message(whole.kind, body.bytes, isCompressed: whole.isCompressed)
  }

  private func controlEvent(_ opcode: FrameOpcode, _ payload: UnsafeRawBufferPointer) -> Event {
    switch opcode {
    case .ping: .ping(payload)
    case .pong: .pong
    default: closeEvent(payload)
    }
  }

  /// Reads a close frame's payload (RFC 6455, sections 5.5.1 and 7.4).
  private func closeEvent(_ payload: UnsafeRawBufferPointer) -> Event {
    guard payload.count > 0 else { return .close(nil) }
    guard payload.count > 1 else { return .violation(.closeFrameOfOneByte) }
    let code = UInt16(bigEndian: payload.loadUnaligned(as: UInt16.self))
    guard CloseCode.mayBeSent(code) else { return .violation(.closeCodeNotAllowed(code)) }
    guard UTF8Validator.isValid(UnsafeRawBufferPointer(rebasing: payload[2...])) else {
      return .violation(.closeReasonNotUTF8)
    }
    return .close(CloseCode(rawValue: code))
  }
}

extension CloseCode {
  /// Whether a peer may put `code` into a close frame: the codes of RFC 6455 and the IANA registry without those
  /// that only describe an ending (1005, 1006, 1015), those of libraries and of applications.
  static func mayBeSent(_ code: UInt16) -> Bool {
    switch code {
    case 1000...1003, 1007...1014, 3000...4999: true
    default: false
    }
  }
}

extension UnsafeRawBufferPointer {
  fileprivate mutating func dropFront(_ count: Int) {
    self = UnsafeRawBufferPointer(rebasing: self[count...])
  }
}
