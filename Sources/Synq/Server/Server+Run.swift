import Dispatch
import Glibc
import SynqChannels
import SynqServer
import Synchronization

extension Server {
  /// A signal on which a server stops.
  public enum Signal: Int32, Sendable, CaseIterable {
    /// SIGINT: Ctrl-C.
    case interrupt = 2
    /// SIGTERM: what service managers send.
    case terminate = 15
  }

  /// Starts the server if it was not, and returns when it has stopped. Cancelling the task stops it.
  ///
  /// - Parameter grace: after a cancellation, what is not done within this time is cut off. Default 10 s.
  public func run(grace: Duration = .seconds(10)) async throws(HostError) {
    try startIfNeeded()
    await waitOrStop(grace: grace)
  }

  /// As ``run(grace:)``, and stops on these signals too, which the process handles from here on until the first of them
  /// came; a second one has its default effect, and ends a process whose callbacks hang.
  ///
  /// The library installs no signal handler but by this method.
  ///
  /// - Parameter started: called once the port is bound and the signals are handled: the moment to tell the world.
  public func run(
    stoppingOn signals: Signal..., grace: Duration = .seconds(10), started: () -> Void = {}
  ) async throws(HostError) {
    try startIfNeeded()
    let traps = SignalTraps(signals) { [self] in try? stop(timeout: grace) }
    defer { traps.remove() }
    started()
    await waitOrStop(grace: grace)
  }

  func startIfNeeded() throws(HostError) {
    if !runtime.wasStarted { try start() }
  }

  /// Waits until the server has stopped; a cancellation stops it.
  func waitOrStop(grace: Duration) async {
    await withTaskCancellationHandler {
      await wait()
    } onCancel: {
      try? stop(timeout: grace)
    }
  }
}

/// Signals that a server waits for.
///
/// `@unchecked Sendable`: `sources` is complete before the first source is resumed, and not changed afterwards.
private final class SignalTraps: @unchecked Sendable {
  private var sources: [(signal: Int32, source: any DispatchSourceSignal)] = []
  private let isRemoved = Atomic<Bool>(false)

  init(_ signals: [Server.Signal], _ action: @escaping @Sendable () -> Void) {
    for signal in Set(signals) {
      // The source only watches; the default action would end the process all the same.
      _ = Glibc.signal(signal.rawValue, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: signal.rawValue, queue: .global())
      source.setEventHandler { [weak self] in
        self?.remove()
        action()
      }
      sources.append((signal.rawValue, source))
    }
    for (_, source) in sources { source.resume() }
  }

  /// Gives the signals their default effect again.
  func remove() {
    guard !isRemoved.exchange(true, ordering: .relaxed) else { return }
    for (signal, source) in sources {
      source.cancel()
      _ = Glibc.signal(signal, SIG_DFL)
    }
  }
}
