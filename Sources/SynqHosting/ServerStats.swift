import Synchronization

/// A number that any thread may change.
package struct Counter: ~Copyable, Sendable {
  private let value = Atomic<Int>(0)

  package init() {}

  package func add(_ amount: Int = 1) { value.wrappingAdd(amount, ordering: .relaxed) }
  package func subtract() { value.wrappingSubtract(1, ordering: .relaxed) }
  package var current: Int { value.load(ordering: .relaxed) }
}

/// What a server counts.
package final class ServerStats: Sendable {
  /// Open now.
  package let connections = Counter()
  /// Since the start.
  package let connectionsTotal = Counter()
  /// Joined now.
  package let channels = Counter()
  package let messagesIn = Counter()
  package let messagesOut = Counter()
  package let bytesOut = Counter()
  package let callbacks = Counter()
  package let crashes = Counter()
  /// Messages of the server that wait for channels whose callbacks run.
  package let queuedMessages = Counter()

  package init() {}
}
