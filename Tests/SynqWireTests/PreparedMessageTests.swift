import SynqJSON
import Testing

@testable import SynqWire

@Suite struct PreparedMessageTests {
  @Test func takesTheOneMessageOfAnOutbox() throws {
    var outbox = Outbox()
    Serializer.v2.encodeBroadcast(topic: "room:1", event: "new", payload: .json(.emptyObject), into: &outbox)
    let message = PreparedMessage(takingFrom: &outbox)
    #expect(message?.kind == .text)
    #expect(message.map { String(decoding: $0.bytes, as: UTF8.self) } == #"[null,null,"room:1","new",{}]"#)
    let isEmpty = outbox.isEmpty
    #expect(isEmpty)
  }

  @Test(arguments: [0, 2]) func takesNoOtherNumberOfMessages(_ count: Int) {
    var outbox = Outbox()
    for _ in 0..<count {
      outbox.bytes.append("[]")
      outbox.endMessage(.text)
    }
    let message = PreparedMessage(takingFrom: &outbox)
    #expect(message == nil)
    let left = outbox.marks.count
    #expect(left == count)
  }

  @Test func isCompressedOnceForEachForm() {
    let message = PreparedMessage(.binary, [1, 2, 3])
    var made = 0
    for bits: Int32 in [15, 9, 15, 9] {
      let form = PreparedMessage.CompressedForm(level: 4, windowBits: bits)
      let bytes = message.compressed(as: form) { bytes in
        made += 1
        return [UInt8(bits)] + Array(bytes)
      }
      #expect(bytes == [UInt8(bits), 1, 2, 3])
    }
    #expect(made == 2)
  }

  @Test func whatCouldNotBeCompressedIsTriedAgain() {
    let message = PreparedMessage(.text, [1])
    let form = PreparedMessage.CompressedForm(level: 4, windowBits: 15)
    #expect(message.compressed(as: form) { _ in nil } == nil)
    #expect(message.compressed(as: form) { _ in [9] } == [9])
  }
}
