import NIOCore
import SynqChannels
import Synchronization

/// How changes get to the event loops that follow, and from there to the clients.
extension SharedTopic {
  /// Finds out what clients have not been told of and hands it to the loops. At most one thread does so at a time; the
  /// difference is found without the lock.
  func publish(by origin: Invocation?) {
    let interval = TimeAmount(clamping: spec.options.patchInterval)
    while true {
      let begun = state.withLock { state -> SharedState? in
        guard !state.following.isEmpty else {
          state.shared.publishToNobody()
          return nil
        }
        if state.isPublishing {
          state.publishIsDue = true
          return nil
        }
        if interval > .nanoseconds(0), mustWait(&state, interval) { return nil }
        state.isPublishing = true
        state.publishIsDue = false
        return state.shared
      }
      guard let shared = begun else { return }
      let difference = shared.difference()
      var loops: [TopicFollower] = []
      let goesOn = state.withLock { state in
        state.isPublishing = false
        if let difference {
          state.lastPublished = home?.eventLoop.now
          let change = state.shared.publish(
            difference, by: origin, maxPatchBytes: SocketLimits().maxPatchBytes)
          loops = Self.handOut(change, to: &state)
        }
        return state.publishIsDue
      }
      for follower in loops { follower.loop.post(.follow(follower)) }
      guard goesOn else { return }
    }
  }

  /// Whether the last messages are too young. Then a timer publishes.
  private func mustWait(_ state: inout State, _ interval: TimeAmount) -> Bool {
    guard let home, let last = state.lastPublished else { return false }
    let due = last + interval
    guard home.eventLoop.now < due else { return false }
    if !state.publishIsDue {
      state.publishIsDue = true
      home.eventLoop.scheduleTask(deadline: due) { [weak self] in
        guard let self else { return }
        self.state.withLock { $0.publishIsDue = false }
        self.publish(by: nil)
      }
    }
    return true
  }

  /// Notes a change for every loop that follows; the ones that must be told.
  private static func handOut(_ change: TopicChange, to state: inout State) -> [TopicFollower] {
    var untold: [TopicFollower] = []
    for index in state.following.indices {
      if state.following[index].changes.count == maxPendingChanges {
        state.following[index].changes.removeFirst(maxPendingChanges / 2)
      }
      state.following[index].changes.append(change)
      if !state.following[index].isTold {
        state.following[index].isTold = true
        untold.append(state.following[index].follower)
      }
    }
    return untold
  }

  /// A loop begins to follow; the state that it begins with.
  func add(_ make: (SharedState.Snapshot) -> TopicFollower) -> TopicFollower {
    state.withLock { state in
      let follower = make(state.shared.snapshot)
      state.following.append(Following(follower: follower))
      return follower
    }
  }

  func remove(_ follower: TopicFollower) {
    state.withLock { $0.following.removeAll { $0.follower === follower } }
  }

  /// What a loop has not taken yet, and the state that it leads to; nil if there is nothing.
  func take(for follower: TopicFollower) -> (changes: [TopicChange], state: SharedState.Snapshot)? {
    state.withLock { state in
      guard let place = state.following.firstIndex(where: { $0.follower === follower }) else { return nil }
      state.following[place].isTold = false
      guard !state.following[place].changes.isEmpty else { return nil }
      defer { state.following[place].changes = [] }
      return (state.following[place].changes, state.shared.snapshot)
    }
  }
}
