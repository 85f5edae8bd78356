import Synq
import SynqTesting
import Synchronization
import Testing

/// Does to its socket what a test hands it.
private final class Puppet: Channel {
  let options = ChannelOptions(track: ["items", "user"])
  private let action = Mutex<@Sendable (Socket) throws -> Void>({ _ in })
  private let socket = Mutex<Socket?>(nil)
  /// The socket, kept beyond its callbacks.
  var kept: Socket? { socket.withLock { $0 } }
  /// It knows its channel, and so this; what was to be done to it may too.
  func forget() {
    socket.withLock { $0 = nil }
    action.withLock { $0 = { _ in } }
  }

  func `do`(_ body: @escaping @Sendable (Socket) throws -> Void) { action.withLock { $0 = body } }

  func initialize(topic: String, params: JSON, socket: Socket) throws {
    self.socket.withLock { $0 = socket }
    try socket.assign("items", to: [["id": 1, "done": false]])
    try socket.assign("private", to: 7)
  }

  func handleEvent(_ event: String, _ payload: JSON, socket: Socket) throws -> Response {
    try action.withLock { $0 }(socket)
    return .noReply
  }
}

private struct User: Codable, Equatable, Sendable {
  var name: String
  var age: Int
}

extension AssignKey<User> { fileprivate static let user = AssignKey("user") }

@Suite final class SocketTests {
  private let puppet = Puppet()
  let channel: TestChannel

  init() async throws { channel = try await TestServer("p:*", puppet).join("p:1") }

  deinit { puppet.forget() }

  @Test func editsAtPointersChangeOnlyWhatTheyName() async throws {
    puppet.do { socket in
      let index = 0
      try socket.set(true, at: "/items/\(index)/done")
      try socket.insert(["id": 0], at: "/items/0")
      try socket.append(["id": 2, "name": "x"], at: "/items")
      try socket.remove(at: "/items/1/id")
      let sum = try socket.increment(by: 5, at: "/private")
      #expect(sum == 12)
    }
    #expect(try await channel.push("go") == .ok)
    try await channel.expectPatch()
    #expect(channel.state == ["items": [["id": 0], ["done": true], ["id": 2, "name": "x"]]])
    #expect(try await channel.assigns?["private"] == 12)
  }

  @Test func tokensThatArePutIntoAPointerAreEscaped() throws {
    let pointer: JSONPointer = "/files/\("a/b~c")/\(3)"
    #expect(pointer == "/files/a~1b~0c/3")
    #expect(pointer.tokens == ["files", "a/b~c", "3"])
  }

  @Test func valuesAreReadAtPointersAndAsTypes() async throws {
    puppet.do { socket in
      #expect(socket["private"] == 7)
      #expect(socket["nothing"] == nil)
      let assigns = try socket.allAssigns()
      #expect(assigns == ["items": [["id": 1, "done": false]], "private": 7])
      let id: Int = try socket.value(at: "/items/0/id")
      #expect(id == 1)
      let done: JSON = try socket.value(at: "/items/0/done")
      #expect(done == false)
    }
    #expect(try await channel.push("go") == .ok)
  }

  @Test func manyChangesAreOneEdit() async throws {
    puppet.do { socket in
      try socket.merge(["items": ["a": 1, "b": 2], "more": 3])
      try socket.merge(["b": nil, "c": 4], at: "/items")
      try socket.patch([["op": "remove", "path": "/a"]], at: "/items")
      #expect(try socket.value(at: "/items") == ["b": nil, "c": 4] as JSON)
      #expect(throws: HostError.self) { try socket.merge([1], at: "/items") }
      #expect(throws: HostError.self) { try socket.patch([["op": "remove", "path": "/a"]], at: "/items") }
    }
    #expect(try await channel.push("go") == .ok)
    #expect(try await channel.assigns?["more"] == 3)
  }

  @Test func keysGiveAssignsTheirTypes() async throws {
    puppet.do { socket in
      try socket.assign(.user, to: User(name: "Ada", age: 36))
      try socket.update(.user) { user in user.age += 1 }
      let user = try socket.value(.user)
      #expect(user == User(name: "Ada", age: 37))
    }
    #expect(try await channel.push("go") == .ok)
    #expect(channel.state?["user"] == ["name": "Ada", "age": 37])
  }

  /// A call and the error that it must give.
  struct Misuse: Sendable, CustomTestStringConvertible {
    var expected: HostError
    var call: @Sendable (Socket) throws -> Void
    var testDescription: String { expected.message }

    init(_ code: HostError.Code, _ message: String, _ call: @escaping @Sendable (Socket) throws -> Void) {
      expected = HostError(code, message)
      self.call = call
    }
  }

  static let misuses = [
    Misuse(.invalidArgument, "event: is empty") { try $0.push("") },
    Misuse(.invalidArgument, "event: is empty") { try $0.broadcast("") },
    Misuse(.invalidArgument, "message: is empty") { try $0.send("") },
    Misuse(.invalidArgument, "message: is empty") { try $0.publishFrom("") },
    Misuse(.invalidArgument, "topic: is empty") { try $0.subscribe("") },
    Misuse(.invalidArgument, "reason: is empty") { try $0.stop(CloseReason(rawValue: "")) },
    Misuse(.invalidArgument, "name: is empty") { try $0.assign("", to: 1) },
    Misuse(.json, "items/0/ratio: JSON has no infinity and no NaN") {
      try $0.assign("items", to: [["ratio": Double.nan]])
    },
    Misuse(.notFound, "pointer: nothing is at /nothing") { _ = try $0.value(at: "/nothing") },
    Misuse(.type, "pointer: /items/0/id: expected String, found number") {
      _ = try $0.value(String.self, at: "/items/0/id")
    },
    Misuse(.type, "pointer: /items is no integer") { try $0.increment(at: "/items") },
  ]

  @Test(arguments: misuses)
  func aMistakeIsAnErrorThatNamesTheArgument(_ misuse: Misuse) async throws {
    let box = ErrorBox()
    puppet.do { socket in
      do { try misuse.call(socket) } catch let error as HostError { box.set(error) }
    }
    #expect(try await channel.push("go") == .ok)
    #expect(box.error?.code == misuse.expected.code)
    #expect(box.error?.message == misuse.expected.message)
  }

  @Test func aSocketThatIsKeptWorksOutsideOfCallbacksButForAssigns() async throws {
    let socket = try #require(puppet.kept)
    #expect(socket.topic == "p:1")
    #expect(socket.peer == "127.0.0.1")
    #expect(socket["items"] == nil)
    let error = #expect(throws: HostError.self) { try socket.assign("items", to: 1) }
    #expect(error?.code == .state)
    try socket.push("hello", ["n": 1])
    try await channel.expectPush("hello", ["n": 1])
    try socket.stop()
    try await channel.expectClose()
    try await channel.client.server.settle()
    #expect(socket.isClosed)
    #expect(throws: HostError(.closed, "socket: the channel is gone")) { try socket.push("hello") }
  }

  @Test func storageKeepsSwiftValuesAndDropsThemWithTheChannel() async throws {
    final class Resource: Sendable {}
    enum Key: StorageKey { typealias Value = Resource }
    weak var observed: Resource?
    let socket = try #require(puppet.kept)
    do {
      let resource = Resource()
      observed = resource
      socket[Key.self] = resource
    }
    #expect(observed != nil)
    #expect(socket[Key.self] === observed)
    try await channel.leave()
    #expect(socket[Key.self] == nil)
    #expect(observed == nil)
  }

  @Test func socketsOfAChannelAreEqual() async throws {
    let kept = try #require(puppet.kept)
    puppet.do { socket in #expect(socket == kept) }
    #expect(try await channel.push("go") == .ok)
    let other = try await channel.client.server.join("p:1")
    #expect(puppet.kept != kept)
    withExtendedLifetime(other) {}
  }
}

/// Carries an error out of a callback.
private final class ErrorBox: Sendable {
  private let stored = Mutex<HostError?>(nil)
  var error: HostError? { stored.withLock { $0 } }
  func set(_ error: HostError) { stored.withLock { $0 = error } }
}
