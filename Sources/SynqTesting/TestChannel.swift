import Synq
import SynqChannels
import SynqJSON
import SynqWire

/// A channel that a test's client joined.
///
/// What the server sends waits until an expectation asks for it, each kind in its order: a test need not ask for
/// everything, and pushes may be asked for before a reply that came earlier.
public final class TestChannel: Sendable {
  /// The client that joined it.
  public let client: TestClient
  let joined: JoinedTopic

  init(_ client: TestClient, _ joined: JoinedTopic) {
    self.client = client
    self.joined = joined
  }

  /// The topic that was joined.
  public var topic: String { joined.topic }

  var dialect: Dialect { joined.dialect }

  // MARK: What the client has

  /// The state as the client has it now; nil before the first one.
  public var state: JSON? { joined.view.withLock { $0.state } }

  /// The version of that state.
  public var version: Int? { joined.view.withLock { $0.version } }

  /// All assigns of the channel, those that stay on the server too, once no callback runs; nil when it is gone.
  public var assigns: JSON? {
    get async throws {
      try await client.server.settle()
      let topic = topic
      return await client.onServer { $0.assigns(at: topic) } ?? nil
    }
  }

  /// What came and was not asked for yet, one line a message, in its order: for tests of just that order.
  public var received: [String] { client.inbox.frames(of: topic).map(\.summary) }

  // MARK: Doing

  /// Pushes an event and returns its reply.
  @discardableResult
  public func push(
    _ event: String, _ payload: JSON = .emptyObject, fileID: StaticString = #fileID, line: Int = #line
  ) async throws -> Reply {
    let pending = try pushWithoutWaiting(event, payload, fileID: fileID, line: line)
    return try await expectReply(pending, fileID: fileID, line: line)
  }

  /// Pushes an event with bytes and returns its reply.
  @discardableResult
  public func push(
    _ event: String, bytes: [UInt8], fileID: StaticString = #fileID, line: Int = #line
  ) async throws -> Reply {
    let ref = client.nextRef()
    let parts = [joinRef.stringValue ?? "", ref.stringValue ?? "", topic, event].map { Array($0.utf8) }
    let header = [0] + parts.map { UInt8(clamping: $0.count) }
    try client.send(binary: header + parts.flatMap(\.self) + bytes, Place(fileID: fileID, line: line))
    return try await expectReply(PendingReply(ref: ref, event: event), fileID: fileID, line: line)
  }

  /// Pushes an event; its reply is asked for later, with ``expectReply(_:fileID:line:)``.
  public func pushWithoutWaiting(
    _ event: String, _ payload: JSON = .emptyObject, fileID: StaticString = #fileID, line: Int = #line
  ) throws -> PendingReply {
    let ref = client.nextRef()
    try client.send([joinRef, ref, JSON(topic), JSON(event), payload], Place(fileID: fileID, line: line))
    return PendingReply(ref: ref, event: event)
  }

  /// Sends a message to the channel's `handleMessage`, as the host does by its socket; returns when that is done.
  public func sendMessage(
    _ name: String, _ payload: JSON = .emptyObject, fileID: StaticString = #fileID, line: Int = #line
  ) async throws {
    let topic = topic
    let isSent = await client.onServer { driver in
      (try? driver.context(at: topic)?.perform(.send(message: name, payload: payload))) != nil
    }
    guard isSent == true else { throw failure("there is no channel to send \"\(name)\" to", fileID, line) }
    try await client.server.settle(fileID: fileID, line: line)
  }

  /// Asks for the full state, as a client that missed something does. ``expectFullState(fileID:line:)`` gets it.
  public func refresh(fileID: StaticString = #fileID, line: Int = #line) async throws {
    try await push(dialect.refreshRequest, fileID: fileID, line: line)
  }

  /// Leaves, and returns when the channel's `beforeClose` is done.
  public func leave(fileID: StaticString = #fileID, line: Int = #line) async throws {
    try await push(PhoenixEvent.leave, fileID: fileID, line: line)
    client.forget(joined)
    try await client.server.settle(fileID: fileID, line: line)
  }

  /// Makes the channel crash, and returns when its `beforeClose` is done. The client could ``rejoin(fileID:line:)``, as
  /// stock clients do by themselves.
  public func crash(fileID: StaticString = #fileID, line: Int = #line) async throws {
    // An event whose name is no string, on which Phoenix's channels crash too.
    try client.send([joinRef, client.nextRef(), JSON(topic), 0, [:]], Place(fileID: fileID, line: line))
    try await expectCrash(fileID: fileID, line: line)
    try await client.server.settle(fileID: fileID, line: line)
  }

  /// Joins again with the same params, as stock clients do after a crash.
  ///
  /// - Throws: ``JoinRefused`` with the answer.
  public func rejoin(fileID: StaticString = #fileID, line: Int = #line) async throws {
    try await join(fileID: fileID, line: line)
  }

  func join(fileID: StaticString, line: Int) async throws {
    let ref = client.nextRef()
    joined.view.withLock { $0 = JoinedTopic.View(joinRef: ref) }
    client.inbox.clear(topic: topic)
    try client.send(
      [ref, ref, JSON(topic), JSON(PhoenixEvent.join), joined.params], Place(fileID: fileID, line: line))
    let reply = try await expectReply(
      PendingReply(ref: ref, event: PhoenixEvent.join), fileID: fileID, line: line)
    guard reply.status == "ok" else { throw JoinRefused(topic: topic, reply: reply) }
    joined.view.withLock { $0.joinReply = reply }
  }

  /// What came with the answer to the join.
  public var joinResponse: JSON { joined.view.withLock { $0.joinReply?.response } ?? .null }

  var joinRef: JSON { joined.view.withLock { $0.joinRef } ?? .null }

  func failure(_ message: String, _ fileID: StaticString, _ line: Int) -> ExpectationFailure {
    let others = client.inbox.frames(of: topic)
    var text = "\(topic): \(message)"
    if !others.isEmpty {
      text += "\nWhat came and was not asked for:\n  \(others.map(\.summary).joined(separator: "\n  "))"
    }
    return client.server.failure(text, Place(fileID: fileID, line: line))
  }
}

/// A push whose reply is asked for later.
public struct PendingReply: Sendable {
  let ref: JSON
  let event: String
}
