import SynqChannels
import SynqServer
import Testing

@testable import SynqC

@Suite struct TicketTableTests {
  private final class Thing: Sendable {}

  @Test func aTicketLeadsToItsObjectUntilItIsRevoked() throws {
    let table = TicketTable<Thing>(.socket, "thing", gone: "it is gone")
    let things = [Thing(), Thing()]
    let tickets = try things.map { try table.issue($0) }
    #expect(try table.object(of: tickets[0]) === things[0] && table.object(of: tickets[1]) === things[1])
    #expect(table.revoke(tickets[0]))
    #expect(!table.revoke(tickets[0]))
    #expect(throws: HostError(.closed, "thing: it is gone")) { try table.object(of: tickets[0]) }
    #expect(throws: HostError(.invalidArgument, "thing: is NULL")) { try table.object(of: nil) }
    // The place is used again, the ticket is not.
    let next = try table.issue(things[0])
    #expect(next != tickets[0] && next != tickets[1])
    #expect(throws: HostError(.closed, "thing: it is gone")) { try table.object(of: tickets[0]) }
  }

  @Test func aReservedTicketIsGoneUntilItIsFilled() throws {
    let table = TicketTable<Thing>(.socket, "thing", gone: "it is gone")
    let ticket = try table.reserve()
    #expect(throws: HostError(.closed, "thing: it is gone")) { try table.object(of: ticket) }
    let thing = Thing()
    table.fill(ticket, thing)
    #expect(try table.object(of: ticket) === thing)
  }

  @Test func beyondItsCapacityATableRefuses() throws {
    let table = TicketTable<Thing>(.socket, "thing", gone: "it is gone", capacity: 2)
    let tickets = [try table.issue(Thing()), try table.issue(Thing())]
    #expect(throws: HostError(.limit, "thing: there are 2 of them already")) { try table.issue(Thing()) }
    table.revoke(tickets[1])
    #expect(try table.issue(Thing()) != tickets[1])
    #expect(throws: HostError.self) { try table.issue(Thing()) }
  }

  @Test func noTicketIsUsedTwice() throws {
    let table = TicketTable<Thing>(.socket, "thing", gone: "it is gone", capacity: 2, lastGeneration: 3)
    var seen: Set<OpaquePointer> = []
    for _ in 0..<6 {
      let ticket = try table.issue(Thing())
      #expect(seen.insert(ticket).inserted)
      table.revoke(ticket)
    }
    // Both places have had all their tickets.
    #expect(throws: HostError(.limit, "thing: there are 2 of them already")) { try table.issue(Thing()) }
    for ticket in seen {
      #expect(throws: HostError(.closed, "thing: it is gone")) { try table.object(of: ticket) }
    }
  }
}

@Suite struct LogLineTests {
  @Test(arguments: [
    ("plain text, é and 🎉", "plain text, é and 🎉"),
    ("a\nsynq error: b\r", "a\\nsynq error: b\\r"),
    ("\u{1B}[2J\u{7F}\u{9B}1m", "\\u{1B}[2J\\u{7F}\\u{009B}1m"),
    ("\u{2028}\u{2029}\t\u{0}", "\\u{2028}\\u{2029}\\t\\0"),
  ])
  func controlCharactersAreEscaped(_ text: String, _ expected: String) {
    #expect(LogText.harmless(text) == expected)
  }
}
