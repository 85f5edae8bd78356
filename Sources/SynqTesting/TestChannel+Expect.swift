import Synq
import SynqChannels
import SynqJSON
import SynqWire

/// Expectations: each waits for the first message of its kind that was not asked for yet, and throws an
/// ``ExpectationFailure`` when none comes, or another than expected.
extension TestChannel {
  /// The reply to a push.
  @discardableResult
  public func expectReply(
    _ pending: PendingReply, fileID: StaticString = #fileID, line: Int = #line
  ) async throws -> Reply {
    let frame = await next { $0.event == PhoenixEvent.reply && $0.ref == pending.ref }
    guard let frame else {
      throw failure("expected a reply to \"\(pending.event)\", none came", fileID, line)
    }
    return Reply(frame)
  }

  /// That the state becomes `expected`: full states and patches are passed over until it is.
  public func expectState(
    _ expected: JSON, fileID: StaticString = #fileID, line: Int = #line
  ) async throws {
    let (change, patch) = (dialect.changeEvent, dialect.patchEvent)
    while true {
      let state = joined.view.withLock { $0.expectedState }
      if state == expected { return }
      guard let frame = await next({ $0.event == change || $0.event == patch }) else {
        let actual = state.map { "it is     \($0)" } ?? "there is none"
        throw failure("the state is another\n  expected  \(expected)\n  \(actual)", fileID, line)
      }
      try follow(frame, fileID, line)
    }
  }

  /// A full state, as after a join or a refresh; returns it.
  @discardableResult
  public func expectFullState(fileID: StaticString = #fileID, line: Int = #line) async throws -> JSON {
    let event = dialect.changeEvent
    guard let frame = await next({ $0.event == event }) else {
      throw failure("expected a full state, none came", fileID, line)
    }
    try follow(frame, fileID, line)
    return frame.payload["state"] ?? .null
  }

  /// A full state that is `expected`.
  public func expectFullState(
    _ expected: JSON, fileID: StaticString = #fileID, line: Int = #line
  ) async throws {
    let state = try await expectFullState(fileID: fileID, line: line)
    guard state == expected else { throw mismatch("state", expected, state, fileID, line) }
  }

  /// A patch; returns its operations.
  @discardableResult
  public func expectPatch(fileID: StaticString = #fileID, line: Int = #line) async throws -> JSON {
    let event = dialect.patchEvent
    guard let frame = await next({ $0.event == event }) else {
      throw failure("expected a patch, none came", fileID, line)
    }
    try follow(frame, fileID, line)
    return frame.payload["\(dialect.operationsMember)"] ?? .null
  }

  /// A patch of these operations, `[{"op": …, "path": …, "value": …}]`.
  public func expectPatch(
    _ expected: JSON, fileID: StaticString = #fileID, line: Int = #line
  ) async throws {
    let operations = try await expectPatch(fileID: fileID, line: line)
    guard operations == expected else { throw mismatch("patch", expected, operations, fileID, line) }
  }

  /// An event that the server pushed or broadcast; returns its payload.
  @discardableResult
  public func expectPush(
    _ event: String, fileID: StaticString = #fileID, line: Int = #line
  ) async throws -> JSON {
    let dialect = dialect
    guard let frame = await next({ dialect.push(in: $0)?.event == event }), let push = dialect.push(in: frame)
    else {
      throw failure("expected \"\(event)\" to be pushed, it was not", fileID, line)
    }
    return push.payload
  }

  /// An event that the server pushed or broadcast with this payload.
  public func expectPush(
    _ event: String, _ expected: JSON, fileID: StaticString = #fileID, line: Int = #line
  ) async throws {
    let payload = try await expectPush(event, fileID: fileID, line: line)
    guard payload == expected else {
      throw mismatch("payload of \"\(event)\"", expected, payload, fileID, line)
    }
  }

  /// An event that the server pushed or broadcast with bytes; returns them.
  @discardableResult
  public func expectBytes(
    _ event: String, fileID: StaticString = #fileID, line: Int = #line
  ) async throws -> [UInt8] {
    guard let bytes = await next({ $0.event == event && $0.bytes != nil })?.bytes else {
      throw failure("expected \"\(event)\" to be pushed with bytes, it was not", fileID, line)
    }
    return bytes
  }

  /// The error that tells a client that `initialize` failed.
  @discardableResult
  public func expectError(fileID: StaticString = #fileID, line: Int = #line) async throws -> SynqError {
    let event = dialect.errorEvent
    guard let frame = await next({ $0.event == event }), let error = SynqError(frame.payload) else {
      throw failure("expected an error of the channel, none came", fileID, line)
    }
    return error
  }

  /// The channel's end after which a client stays away: `phx_close`.
  public func expectClose(fileID: StaticString = #fileID, line: Int = #line) async throws {
    guard await next({ $0.event == PhoenixEvent.close }) != nil else {
      throw failure("expected the channel to close, it did not", fileID, line)
    }
  }

  /// The channel's end after which a client joins again: `phx_error`.
  public func expectCrash(fileID: StaticString = #fileID, line: Int = #line) async throws {
    guard await next({ $0.event == PhoenixEvent.error }) != nil else {
      throw failure("expected the channel to crash, it did not", fileID, line)
    }
  }

  // MARK: What must not come

  /// That `event` was not pushed, once no callback runs any more.
  public func refutePush(_ event: String, fileID: StaticString = #fileID, line: Int = #line) async throws {
    try await client.server.settle(fileID: fileID, line: line)
    if peek({ dialect.push(in: $0)?.event == event }) != nil {
      throw failure("\"\(event)\" was pushed, and must not be", fileID, line)
    }
  }

  /// That no patch came which was not asked for, once no callback runs any more.
  public func refutePatch(fileID: StaticString = #fileID, line: Int = #line) async throws {
    try await client.server.settle(fileID: fileID, line: line)
    if peek({ $0.event == dialect.patchEvent }) != nil {
      throw failure("a patch came, and must not", fileID, line)
    }
  }

  /// That no full state came which was not asked for, once no callback runs any more.
  public func refuteFullState(fileID: StaticString = #fileID, line: Int = #line) async throws {
    try await client.server.settle(fileID: fileID, line: line)
    if peek({ $0.event == dialect.changeEvent }) != nil {
      throw failure("a full state came, and must not", fileID, line)
    }
  }

  // MARK: Messages

  func next(_ matches: @escaping @Sendable (ServerFrame) -> Bool) async -> ServerFrame? {
    let joinRef = joinRef
    return await client.inbox.next(topic: topic, within: client.server.timeout) { frame in
      // A broadcast has no join_ref, and neither has the refusal of a topic that is not joined.
      (frame.joinRef == nil || frame.joinRef == joinRef) && matches(frame)
    }
  }

  private func peek(_ matches: (ServerFrame) -> Bool) -> ServerFrame? {
    client.inbox.peek(topic: topic, where: matches)
  }

  /// A message that carries state was asked for.
  private func follow(_ frame: ServerFrame, _ fileID: StaticString, _ line: Int) throws {
    let damage = joined.view.withLock { view in
      view.expectedState = frame.stateAfter
      return view.damage
    }
    if let damage { throw failure(damage, fileID, line) }
  }

  private func mismatch(
    _ what: String, _ expected: JSON, _ actual: JSON, _ fileID: StaticString, _ line: Int
  ) -> ExpectationFailure {
    failure("another \(what) came\n  expected \(expected)\n  but got  \(actual)", fileID, line)
  }
}

extension Dialect {
  /// What the server pushed of its own, without the wrapping of the dialect; nil for the protocol's and the state's events.
  func push(in frame: ServerFrame) -> (event: String, payload: JSON)? {
    switch frame.event {
    case changeEvent, patchEvent, errorEvent, PhoenixEvent.reply, PhoenixEvent.close, PhoenixEvent.error:
      return nil
    case wrappingEvent:
      guard let name = frame.payload["name"]?.stringValue else { return nil }
      return (name, frame.payload["detail"] ?? .null)
    default: return (frame.event, frame.payload)
    }
  }

  /// The event by which a client asks for the full state.
  var refreshRequest: String {
    switch self {
    case .synq: "synq:refresh"
    case .liveState: "lvs_refresh"
    case .liveViewModel: "lvm_evt:lvm_refresh"
    case .seance: "seance:refresh"
    }
  }
}
