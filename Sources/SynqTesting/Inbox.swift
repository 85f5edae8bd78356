import SynqWire
import Synchronization

/// What a test's client got and nobody asked for yet, and who waits for what.
final class Inbox: Sendable {
  fileprivate struct Waiter {
    var number: Int
    var topic: String
    var matches: @Sendable (ServerFrame) -> Bool
    var continuation: CheckedContinuation<ServerFrame?, Never>
    var deadline: Task<Void, Never>?
  }

  private struct State {
    var frames: [ServerFrame] = []
    var waiters: [Waiter] = []
    var waitersMade = 0
  }

  private let state = Mutex(State())

  /// Hands the frame to the first who waits for it, else keeps it. The end of a channel lets nobody else of its topic wait.
  func append(_ frame: ServerFrame) {
    let (receiver, disappointed) = state.withLock { state -> (Waiter?, [Waiter]) in
      let place = state.waiters.firstIndex { $0.topic == frame.topic && $0.matches(frame) }
      let receiver = place.map { state.waiters.remove(at: $0) }
      if receiver == nil { state.frames.append(frame) }
      guard frame.isEnd else { return (receiver, []) }
      let disappointed = state.waiters.filter { $0.topic == frame.topic }
      state.waiters.removeAll { $0.topic == frame.topic }
      return (receiver, disappointed)
    }
    receiver?.resume(returning: frame)
    for waiter in disappointed { waiter.resume(returning: nil) }
  }

  /// The first frame that matches, as soon as it comes; nil if it does not within `timeout`, or cannot any more.
  func next(
    topic: String, within timeout: Duration, where matches: @escaping @Sendable (ServerFrame) -> Bool
  ) async -> ServerFrame? {
    await withCheckedContinuation { continuation in
      let result = state.withLock { state -> ServerFrame?? in
        if let place = state.frames.firstIndex(where: { $0.topic == topic && matches($0) }) {
          return .some(state.frames.remove(at: place))
        }
        if state.frames.contains(where: { $0.topic == topic && $0.isEnd }) { return .some(nil) }
        state.waitersMade += 1
        let number = state.waitersMade
        let deadline = Task { [weak self] in
          try? await Task.sleep(for: timeout)
          if !Task.isCancelled { self?.expire(number) }
        }
        state.waiters.append(
          Waiter(
            number: number, topic: topic, matches: matches, continuation: continuation, deadline: deadline))
        return nil
      }
      if let result { continuation.resume(returning: result) }
    }
  }

  private func expire(_ number: Int) {
    let waiter = state.withLock { state in
      state.waiters.firstIndex { $0.number == number }.map { state.waiters.remove(at: $0) }
    }
    waiter?.resume(returning: nil)
  }

  /// Lets nobody wait any more: the connection is gone.
  func disappointAll() {
    let waiters = state.withLock { state in
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume(returning: nil) }
  }

  /// The first frame that matches and is there, which stays.
  func peek(topic: String, where matches: (ServerFrame) -> Bool) -> ServerFrame? {
    state.withLock { $0.frames.first { $0.topic == topic && matches($0) } }
  }

  /// What is there of a topic, in order.
  func frames(of topic: String) -> [ServerFrame] { state.withLock { $0.frames.filter { $0.topic == topic } } }

  /// Forgets what is there of a topic.
  func clear(topic: String) { state.withLock { $0.frames.removeAll { $0.topic == topic } } }
}

extension ServerFrame {
  /// Whether it tells the client that its channel is over.
  fileprivate var isEnd: Bool { event == PhoenixEvent.error || event == PhoenixEvent.close }
}

extension Inbox.Waiter {
  fileprivate func resume(returning frame: ServerFrame?) {
    deadline?.cancel()
    continuation.resume(returning: frame)
  }
}
