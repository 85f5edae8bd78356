import Testing

@testable import SynqWebSocket

@Suite struct UTF8ValidatorTests {
  private static func isValid(_ bytes: [UInt8]) -> Bool {
    bytes.withUnsafeBytes { UTF8Validator.isValid($0) }
  }

  private static func reference(_ bytes: [UInt8]) -> Bool {
    String(validating: bytes, as: UTF8.self) != nil
  }

  @Test func agreesWithTheStandardLibraryOnEveryPairOfBytes() {
    for first in UInt8.min...UInt8.max {
      #expect(Self.isValid([first]) == Self.reference([first]))
      for second in UInt8.min...UInt8.max {
        let pair = [first, second]
        if Self.isValid(pair) != Self.reference(pair) { Issue.record("\(pair)") }
      }
    }
  }

  /// The bytes at which the rules change, in every sequence of four.
  @Test func agreesWithTheStandardLibraryOnEverySequenceOfEdges() {
    let edges: [UInt8] = [
      0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE,
      0xEF,
      0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
    ]
    for a in edges {
      for b in edges {
        for c in edges {
          for d in edges {
            let bytes = [a, b, c, d]
            if Self.isValid(bytes) != Self.reference(bytes) { Issue.record("\(bytes)") }
          }
        }
      }
    }
  }

  @Test func agreesWhereverTheTextIsCut() {
    let text = Array("ascii that fills words, Grüße, 日本語, 😀 and \u{10FFFF}".utf8)
    for cut in 0...text.count {
      var validator = UTF8Validator()
      let accepted = Array(text[..<cut]).withUnsafeBytes { validator.accept($0) }
      #expect(accepted)
      #expect(validator.isAtCharacterBoundary == Self.reference(Array(text[..<cut])))
      let rest = Array(text[cut...]).withUnsafeBytes { validator.accept($0) }
      #expect(rest && validator.isAtCharacterBoundary)
    }
  }

  @Test func unmasksEveryLengthAndPhase() {
    let key = MaskingKey(bits: 0x3D21_FA37)
    for length in 0...80 {
      for phase in 0..<4 {
        let plain = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }
        let masked = plain.enumerated().map { $1 ^ ClientFrame.key[($0 + phase) % 4] }
        var result = [UInt8](repeating: 0, count: length + 1)
        let isASCII = result.withUnsafeMutableBytes { target in
          masked.withUnsafeBytes { key.advanced(by: phase).unmask($0, into: target.baseAddress!) }
        }
        #expect(Array(result.dropLast()) == plain)
        #expect(result.last == 0, "wrote beyond the end")
        #expect(isASCII == plain.allSatisfy { $0 < 0x80 })
      }
    }
  }
}
