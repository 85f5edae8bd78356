import Synq
import SynqTesting
import Synchronization
import Testing

/// Who is here, by stock clients' eyes.
@Suite struct PresenceTests {
  /// Is present as who the params say, and does what it is told.
  struct Hall: Channel {
    var presence = PresenceOptions()

    func initialize(topic: String, params: JSON, socket: Socket) throws {
      if let user = params["user"]?.stringValue {
        try socket.track(user, params["meta"] ?? ["status": "online"])
      } else {
        try socket.showPresences()
      }
    }

    func handleEvent(_ event: String, _ payload: JSON, socket: Socket) throws -> Response {
      let (key, meta) = (payload["key"]?.stringValue ?? "", payload["meta"] ?? .emptyObject)
      switch event {
      case "track": return .ok(["ref": JSON(try socket.track(key, meta))])
      case "update": return .ok(["ref": JSON(try socket.updatePresence(key, meta))])
      case "untrack": try socket.untrack(key)
      case "list": return .ok(try socket.presences())
      case "get": return .ok(try socket.presence(of: key) ?? .null)
      case "say": try socket.broadcast("said")
      case "stop": try socket.stop()
      default: throw HostError(.state, "told to fail")
      }
      return .ok
    }
  }

  private func server(_ presence: PresenceOptions = PresenceOptions()) throws -> TestServer {
    try TestServer("hall:*", Hall(presence: presence))
  }

  @Test func whoJoinsIsSeenByAll() async throws {
    let server = try server()
    let ann = try await server.join("hall:1", ["user": "ann"])
    try await ann.expectPresences(["ann": [["status": "online"]]])
    let bob = try await server.join("hall:1", ["user": "bob", "meta": [:]])
    for client in [ann, bob] {
      try await client.expectPresences(["ann": [["status": "online"]], "bob": [[:]]])
    }
    let other = try await server.join("hall:2", ["user": "cid", "meta": [:]])
    try await other.expectPresences(["cid": [[:]]])
    try await bob.leave()
    try await ann.expectPresences(["ann": [["status": "online"]]])
  }

  @Test func theMessagesAreThoseOfPhoenix() async throws {
    let server = try server()
    let ann = try await server.join("hall:1", ["user": "ann", "meta": ["a": 1]])
    let state = try await ann.expectPush("presence_state")
    let ref = try #require(state["ann"]?["metas"]?[0]?["phx_ref"])
    try await ann.expectPush(
      "presence_diff", ["joins": ["ann": ["metas": [["phx_ref": ref, "a": 1]]]], "leaves": [:]])
    #expect(state == ["ann": ["metas": [["phx_ref": ref, "a": 1]]]])
    let answer = try await ann.push("update", ["key": "ann", "meta": ["a": 2]])
    let next = try #require(answer.response["ref"])
    #expect(next != ref)
    try await ann.expectPush(
      "presence_diff",
      [
        "joins": ["ann": ["metas": [["phx_ref": next, "phx_ref_prev": ref, "a": 2]]]],
        "leaves": ["ann": ["metas": [["phx_ref": ref, "a": 1]]]],
      ])
    #expect(
      try await ann.push("get", ["key": "ann"])
        == .ok(["metas": [["phx_ref": next, "phx_ref_prev": ref, "a": 2]]]))
    #expect(try await ann.push("get", ["key": "nobody"]) == .ok(.null))
    // The list goes to a client once: another key changes nothing about that.
    try await ann.push("track", ["key": "more"])
    try await ann.refutePush("presence_state")
  }

  @Test func aChannelHasSeveralKeysAndAKeySeveralChannels() async throws {
    let server = try server()
    let phone = try await server.join("hall:1", ["user": "ann", "meta": ["on": "phone"]])
    let laptop = try await server.join("hall:1", ["user": "ann", "meta": ["on": "laptop"]])
    try await phone.push("track", ["key": "desk"])
    for client in [phone, laptop] {
      try await client.expectPresences(["ann": [["on": "phone"], ["on": "laptop"]], "desk": [[:]]])
    }
    try await phone.client.disconnect()
    try await laptop.expectPresences(["ann": [["on": "laptop"]]])
    try await laptop.push("untrack", ["key": "ann"])
    try await laptop.expectPresences([:])
    #expect(server.presences("hall:1") == [:])
  }

  @Test func whoWatchesIsShownWhoIsHere() async throws {
    let server = try server()
    let ann = try await server.join("hall:1", ["user": "ann", "meta": [:]])
    let watcher = try await server.join("hall:1")
    try await watcher.expectPresences(["ann": [[:]]])
    try await ann.leave()
    try await watcher.expectPresences([:])
    let first = try await server.join("hall:9")
    #expect(try await first.expectPush("presence_state") == [:])
  }

  @Test(arguments: ["crash", "stop"]) func whoseChannelEndsIsGone(_ how: String) async throws {
    let server = try server()
    let ann = try await server.join("hall:1", ["user": "ann", "meta": [:]])
    let bob = try await server.join("hall:1", ["user": "bob", "meta": [:]])
    try await ann.expectPresences(["ann": [[:]], "bob": [[:]]])
    _ = try bob.pushWithoutWaiting(how)
    try await ann.expectPresences(["ann": [[:]]])
  }

  @Test func aClientThatComesBackGetsTheListAnew() async throws {
    let server = try server()
    let ann = try await server.join("hall:1", ["user": "ann", "meta": [:]])
    let bob = try await server.join("hall:1", ["user": "bob", "meta": [:]])
    try await ann.client.reconnect()
    try await bob.client.disconnect()
    try await ann.expectPresences(["ann": [[:]]])
  }

  @Test func clientsThatDropAtOnceAreOneDiff() async throws {
    let server = try server()
    let watcher = try await server.join("hall:1")
    let crowd = try await server.connect(id: "crowd")
    for n in 0..<10 { _ = try await server.connect(id: "crowd").join("hall:1", ["user": "u\(n)"]) }
    for _ in 0..<10 { try await watcher.expectPush("presence_diff") }
    server.disconnect(id: "crowd")
    let diff = try await watcher.expectPush("presence_diff")
    #expect(diff["leaves"]?.count == 10)
    try await watcher.expectPresences([:])
    #expect(!crowd.isConnected)
    #expect(!watcher.received.contains { $0.hasPrefix("presence_diff") })
  }

  @Test func inACrowdDiffsWaitForOneAnother() async throws {
    let server = try server()
    let watcher = try await server.join("hall:1")
    for n in 0..<40 { _ = try await server.join("hall:1", ["user": "u\(n)"]) }
    // The clock stands: from the 17th on they wait for the pause to pass.
    #expect(watcher.presences.count == 16)
    #expect(server.presences("hall:1").count == 40)
    try await server.advance(by: .milliseconds(100))
    #expect(watcher.presences.count == 40)
  }

  @Test func aDiffComesBeforeWhatIsBroadcastAfterItsCause() async throws {
    let server = try server()
    let watcher = try await server.join("hall:1")
    for n in 0..<30 { _ = try await server.join("hall:1", ["user": "u\(n)"]) }
    let late = try await server.join("hall:1", ["user": "late"])
    #expect(watcher.presences["late"] == nil)
    try await late.push("say")
    try await watcher.expectPush("said")
    #expect(watcher.presences["late"] != nil)
  }

  @Test func fetchIsAskedOnceForAllKeysOfAChange() async throws {
    let asked = Mutex<[[String]]>([])
    let server = try server(
      PresenceOptions(fetch: { topic, presences in
        asked.withLock { $0.append(presences.members.names) }
        return JSON(
          members: presences.members.names.map { ($0, ["user": ["name": JSON($0.uppercased())]]) })
      }))
    let ann = try await server.join("hall:1", ["user": "ann", "meta": [:]])
    try await ann.expectPresences(["ann": [[:]]])
    #expect(ann.presences["ann"]?["user"] == ["name": "ANN"])
    let bob = try await server.join("hall:1", ["user": "bob", "meta": [:]])
    try await bob.expectPresences(["ann": [[:]], "bob": [[:]]])
    #expect(bob.presences["ann"]?["user"] == ["name": "ANN"])
    #expect(bob.presences["bob"]?["user"] == ["name": "BOB"])
    try await bob.leave()
    try await ann.expectPresences(["ann": [[:]]])
    #expect(asked.withLock { $0 } == [["ann"], ["bob"]])
  }

  @Test func aFetchThatFailsShowsTheMetasAlone() async throws {
    let server = try server(
      PresenceOptions(fetch: { _, _ in throw SynqError(code: "down", message: "no names today") }))
    let ann = try await server.join("hall:1", ["user": "ann", "meta": [:]])
    try await ann.expectPresences(["ann": [[:]]])
    #expect(server.log.contains { $0.contains("fetch of presences failed") && $0.contains("no names today") })
  }

  @Test func theProgramHearsWhoCameAndWent() async throws {
    let heard = Mutex<[String]>([])
    let server = try server(
      PresenceOptions(onChange: { topic, key, isPresent in
        heard.withLock { $0.append("\(topic) \(key) \(isPresent ? "came" : "went")") }
      }))
    let phone = try await server.join("hall:1", ["user": "ann"])
    let laptop = try await server.join("hall:1", ["user": "ann"])
    try await phone.leave()
    try await laptop.push("track", ["key": "bob"])
    try await laptop.client.disconnect()
    try await server.settle()
    let all = heard.withLock { $0 }
    #expect(all.prefix(2) == ["hall:1 ann came", "hall:1 bob came"])
    #expect(Set(all.dropFirst(2)) == ["hall:1 ann went", "hall:1 bob went"])
  }

  @Test func nobodyIsSeenBeforeHeIsLetIn() async throws {
    struct Eager: Channel {
      func authorize(topic: String, params: JSON, socket: Socket) throws { try socket.track("ann") }
    }
    let server = try TestServer("hall:*", Eager())
    await #expect(throws: (any Error).self) { try await server.join("hall:1") }
    #expect(server.presences("hall:1") == [:])
    #expect(server.log.contains { $0.contains("once it has joined") })
  }

  @Test func theLimitsAreThoseOfTheChannel() async throws {
    let server = try server(PresenceOptions(maxKeys: 2))
    let ann = try await server.join("hall:1", ["user": "ann", "meta": [:]])
    try await ann.push("track", ["key": "two"])
    _ = try ann.pushWithoutWaiting("track", ["key": "three"])
    try await ann.expectCrash()
    #expect(server.log.contains { $0.contains("max_presence_keys (2)") })
  }
}

/// Who is here as a part of the state: `presence: "members"`.
@Suite struct PresenceStateTests {
  struct Hall: Channel {
    let options = ChannelOptions(track: ["count"], shared: ["count"])
    var presence = PresenceOptions(assign: "members")

    func initialize(topic: String, params: JSON, socket: Socket) throws {
      if let user = params["user"]?.stringValue { try socket.track(user, params["meta"] ?? ["a": 1]) }
    }

    func handleEvent(_ event: String, _ payload: JSON, socket: Socket) throws -> Response {
      switch event {
      case "inc": try socket.increment(at: "/count")
      case "update": try socket.updatePresence("ann/~", payload)
      default: try socket.untrack("ann/~")
      }
      return .ok
    }

    func openTopic(_ topic: String, socket: Socket) throws { try socket.assign("count", to: 0) }
  }

  @Test func whoIsHereIsAPartOfTheState() async throws {
    let server = try TestServer("hall:*", Hall())
    let watcher = try await server.join("hall:1")
    try await watcher.expectState(["count": 0, "members": [:]])
    let ann = try await server.join("hall:1", ["user": "ann/~"])
    let bob = try await server.join("hall:1", ["user": "bob"])
    for client in [watcher, ann, bob] {
      try await client.expectPresences(["ann/~": [["a": 1]], "bob": [["a": 1]]])
    }
    try await ann.push("update", ["a": 2])
    try await ann.push("inc")
    for client in [watcher, ann, bob] {
      try await client.expectPresences(["ann/~": [["a": 2]], "bob": [["a": 1]]])
    }
    #expect(ann.presences == server.presences("hall:1"))
    try await bob.client.disconnect()
    try await watcher.expectPresences(["ann/~": [["a": 2]]])
    try await ann.push("untrack")
    try await watcher.expectPresences([:])
    try await watcher.expectState(["count": 1, "members": [:]])
    for client in [watcher, ann] {
      try await client.refutePush("presence_state")
      try await client.refutePush("presence_diff")
    }
  }

  @Test func aTopicThatWasEmptyBeginsWithNobody() async throws {
    let server = try TestServer("hall:*", Hall())
    let ann = try await server.join("hall:1", ["user": "ann"])
    try await ann.expectPresences(["ann": [["a": 1]]])
    try await ann.leave()
    let watcher = try await server.join("hall:1")
    try await watcher.expectState(["count": 0, "members": [:]])
  }

  @Test func aCrowdIsOnePatch() async throws {
    let server = try TestServer("hall:*", Hall())
    let watcher = try await server.join("hall:1")
    for n in 0..<40 { _ = try await server.join("hall:1", ["user": JSON("u\(n)")]) }
    try await server.advance(by: .milliseconds(100))
    #expect(watcher.presences.count == 40)
    #expect(watcher.received.count { $0.contains("synq:patch") } < 20)
  }
}
