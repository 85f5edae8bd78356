import Synchronization

/// A client's wait to be connected. The host's answer may come from any thread and late; the first one counts, and none
/// does once the client has gone or has waited too long.
package final class ConnectAttempt: Sendable {
  private struct State: Sendable {
    var isOver = false
    var whenAnswered: (@Sendable (ConnectOutcome) -> Void)?
  }

  private let state = Mutex(State())

  package init() {}

  /// Names who is told the answer; once, before it can come.
  package func whenAnswered(_ body: @escaping @Sendable (ConnectOutcome) -> Void) {
    state.withLock { $0.whenAnswered = body }
  }

  /// Answers the client; false when that is too late.
  @discardableResult
  package func answer(_ outcome: ConnectOutcome) -> Bool {
    let (isFirst, tell) = state.withLock { state in
      defer { state.isOver = true }
      return (!state.isOver, state.whenAnswered.take())
    }
    tell?(outcome)
    return isFirst
  }

  /// Whether nobody waits any more.
  package var isOver: Bool { state.withLock { $0.isOver } }
}
