import NIOCore
import NIOPosix
import SynqChannels
import SynqHosting
import SynqWire
import Synchronization

/// The end of a server: drain, then take down, in steps that never block the thread that asked.
extension ServerRuntime {
  /// Begins the end and returns at once; a further call can only shorten the deadline. `whenStopped` fires when all is done.
  ///
  /// - Parameter timeout: what is not done by then is cut off; nil waits without end.
  package func stop(timeout: Duration?) throws(HostError) {
    let deadline = timeout.map { NIODeadline.now() + TimeAmount(clamping: $0) }
    enum Step {
      case nothing
      case drain(Running, DrainPace)
      case hasten(Running, NIODeadline)
      case endUnstarted
    }
    let result = state.withLock { state -> Result<Step, HostError> in
      switch state.phase {
      case .configuring:
        state.phase = .stopped
        return .success(.endUnstarted)
      case .running:
        guard let running = state.running else {
          return .failure(HostError(.state, "server: it is starting"))
        }
        state.phase = .stopping
        state.deadline = deadline
        let limits = state.configuration.network.limits
        return .success(
          .drain(
            running, DrainPace(batch: limits.drainBatch, pause: limits.drainPause, deadline: deadline)))
      case .stopping:
        guard let running = state.running, let deadline, deadline < state.deadline ?? .distantFuture else {
          return .success(.nothing)
        }
        state.deadline = deadline
        return .success(.hasten(running, deadline))
      case .stopped: return .success(.nothing)
      }
    }
    switch try result.get() {
    case .nothing: break
    case .endUnstarted: end()
    case .drain(let running, let pace):
      _ = running.network.stopAccepting()
      running.hub.drain(pace) { self.takeDown(running) }
      if let deadline { cutOff(running, at: deadline) }
    case .hasten(let running, let deadline):
      running.hub.hasten()
      cutOff(running, at: deadline)
    }
  }

  private func cutOff(_ running: Running, at deadline: NIODeadline) {
    state.withLock { state in
      guard !state.loopsAreEnding else { return }
      running.group.next().scheduleTask(deadline: deadline) {
        running.hub.cutOff()
        self.abandonPeers()
      }
    }
  }

  /// Every channel has ended: closes what is left of the network.
  private func takeDown(_ running: Running) {
    running.network.closeAll(.serviceRestart, reason: "").whenComplete { _ in
      self.state.withLock { $0.loopsAreEnding = true }
      ProcessFork.willEndLoops()
      running.group.shutdownGracefully { _ in self.end() }
    }
    state.withLock { state in
      state.isTakingDown = true
      Self.abandonPeersIfAsked(&state)
    }
  }

  /// Of a stop that was begun: peers are told to close without a pause, and not waited for.
  package func abandonPeers() {
    state.withLock { $0.running?.hub }?.hasten()
    state.withLock { state in
      state.peersAreAbandoned = true
      Self.abandonPeersIfAsked(&state)
    }
  }

  /// Under the lock, because a loop that has ended takes no task.
  private static func abandonPeersIfAsked(_ state: inout State) {
    guard state.peersAreAbandoned, state.isTakingDown, !state.loopsAreEnding else { return }
    state.running?.network.cutOff()
  }

  private func end() {
    pollQueue?.close()
    let callbacks = state.withLock { state in
      state.phase = .stopped
      state.running = nil
      defer { state.whenStopped = [] }
      return state.whenStopped
    }
    stopped.fire()
    for callback in callbacks { callback() }
  }

  /// Waits until the end, at most `timeout`; false if it passed.
  package func wait(timeout: Duration?) throws(HostError) -> Bool {
    if state.withLock({ $0.phase == .configuring }) { throw HostError(.state, "server: it was not started") }
    return stopped.wait(timeout: timeout)
  }

  /// Calls `body` once the server has stopped, at once if it has.
  package func whenStopped(_ body: @escaping @Sendable () -> Void) {
    let isStopped = state.withLock { state in
      if state.phase == .stopped { return true }
      state.whenStopped.append(body)
      return false
    }
    if isStopped { body() }
  }

  /// Whether `start` succeeded at some time.
  package var wasStarted: Bool {
    state.withLock { state in
      switch state.phase {
      case .configuring: false
      case .running, .stopping: state.running != nil
      case .stopped: true
      }
    }
  }

  package var isStopped: Bool { state.withLock { $0.phase == .stopped } }

  /// Ends the library's threads; after the stop, not from one of them.
  package func joinThreads() {
    if case .workers(let pool) = deliveryOfCallbacks { pool.stop() }
    endLog()
  }

  /// Whether the current thread is one that the library runs callbacks on.
  package var isOnCallbackThread: Bool {
    switch deliveryOfCallbacks {
    case .workers(let pool): if pool.isCurrentThread { return true }
    case .polled(let queue): if queue.isOnPollingThread { return true }
    case .inline: break
    }
    let group = state.withLock { $0.running?.group }
    return group?.makeIterator().contains { $0.inEventLoop } ?? false
  }
}
