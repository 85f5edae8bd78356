import NIOCore

/// How fast a stop ends connections: in batches, so that clients which come back elsewhere do not all come at once.
package struct DrainPace: Sendable {
  /// Connections that end together.
  var batch: Int
  /// From one batch to the next.
  var pause: TimeAmount
  /// When everything should be done; nil for no end.
  var deadline: NIODeadline?

  /// All at once.
  package static let atOnce = DrainPace(batch: .max, pause: .zero)

  package init(batch: Int, pause: TimeAmount, deadline: NIODeadline? = nil) {
    self.batch = max(batch, 1)
    self.pause = pause
    self.deadline = deadline
  }

  /// The share of one of several loops.
  func shared(by loops: Int) -> DrainPace {
    DrainPace(batch: batch / max(loops, 1), pause: pause, deadline: deadline)
  }

  /// The pause with which so many connections are told within half of the time, and the rest of it is for their channels.
  func pause(for connections: Int, now: NIODeadline) -> TimeAmount {
    guard let deadline, connections > batch else { return pause }
    let batches = Int64((connections - 1) / batch)
    return min(pause, max(.zero, .nanoseconds((deadline - now).nanoseconds / 2 / batches)))
  }
}
