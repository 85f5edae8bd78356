import SynqChannels
import SynqHosting
import SynqNetwork

/// Clients of a web server of the program's.
extension ServerRuntime {
  /// A client that the program's web server hands over; it is asked about when `begin` has been called.
  package func makeLink(_ request: LinkRequest, host: any LinkHost) throws(HostError) -> LinkConnection {
    let (running, phase) = state.withLock { ($0.running, $0.phase) }
    guard let running, phase == .running else { throw Self.cannotLink(phase) }
    let hub = running.hub
    let link = running.network.makeLink(request, host: host) { hub.runOnHostThread($0) }
    guard let link else { throw HostError(.closed, "server: it stops") }
    return link
  }

  /// Hands the link to its loop.
  package func begin(_ link: LinkConnection) throws(HostError) {
    // Under the lock, because a loop that has ended takes no task.
    let phase = state.withLock { state -> Phase? in
      guard state.phase == .running, state.running != nil else { return state.phase }
      link.begin()
      return nil
    }
    if let phase { throw Self.cannotLink(phase) }
  }

  private static func cannotLink(_ phase: Phase) -> HostError {
    switch phase {
    case .configuring, .running: HostError(.state, "server: it was not started")
    case .stopping, .stopped: HostError(.closed, "server: it stops")
    }
  }
}
