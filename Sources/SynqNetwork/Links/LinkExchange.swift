import NIOConcurrencyHelpers
import NIOCore
import SynqHosting
import SynqWebSocket
import SynqWire

/// What goes between the program's threads and the loop of one link: messages in, and calls of the program out.
final class LinkExchange: Sendable {
  struct Message: Sendable {
    var kind: Outbox.Kind
    var bytes: [UInt8]
  }

  /// The last that the program is told.
  enum Ending: Sendable {
    case refuse(status: Int, body: String)
    case close(CloseCode, reason: String)
  }

  private enum Call: Sendable {
    case accepted(subprotocol: String?)
    case send(Message)
    case resume
    case end(Ending)
    case ended
  }

  private struct State: Sendable {
    var isOpen = false
    var isOver = false
    /// The program said that the connection is gone: it is told nothing more but that.
    var isLost = false
    var inbox: [Message] = []
    var inboxBytes = 0
    var calls: [Call] = []
    /// Calls are being made, or are about to be.
    var isCalling = false
    /// Bytes that the client's side has not taken.
    var waitingBytes = 0
    var isFull = false
    var isHeld = false
    /// The program was told to read no more.
    var isToldToWait = false
    var limits = WebSocketLimits()

    var mustWait: Bool { isHeld || isFull || inboxBytes > LinkExchange.inboxHighWaterMark }
  }

  /// Bytes of messages that wait for the loop at which the program is to read no more.
  private static let inboxHighWaterMark = 262_144

  private let state = NIOLockedValueBox(State())
  private let eventLoop: any EventLoop
  private let host: any LinkHost
  private let run: @Sendable (@escaping @Sendable () -> Void) -> Void

  init(
    _ eventLoop: any EventLoop, host: any LinkHost,
    run: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void
  ) {
    self.eventLoop = eventLoop
    self.host = host
    self.run = run
  }

  func use(_ limits: WebSocketLimits) { state.withLockedValue { $0.limits = limits } }

  var isOver: Bool { state.withLockedValue { $0.isOver } }
  var isFull: Bool { state.withLockedValue { $0.isFull } }

  // MARK: In, from any thread

  // Tasks are given to the loop under the lock: a link that is over has left its loop, which may have ended.

  /// See `LinkConnection.receive`.
  func receive(
    _ kind: Outbox.Kind, _ bytes: UnsafeRawBufferPointer, drain: @escaping @Sendable () -> Void
  ) -> Bool? {
    state.withLockedValue { state in
      guard state.isOpen, !state.isOver else { return nil }
      if state.inbox.isEmpty { eventLoop.execute(drain) }
      // One that is too long is refused for its length, so its bytes need not be kept.
      state.inbox.append(Message(kind: kind, bytes: Array(bytes.prefix(state.limits.maxMessageBytes + 1))))
      state.inboxBytes += bytes.count
      guard state.mustWait else { return true }
      state.isToldToWait = true
      return false
    }
  }

  func takeInbox() -> [Message] {
    let (messages, mustCall) = state.withLockedValue { state in
      defer { state.inbox = [] }
      state.inboxBytes = 0
      return (state.inbox, resumeIfDue(&state))
    }
    if mustCall { call() }
    return messages
  }

  /// See `LinkConnection.sent`.
  func sent(_ bytes: Int, becameWritable: @escaping @Sendable () -> Void) -> Bool {
    let (isThere, mustCall) = state.withLockedValue { state in
      guard !state.isOver, !state.isLost else { return (false, false) }
      state.waitingBytes = max(0, state.waitingBytes - bytes)
      guard state.isFull, state.waitingBytes <= state.limits.outboundLowWaterMark else {
        return (true, false)
      }
      state.isFull = false
      eventLoop.execute(becameWritable)
      return (true, resumeIfDue(&state))
    }
    if mustCall { call() }
    return isThere
  }

  /// See `LinkConnection.lost`.
  func lose(_ finish: @escaping @Sendable () -> Void) -> Bool {
    state.withLockedValue { state in
      guard !state.isOver, !state.isLost else { return false }
      state.isLost = true
      eventLoop.execute(finish)
      return true
    }
  }

  // MARK: Out, from the loop

  func open(subprotocol: String?) {
    enqueue { state in
      state.isOpen = true
      state.calls.append(.accepted(subprotocol: subprotocol))
    }
  }

  /// False, and nothing is sent, if too much waits already.
  func send(_ messages: [Message]) -> Bool {
    let (isTaken, mustCall) = state.withLockedValue { state in
      guard !state.isOver else { return (true, false) }
      guard state.waitingBytes <= state.limits.maxOutboundBytes else { return (false, false) }
      for message in messages {
        state.waitingBytes += message.bytes.count
        state.calls.append(.send(message))
      }
      if state.waitingBytes >= state.limits.outboundHighWaterMark { state.isFull = true }
      return (true, begin(&state))
    }
    if mustCall { call() }
    return isTaken
  }

  /// About how much memory is held for what comes and goes.
  var heldBytes: Int { state.withLockedValue { $0.waitingBytes + $0.inboxBytes } }

  /// Forgets the messages that the program was not given yet.
  func dropMessages() {
    state.withLockedValue { state in
      state.inbox = []
      state.calls.removeAll { if case .send = $0 { true } else { false } }
    }
  }

  func hold(_ isHeld: Bool) {
    let mustCall = state.withLockedValue { state in
      state.isHeld = isHeld
      return resumeIfDue(&state)
    }
    if mustCall { call() }
  }

  /// Nothing comes any more, and nothing is taken.
  func end(_ ending: Ending?) {
    enqueue { state in
      guard !state.isOver else { return }
      state.isOver = true
      state.inbox = []
      if let ending { state.calls.append(.end(ending)) }
      state.calls.append(.ended)
    }
  }

  private func enqueue(_ change: (inout State) -> Void) {
    let mustCall = state.withLockedValue { state in
      change(&state)
      return begin(&state)
    }
    if mustCall { call() }
  }

  private func resumeIfDue(_ state: inout State) -> Bool {
    guard state.isToldToWait, !state.mustWait, !state.isOver else { return false }
    state.isToldToWait = false
    state.calls.append(.resume)
    return begin(&state)
  }

  /// True if `call` must follow, without the lock.
  private func begin(_ state: inout State) -> Bool {
    guard !state.isCalling, !state.calls.isEmpty else { return false }
    state.isCalling = true
    return true
  }

  /// Has the calls made where the program's callbacks run; those that come meanwhile too, in order.
  private func call() { run { self.makeCalls() } }

  private func makeCalls() {
    while true {
      let calls = state.withLockedValue { state in
        defer { state.calls = [] }
        state.isCalling = !state.calls.isEmpty
        return state.calls
      }
      if calls.isEmpty { return }
      for call in calls { make(call) }
    }
  }

  private func make(_ call: Call) {
    if case .ended = call { return host.ended() }
    guard !state.withLockedValue({ $0.isLost }) else { return }
    switch call {
    case .accepted(let subprotocol): host.accepted(subprotocol: subprotocol)
    case .send(let message): message.bytes.withUnsafeBytes { host.send(message.kind, $0) }
    case .resume: host.resume()
    case .end(.refuse(let status, let body)): host.refused(status: status, body: body)
    case .end(.close(let code, let reason)): host.close(code, reason: reason)
    case .ended: break
    }
  }
}
