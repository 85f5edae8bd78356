import Synq
import SynqTesting
import Synchronization
import Testing

/// A board that all see, with a filter that each has for itself.
private final class Board: Channel {
  let options: ChannelOptions
  let opened = Mutex<[String]>([])
  let closed = Mutex<[String]>([])
  let leavesMark = Mutex(true)
  private let openError = Mutex<(any Error)?>(nil)

  init(
    track: [String] = ["items", "n"], linger: Duration = .zero, patchInterval: Duration = .zero,
    maxVersion: Int = 1000
  ) {
    options = ChannelOptions(
      track: track, shared: ["items", "n", "deck", "mark"], linger: linger, patchInterval: patchInterval,
      maxVersion: maxVersion)
  }

  struct Broken: Error {}

  func fail(_ error: (any Error)?) { openError.withLock { $0 = error } }

  func authorize(topic: String, params: JSON, socket: Socket) throws {
    if params["set"] != nil {
      do { try socket.assign("n", to: 1) } catch {
        throw SynqError(code: "\(error.code)", message: error.message)
      }
    }
  }

  func openTopic(_ topic: String, socket: Socket) throws {
    opened.withLock { $0.append(topic) }
    if let error = openError.withLock({ $0 }) { throw error }
    try socket.assign("items", to: [])
    try socket.assign("n", to: 0)
    try socket.assign("deck", to: [1, 2, 3])
  }

  func closeTopic(_ topic: String, socket: Socket) throws {
    closed.withLock { $0.append("\(topic) \(socket["n"] ?? .null)") }
  }

  func initialize(topic: String, params: JSON, socket: Socket) throws {
    if options.track.contains("filter") { try socket.assign("filter", to: params["filter"] ?? "all") }
  }

  func beforeClose(reason: CloseReason, socket: Socket) {
    if leavesMark.withLock({ $0 }) { try? socket.assign("mark", to: "left") }
  }

  func handleEvent(_ event: String, _ payload: JSON, socket: Socket) throws -> Response {
    switch event {
    case "add": try socket.append(payload, at: "/items")
    case "inc": return .ok(["n": try socket.increment(at: "/n")])
    case "filter": try socket.assign("filter", to: payload)
    case "both":
      try socket.increment(at: "/n")
      try socket.assign("filter", to: payload)
    case "draw":
      let card = try socket.value(at: "/deck/0")
      try socket.remove(at: "/deck/0")
      return .ok(["card": card])
    case "mark": return .ok(["mark": socket["mark"] ?? .null])
    case "crash":
      try socket.increment(at: "/n")
      throw Broken()
    default: throw SynqError(code: "unknown_event", message: event)
    }
    return .ok
  }
}

private let inc: JSON = [["op": "replace", "path": "/n", "value": 1]]

@Suite struct TopicTests {
  @Test func allMembersHaveOneState() async throws {
    let server = try TestServer("board:*", Board())
    let (ann, bob) = (try await server.join("board:1"), try await server.join("board:1"))
    try await ann.expectFullState(["items": [], "n": 0])
    try await bob.expectFullState(["items": [], "n": 0])
    #expect(try await ann.push("inc") == .ok(["n": 1]))
    try await ann.expectPatch(inc)
    try await bob.expectPatch(inc)
    #expect(try await bob.push("draw") == .ok(["card": 1]))
    #expect(try await ann.push("draw") == .ok(["card": 2]))
    try await ann.refutePatch()
    let late = try await server.join("board:1")
    try await late.expectFullState(["items": [], "n": 1])
    #expect(late.version == 1)
    #expect(server.channelCount(inTopic: "board:1") == 3)
    #expect(server.channelCount(inTopic: "board:2") == 0)
  }

  @Test func topicsAreApart() async throws {
    let server = try TestServer("board:*", Board())
    let (one, two) = (try await server.join("board:1"), try await server.join("board:2"))
    try await one.expectFullState()
    try await two.expectFullState()
    #expect(try await one.push("inc") == .ok(["n": 1]))
    try await two.refutePatch()
  }

  @Test func ownAndSharedChangesGoOutTogether() async throws {
    let server = try TestServer("board:*", Board(track: ["items", "n", "filter"]))
    let (ann, bob) = (try await server.join("board:1"), try await server.join("board:1"))
    try await ann.expectFullState(["items": [], "n": 0, "filter": "all"])
    try await bob.expectFullState(["items": [], "n": 0, "filter": "all"])
    #expect(try await ann.push("both", "mine") == .ok)
    try await ann.expectPatch(
      [
        ["op": "replace", "path": "/n", "value": 1], ["op": "replace", "path": "/filter", "value": "mine"],
      ])
    try await bob.expectPatch(inc)
    #expect(try await bob.push("filter", "done") == .ok)
    try await bob.expectPatch([["op": "replace", "path": "/filter", "value": "done"]])
    try await ann.refutePatch()
    #expect((ann.version, bob.version) == (1, 2))
  }

  @Test func aCrashIsUndone() async throws {
    let server = try TestServer("board:*", Board())
    let (ann, bob) = (try await server.join("board:1"), try await server.join("board:1"))
    try await ann.expectFullState()
    try await bob.expectFullState()
    _ = try ann.pushWithoutWaiting("crash")
    try await ann.expectCrash()
    try await bob.refutePatch()
    #expect(try await bob.push("inc") == .ok(["n": 1]))
  }

  @Test func theVersionWrapsForAllAtOnce() async throws {
    let server = try TestServer("board:*", Board(maxVersion: 2))
    let (ann, bob) = (try await server.join("board:1"), try await server.join("board:1"))
    try await ann.expectFullState()
    try await bob.expectFullState()
    for n in 1...2 {
      #expect(try await ann.push("inc") == .ok(["n": JSON(n)]))
      try await bob.expectPatch([["op": "replace", "path": "/n", "value": JSON(n)]])
    }
    #expect(try await ann.push("inc") == .ok(["n": 3]))
    try await bob.expectFullState(["items": [], "n": 3])
    #expect(bob.version == 0)
  }

  // MARK: Life

  @Test func aTopicIsOpenedOnceAndClosedWhenAllHaveLeft() async throws {
    let board = Board()
    let server = try TestServer("board:*", board)
    let (ann, bob) = (try await server.join("board:1"), try await server.join("board:1"))
    try await bob.expectFullState()
    #expect(try await ann.push("inc") == .ok(["n": 1]))
    try await ann.leave()
    try await server.settle()
    #expect(board.closed.withLock { $0 } == [])
    try await bob.leave()
    try await server.settle()
    #expect(board.opened.withLock { $0 } == ["board:1"])
    #expect(board.closed.withLock { $0 } == ["board:1 1"])
    let eve = try await server.join("board:1")
    try await eve.expectFullState(["items": [], "n": 0])
  }

  @Test func whoComesBackInTimeFindsTheTopicOpen() async throws {
    let board = Board(linger: .seconds(5))
    let server = try TestServer("board:*", board)
    let ann = try await server.join("board:1")
    try await ann.expectFullState()
    #expect(try await ann.push("inc") == .ok(["n": 1]))
    try await ann.leave()
    try await server.advance(by: .seconds(4))
    let bob = try await server.join("board:1")
    try await bob.expectFullState(["items": [], "n": 1])
    try await server.advance(by: .seconds(10))
    #expect(board.closed.withLock { $0 } == [])
    try await bob.leave()
    try await server.advance(by: .seconds(5))
    #expect(board.closed.withLock { $0 } == ["board:1 1"])
  }

  @Test func aTopicThatCannotBeOpenedSaysWhyAndIsTriedAgain() async throws {
    let board = Board()
    board.fail(SynqError(code: "no_database", message: "come back later"))
    let server = try TestServer("board:*", board)
    let ann = try await server.join("board:1")
    #expect(try await ann.expectError().code == "no_database")
    board.fail(nil)
    let bob = try await server.join("board:1")
    try await bob.expectFullState(["items": [], "n": 0])
    #expect(board.opened.withLock { $0.count } == 2)
  }

  @Test func whatIsSetAtTheEndOfATopicThatWasNeverOpenIsDropped() async throws {
    let board = Board()
    board.fail(SynqError(code: "no_database", message: "come back later"))
    let server = try TestServer("board:*", board)
    let ann = try await server.join("board:1")
    try await ann.expectError()
    let bob = try await server.connect()
    try await ann.leave()
    board.fail(nil)
    board.leavesMark.withLock { $0 = false }
    let channel = try await bob.join("board:1")
    try await channel.expectFullState(["items": [], "n": 0])
    #expect(try await channel.push("mark") == .ok(["mark": .null]))
  }

  @Test func sharedAssignsDoNotChangeInAuthorize() async throws {
    let server = try TestServer("board:*", Board())
    await #expect(throws: (any Error).self) { try await server.join("board:1", ["set": true]) }
  }

  // MARK: Updates

  @Test func anUpdateFromElsewhereIsOnePatch() async throws {
    let server = try TestServer("board:*", Board())
    let (ann, bob) = (try await server.join("board:1"), try await server.join("board:1"))
    try await ann.expectFullState()
    try await bob.expectFullState()
    let n = try await server.update(topic: "board:1") { board in
      try board.increment(at: "/n")
    }
    #expect(n == 1)
    try await ann.expectPatch(inc)
    try await bob.expectPatch(inc)
  }

  @Test func anUpdateThatThrowsChangesNothing() async throws {
    let server = try TestServer("board:*", Board())
    let ann = try await server.join("board:1")
    try await ann.expectFullState()
    await #expect(throws: Board.Broken.self) {
      try await server.update(topic: "board:1") { board in
        try board.increment(at: "/n")
        throw Board.Broken()
      }
    }
    try await ann.refutePatch()
    #expect(try await ann.push("inc") == .ok(["n": 1]))
  }

  @Test func aTopicThatNobodyIsInIsOpenedWhereAskedFor() async throws {
    let board = Board()
    let server = try TestServer("board:*", board)
    await #expect { try await server.update(topic: "board:1") { _ in } } throws: {
      ($0 as? HostError)?.code == .notFound
    }
    #expect(try await server.update(topic: "board:1", opens: true) { try $0.increment(at: "/n") } == 1)
    try await server.settle()
    #expect(board.closed.withLock { $0 } == ["board:1 1"])
    await #expect { try await server.update(topic: "lobby") { _ in } } throws: {
      ($0 as? HostError)?.code == .invalidArgument
    }
  }

  // MARK: Slow members and pauses

  @Test func aMemberThatDoesNotReadGetsOneMessage() async throws {
    let server = try TestServer("board:*", Board(maxVersion: 1_000_000))
    let (ann, bob) = (try await server.join("board:1"), try await server.join("board:1"))
    try await ann.expectFullState()
    try await bob.expectFullState()
    await bob.client.pauseReading()
    for _ in 1...200 { _ = try await ann.push("inc") }
    await bob.client.resumeReading()
    try await bob.expectPatch([["op": "replace", "path": "/n", "value": 200]])
    _ = try await ann.push("inc")
    try await bob.expectPatch([["op": "replace", "path": "/n", "value": 201]])
    try await bob.refresh()
    try await bob.expectFullState(["items": [], "n": 201])
    #expect(bob.version == 201)
  }

  @Test func stateMessagesOfATopicKeepTheirDistance() async throws {
    let server = try TestServer("board:*", Board(patchInterval: .milliseconds(100)))
    let (ann, bob) = (try await server.join("board:1"), try await server.join("board:1"))
    try await ann.expectFullState()
    try await bob.expectFullState()
    for n in 1...3 { #expect(try await ann.push("inc") == .ok(["n": JSON(n)])) }
    try await bob.expectPatch(inc)
    try await bob.refutePatch()
    try await server.advance(by: .milliseconds(100))
    try await bob.expectPatch([["op": "replace", "path": "/n", "value": 3]])
    #expect((bob.version, ann.version) == (2, 2))
  }

  @Test func stateMessagesOfAChannelKeepTheirDistance() async throws {
    let server = try TestServer("board:*", Board(track: ["filter"], patchInterval: .milliseconds(100)))
    let ann = try await server.join("board:1")
    try await ann.expectFullState(["filter": "all"])
    for name in ["a", "b", "c"] { #expect(try await ann.push("filter", JSON(name)) == .ok) }
    try await ann.refutePatch()
    try await server.advance(by: .milliseconds(100))
    try await ann.expectPatch([["op": "replace", "path": "/filter", "value": "c"]])
  }
}

@Suite struct LingerTests {
  @Test func anUpdateDoesNotKeepATopicOpen() async throws {
    let board = Board(linger: .seconds(5))
    let server = try TestServer("board:*", board)
    let ann = try await server.join("board:1")
    try await ann.expectFullState()
    try await ann.leave()
    try await server.advance(by: .seconds(4))
    _ = try await server.update(topic: "board:1") { try $0.increment(at: "/n") }
    try await server.advance(by: .seconds(1))
    #expect(board.closed.withLock { $0 } == ["board:1 1"])
  }
}
