/// How callbacks get to the threads that run them (docs/architecture.md).
package enum Delivery: Sendable {
  /// On the event loop, for hosts that promise never to block.
  case inline
  /// On threads of the library.
  case workers(WorkerPool)
  /// On the host's threads, when it polls.
  case polled(PollQueue)

  /// Frees something of the host's: where it polls, on the thread that does, else here.
  func release(_ body: @escaping @Sendable () -> Void) {
    if case .polled(let queue) = self { queue.submit([.release(body)]) } else { body() }
  }

  var isInline: Bool { if case .inline = self { true } else { false } }

  /// Hands over the callbacks of one turn of a loop. True if `growIfBlocked` should be called a little later.
  func submit(_ calls: [PendingCall]) -> Bool {
    switch self {
    case .inline: for call in calls { call.run() }
    case .workers(let pool): return pool.submit(calls)
    case .polled(let queue): queue.submit(calls)
    }
    return false
  }

  /// Adds threads where all are blocked. True if it should be called again a little later.
  func growIfBlocked() -> Bool { if case .workers(let pool) = self { pool.growIfBlocked() } else { false } }
}

/// Callbacks in the order in which they became due.
///
/// Each channel has at most one callback due at a time, so order within a channel needs no more than this.
struct CallQueue {
  private var calls: [PendingCall?] = []
  private var head = 0

  var isEmpty: Bool { head == calls.count }

  var count: Int { calls.count - head }

  mutating func append(_ more: [PendingCall]) { calls.append(contentsOf: more.lazy.map(Optional.some)) }

  mutating func popFirst() -> PendingCall? {
    guard head < calls.count else { return nil }
    let call = calls[head].take()
    head += 1
    if head == calls.count {
      calls.removeAll(keepingCapacity: calls.count <= 1024)
      head = 0
    } else if head >= 1024, head * 2 >= calls.count {
      // The queue may never be empty: what was taken must not pile up.
      calls.removeFirst(head)
      head = 0
    }
    return call
  }
}
