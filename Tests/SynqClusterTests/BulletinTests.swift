import SynqCluster
import Testing

@Suite struct BulletinTests {
  private static let bodies: [Bulletin.Body] = [
    .heartbeat, .leaving, .disconnect(id: "user:ü"),
    .broadcast(topic: "room:1", event: "shout", payload: Array("{}".utf8), isBinary: false),
    .broadcast(topic: "", event: "", payload: [0, 255], isBinary: true),
    .publish(topic: "room:1", message: "tick", payload: Array("[1]".utf8)),
  ]

  @Test(arguments: bodies)
  func whatIsWrittenIsRead(body: Bulletin.Body) throws {
    let bulletin = Bulletin(sender: .max - 1, sequence: 1 << 40, body: body)
    let bytes = bulletin.encoded()
    #expect(try Bulletin(decoding: bytes) == bulletin)
    for count in 2..<bytes.count {
      #expect(throws: Bulletin.Unreadable.malformed) { try Bulletin(decoding: Array(bytes.prefix(count))) }
    }
    #expect(throws: Bulletin.Unreadable.malformed) { try Bulletin(decoding: bytes + [0]) }
  }

  @Test(arguments: [
    [], [0x53], [0x53, 2, 0], Array("hello".utf8), [0x53, 1, 9] + [UInt8](repeating: 0, count: 16),
  ])
  func anotherVersionIsToldApart(bytes: [UInt8]) {
    #expect(throws: Bulletin.Unreadable.version) { try Bulletin(decoding: bytes) }
  }

  @Test func whatIsMissingIsNoticed() {
    var ledger = SenderLedger()
    func receive(_ sender: UInt64, _ sequence: UInt64, _ body: Bulletin.Body = .disconnect(id: ""))
      -> SenderLedger.Verdict
    {
      ledger.receive(Bulletin(sender: sender, sequence: sequence, body: body), now: .seconds(1))
    }
    // Who comes later does not miss what was before.
    #expect(receive(1, 7) == .inOrder)
    #expect(receive(1, 8) == .inOrder)
    #expect(receive(2, 1) == .inOrder)
    #expect(receive(1, 11) == .afterGap(missing: 2))
    #expect(receive(1, 12) == .inOrder)
    #expect(receive(1, 12) == .old)
    #expect(receive(1, 5) == .old)
    #expect(receive(1, 13) == .inOrder)
    // A heartbeat tells of a loss too, once.
    #expect(receive(1, 13, .heartbeat) == .inOrder)
    #expect(receive(1, 15, .heartbeat) == .afterGap(missing: 2))
    #expect(receive(1, 15, .heartbeat) == .inOrder)
    #expect(receive(1, 16) == .inOrder)
  }

  @Test func whoIsGoneIsForgotten() {
    var ledger = SenderLedger()
    for sender in UInt64(1)...3 {
      _ = ledger.receive(Bulletin(sender: sender, sequence: 0, body: .heartbeat), now: .seconds(Int(sender)))
    }
    _ = ledger.receive(Bulletin(sender: 3, sequence: 0, body: .leaving), now: .seconds(4))
    #expect(ledger.count == 2)
    #expect(ledger.forget(silentSince: .seconds(2)) == 1)
    #expect(ledger.count == 1)
  }
}
