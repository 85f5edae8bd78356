#if ServiceLifecycleSupport
import ServiceLifecycle
import SynqChannels

/// A server in a `ServiceGroup`, with the trait `ServiceLifecycleSupport` of this package.
/// ```swift
/// let group = ServiceGroup(
///   services: [server], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
/// try await group.run()
/// ```
extension Server: Service {
  /// Starts the server if it was not, and returns when it has stopped. A graceful shutdown of the group drains it, as
  /// ``stop(timeout:)`` does, and so does a cancellation; what is not done after 10 s is cut off. For another deadline,
  /// see ``service(grace:)``.
  public func run() async throws(HostError) { try await service().run() }

  /// The server as a service with a deadline of its own.
  ///
  /// - Parameter grace: after a graceful shutdown, what is not done within this time is cut off. Default 10 s. Keep it below
  ///   the group's `maximumGracefulShutdownDuration`, which cancels what is left.
  public func service(grace: Duration = .seconds(10)) -> ServerService {
    ServerService(server: self, grace: grace)
  }
}

/// A ``Server`` as a service: see ``Server/service(grace:)``.
public struct ServerService: Service {
  let server: Server
  let grace: Duration

  /// Starts the server if it was not, and returns when it has stopped.
  public func run() async throws(HostError) {
    try server.startIfNeeded()
    await withGracefulShutdownHandler {
      await server.waitOrStop(grace: grace)
    } onGracefulShutdown: {
      try? server.stop(timeout: grace)
    }
  }
}
#endif
