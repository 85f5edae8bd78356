import Glibc
import Synq
import Testing

@testable import SynqTesting

/// Joins, updates, leaves, crashes and cuts in any order: nobody is missing, nobody is a ghost, and every client has exactly the
/// server's list. SYNQ_PRESENCE_STEPS and SYNQ_PRESENCE_SEED make it longer, and another one.
@Suite struct PresenceRandomTests {
  /// Does what it is told with the keys of a channel.
  struct Hall: Channel {
    let fetches: Bool
    var presence: PresenceOptions {
      guard fetches else { return PresenceOptions() }
      return PresenceOptions(fetch: { _, presences in
        JSON(members: presences.members.names.map { ($0, ["name": JSON($0.uppercased())]) })
      })
    }

    func initialize(topic: String, params: JSON, socket: Socket) throws {
      try socket.track(params["key"]?.stringValue ?? "", ["n": 0])
    }

    func handleEvent(_ event: String, _ payload: JSON, socket: Socket) throws -> Response {
      let key = payload["key"]?.stringValue ?? ""
      switch event {
      case "track": try socket.track(key, ["n": 0])
      case "update": try socket.updatePresence(key, ["n": payload["n"] ?? 0])
      case "untrack": try socket.untrack(key)
      // Within one callback: nobody sees the one in between.
      case "flicker":
        try socket.untrack(key)
        try socket.track(key, ["n": 1])
        try socket.updatePresence(key, ["n": 2])
      default: throw HostError(.state, "told to fail")
      }
      return .ok
    }
  }

  private struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
  }

  /// A client, and what it should be present under.
  private final class Guest {
    let client: TestClient
    var channel: TestChannel?
    var keys: Set<String> = []
    /// The key that its channel tracks when it joins.
    var first = ""
    /// Its connection was cut.
    var isAway = false
    init(_ client: TestClient) { self.client = client }
  }

  private static func setting(_ name: String, _ otherwise: Int) -> Int {
    getenv(name).flatMap { Int(String(cString: $0)) } ?? otherwise
  }

  /// Keys with the refs of their metas.
  private func refs(_ list: JSON) -> [String: Set<String>] {
    Dictionary(
      uniqueKeysWithValues: list.members.map { key, value in
        (key, Set((value["metas"] ?? .emptyArray).elements.compactMap { $0["phx_ref"]?.stringValue }))
      })
  }

  @Test(arguments: [false, true]) func everyClientHasTheServersList(fetches: Bool) async throws {
    let steps = Self.setting("SYNQ_PRESENCE_STEPS", 1000)
    var random = Generator(state: UInt64(Self.setting("SYNQ_PRESENCE_SEED", 1)))
    let server = try TestServer("hall:*", Hall(fetches: fetches), timeout: .seconds(30))
    var guests: [Guest] = []
    for _ in 0..<50 { guests.append(Guest(try await server.connect(id: "g"))) }
    for step in 1...steps {
      guard let guest = guests.randomElement(using: &random) else { return }
      try await act(guest, &random)
      if Int.random(in: 0..<8, using: &random) == 0 {
        try await server.advance(by: .milliseconds(Int.random(in: 1...60, using: &random)))
      }
      if step % 50 == 0 || step == steps { try await check(server, guests, step: step) }
    }
  }

  private func act(_ guest: Guest, _ random: inout Generator) async throws {
    let key = "k\(Int.random(in: 0..<30, using: &random))"
    if guest.isAway {
      try await guest.client.reconnect()
      guest.isAway = false
      if guest.channel != nil { guest.keys = [guest.first] }
      return
    }
    guard let channel = guest.channel else { return try await join(guest, key) }
    let own = guest.keys.sorted().randomElement(using: &random)
    switch (Int.random(in: 0..<12, using: &random), own) {
    case (0...1, _):
      if guest.keys.insert(key).inserted { try await channel.push("track", ["key": JSON(key)]) }
    case (2...4, let own?):
      try await channel.push("update", ["key": JSON(own), "n": JSON(Int.random(in: 0..<9, using: &random))])
    case (5, let own?):
      try await channel.push("untrack", ["key": JSON(own)])
      guest.keys.remove(own)
    case (6, let own?): try await channel.push("flicker", ["key": JSON(own)])
    case (7, _):
      try await channel.leave()
      (guest.channel, guest.keys) = (nil, [])
    case (8, _):
      try await channel.crash()
      try await channel.rejoin()
      guest.keys = [guest.first]
    case (9, _):
      try await guest.client.disconnect()
      (guest.isAway, guest.keys) = (true, [])
    // Again, without having left.
    case (10, _): try await join(guest, key)
    default:
      try await guest.client.reconnect()
      guest.keys = [guest.first]
    }
  }

  private func join(_ guest: Guest, _ key: String) async throws {
    guest.channel = try await guest.client.join("hall:1", ["key": JSON(key)])
    (guest.first, guest.keys) = (key, [key])
  }

  private func check(_ server: TestServer, _ guests: [Guest], step: Int) async throws {
    var expected: [String: Int] = [:]
    for guest in guests { for key in guest.keys { expected[key, default: 0] += 1 } }
    let list = refs(server.presences("hall:1"))
    #expect(list.mapValues(\.count) == expected, "step \(step)")
    let present = guests.filter { $0.channel != nil && !$0.isAway }
    func others() -> [Guest] { present.filter { $0.channel.map { refs($0.presences) } != list } }
    // Diffs wait for their pause, and for tasks that fetch.
    var turns = 0
    while !others().isEmpty, turns < 10_000 {
      turns += 1
      await Task.yield()
      try await server.advance(by: .milliseconds(10))
    }
    #expect(others().count == 0, "step \(step)")
    for guest in guests { guest.client.inbox.clear(topic: "hall:1") }
  }
}
