import Testing

@testable import SynqWebSocket

@Suite struct FrameDecoderTests {
  /// One of each kind: short, medium and long lengths, fragments with control frames between them.
  private static let conversation: [UInt8] =
    ClientFrame.text("héllo") + ClientFrame.text("") + ClientFrame.frame(.binary, [0, 1, 2, 255])
    + ClientFrame.text(String(repeating: "a", count: 125))
    + ClientFrame.text(String(repeating: "b", count: 126))
    + ClientFrame.frame(.ping, Array("hi".utf8)) + ClientFrame.frame(.pong, [])
    + ClientFrame.text("[1,€", isFinal: false) + ClientFrame.frame(.ping, [7])
    + ClientFrame.frame(.continuation, [], isFinal: false)
    + ClientFrame.frame(.continuation, Array("😀]".utf8))
    + ClientFrame.frame(.close, [0x0B, 0xB8] + Array("é".utf8))

  private static let events: [Decoded] = [
    .text("héllo"), .text(""), .binary([0, 1, 2, 255]), .text(String(repeating: "a", count: 125)),
    .text(String(repeating: "b", count: 126)), .ping([0x68, 0x69]), .pong, .ping([7]), .text("[1,€😀]"),
    .close(3000),
  ]

  @Test func readsAConversationThatComesAtOnce() {
    #expect(decode([Self.conversation]) == Self.events)
  }

  @Test func readsAConversationCutAtEveryByte() {
    let bytes = Self.conversation
    for cut in 0...bytes.count {
      #expect(decode([Array(bytes[..<cut]), Array(bytes[cut...])]) == Self.events, "cut at \(cut)")
    }
  }

  @Test func readsAConversationThatComesByteByByte() {
    #expect(decode(Self.conversation.map { [$0] }) == Self.events)
  }

  @Test func splitsACharacterBetweenFragments() {
    let smile = Array("😀".utf8)
    for cut in 1...3 {
      let frames =
        ClientFrame.frame(.text, Array(smile[..<cut]), isFinal: false)
        + ClientFrame.frame(.continuation, Array(smile[cut...]))
      #expect(decode([frames]) == [.text("😀")])
    }
  }

  @Test(arguments: [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
  func readsEveryFormOfLength(_ length: Int) {
    let payload = (0..<length).map { UInt8(truncatingIfNeeded: $0) }
    let frame = ClientFrame.frame(.binary, payload)
    #expect(decode([frame]) == [.binary(payload)])
    #expect(decode([Array(frame.dropLast()), Array(frame.suffix(1))]) == [.binary(payload)])
  }

  struct Bad: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var bytes: [UInt8]
    var violation: FrameViolation
    var code: UInt16

    init(_ name: String, _ bytes: [UInt8], _ violation: FrameViolation, _ code: UInt16) {
      (testDescription, self.bytes, self.violation, self.code) = (name, bytes, violation, code)
    }
  }

  static let bad: [Bad] = [
    Bad("rsv1", ClientFrame.frame(.text, [0x78], rsv: 0x40), .reservedBits, 1002),
    Bad("rsv2", ClientFrame.frame(.text, [0x78], rsv: 0x20), .reservedBits, 1002),
    Bad("rsv3", ClientFrame.frame(.ping, [], rsv: 0x10), .reservedBits, 1002),
    Bad("unmasked", [0x81, 0x01, 0x78], .unmasked, 1002),
    Bad("a ping of 126 bytes", [0x89, 0xFE], .longControlFrame, 1002),
    Bad("a close with a 64-bit length", [0x88, 0xFF], .longControlFrame, 1002),
    Bad("a fragmented ping", ClientFrame.frame(.ping, [1], isFinal: false), .fragmentedControlFrame, 1002),
    Bad("continuation first", ClientFrame.frame(.continuation, [1]), .continuationOfNothing, 1002),
    Bad(
      "continuation after a whole message", ClientFrame.text("a") + ClientFrame.frame(.continuation, [1]),
      .continuationOfNothing, 1002),
    Bad(
      "text inside text", ClientFrame.text("a", isFinal: false) + ClientFrame.text("b"),
      .messageInsideMessage,
      1002),
    Bad(
      "binary inside text", ClientFrame.text("a", isFinal: false) + ClientFrame.frame(.binary, [1]),
      .messageInsideMessage, 1002),
    Bad("125 as 16 bits", [0x82, 0xFE, 0, 125] + ClientFrame.key, .lengthNotMinimal, 1002),
    Bad(
      "65535 as 64 bits", [0x82, 0xFF] + ClientFrame.bigEndian(65_535) + ClientFrame.key, .lengthNotMinimal,
      1002),
    Bad("the highest bit", [0x82, 0xFF] + ClientFrame.bigEndian(1 << 63), .lengthBeyond63Bits, 1002),
    Bad(
      "63 bits of length", [0x82, 0xFF] + ClientFrame.bigEndian((1 << 63) - 1) + ClientFrame.key,
      .frameTooLarge(bytes: .max, limit: 1 << 20), 1009),
    Bad("a close of one byte", ClientFrame.frame(.close, [3]), .closeFrameOfOneByte, 1002),
    Bad(
      "a close reason that is not UTF-8", ClientFrame.frame(.close, [3, 0xE8, 0xFF]), .closeReasonNotUTF8,
      1007),
    Bad(
      "a close reason that ends early", ClientFrame.frame(.close, [3, 0xE8, 0xC3]), .closeReasonNotUTF8, 1007),
    Bad("text that is not UTF-8", ClientFrame.frame(.text, [0x61, 0xFF]), .textNotUTF8(at: 1), 1007),
    Bad("text that ends early", ClientFrame.frame(.text, [0x61, 0xE2, 0x82]), .textNotUTF8(at: 1), 1007),
    Bad("a surrogate", ClientFrame.frame(.text, [0xED, 0xA0, 0x80]), .textNotUTF8(at: 0), 1007),
    Bad(
      "a fragmented text that ends early",
      ClientFrame.frame(.text, [0x61, 0x61, 0xE2], isFinal: false) + ClientFrame.frame(.continuation, [0x82]),
      .textNotUTF8(at: 2),
      1007),
    Bad(
      "bad UTF-8 in a fragment, before the message ends",
      ClientFrame.frame(.text, [0x61, 0xC0], isFinal: false), .textNotUTF8(at: 1), 1007),
  ]

  @Test(arguments: bad)
  func refuses(_ bad: Bad) {
    #expect(decode([bad.bytes]).last == .violation(bad.violation))
    #expect(decode(bad.bytes.map { [$0] }).last == .violation(bad.violation))
    #expect(bad.violation.closeCode.rawValue == bad.code)
  }

  @Test func refusesEveryReservedOpcode() {
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] as [UInt8] {
      let events = decode([ClientFrame.frame(FrameOpcode(rawValue: opcode), [0x78])])
      #expect(events == [.violation(.reservedOpcode(opcode))])
    }
  }

  @Test func takesOnlyCloseCodesThatMayBeSent() {
    for code in UInt16.min...5_000 {
      let allowed: Bool
      switch code {
      case 1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000...4999: allowed = true
      default: allowed = false
      }
      #expect(
        decode([ClientFrame.close(code)])
          == (allowed ? [.close(code)] : [.violation(.closeCodeNotAllowed(code))]))
    }
    #expect(decode([ClientFrame.frame(.close, [])]) == [.close(nil)])
  }

  @Test func failsAtTheFirstBadByteOfALongText() {
    let head = ClientFrame.header(.text, length: 1_000)
    let bad = ClientFrame.masked([0x61, 0x61, 0xF5])
    #expect(decode([head + bad]) == [.violation(.textNotUTF8(at: 2))])
  }

  @Test func readsNothingAfterAClose() {
    #expect(decode([ClientFrame.close(1000) + ClientFrame.text("late")]) == [.close(1000)])
  }

  // MARK: Limits

  /// `wire/frame_too_large`: the limit counts header and key.
  @Test func countsHeaderAndKeyInTheFrameLimit() {
    let limits = FrameLimits(maxFrameBytes: 1_024, maxMessageBytes: 1 << 20, maxFragments: 64)
    let largest = [UInt8](repeating: 0x61, count: 1_016)
    #expect(decode([ClientFrame.frame(.text, largest)], limits: limits) == [.text(largest)])
    #expect(
      decode([ClientFrame.frame(.text, largest + [0x61])], limits: limits)
        == [.violation(.frameTooLarge(bytes: 1_017, limit: 1_024))])
  }

  /// `wire/frame_too_large_fragmented`: a message of several frames has a limit of its own.
  @Test func countsAllFragmentsInTheMessageLimit() {
    let limits = FrameLimits(maxFrameBytes: 64, maxMessageBytes: 100, maxFragments: 64)
    let half = [UInt8](repeating: 0x61, count: 50)
    let first = ClientFrame.frame(.text, half, isFinal: false)
    #expect(decode([first + ClientFrame.frame(.continuation, half)], limits: limits) == [.text(half + half)])
    #expect(
      decode([first + ClientFrame.header(.continuation, length: 51)], limits: limits)
        == [.violation(.messageTooLarge(limit: 100))])
  }

  @Test func countsEmptyFragments() {
    let limits = FrameLimits(maxFrameBytes: 64, maxMessageBytes: 64, maxFragments: 3)
    let begin = ClientFrame.text("a", isFinal: false)
    let empty = ClientFrame.frame(.continuation, [], isFinal: false)
    let end = ClientFrame.frame(.continuation, [])
    #expect(decode([begin + empty + end], limits: limits) == [.text("a")])
    #expect(
      decode([begin + empty + empty + end], limits: limits) == [.violation(.tooManyFragments(limit: 3))])
  }

  @Test func announcingALargeFrameTakesNoMemory() {
    var decoder = FrameDecoder(
      limits: FrameLimits(maxFrameBytes: .max, maxMessageBytes: .max, maxFragments: 1))
    var scratch = UnsafeMessageBuffer()
    // Would fail to allocate if the announced length were reserved.
    let head = ClientFrame.header(.binary, length: 1 << 60) + [1, 2, 3]
    let event = head.withUnsafeBytes { bytes in
      var input = bytes
      return decoder.next(&input, scratch: &scratch)
    }
    guard case .needsBytes = event else {
      Issue.record("expected to wait for more, got \(event)")
      return
    }
  }
}
