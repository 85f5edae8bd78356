import Logging
import SynqChannels
import SynqServer

/// Asks a host's closure whether a client may connect.
final class ConnectHook: ConnectHost {
  private let decide: @Sendable (inout Connection) async throws -> Void
  private let logger: Logger

  init(_ decide: @escaping @Sendable (inout Connection) async throws -> Void, logger: Logger) {
    self.decide = decide
    self.logger = logger
  }

  func connect(_ request: ConnectRequest, _ completion: @escaping @Sendable (ConnectOutcome) -> Void) {
    Task { completion(await self.outcome(of: request)) }
  }

  private func outcome(of request: ConnectRequest) async -> ConnectOutcome {
    var connection = Connection(request)
    do {
      try await decide(&connection)
      return .accepted(connection.grant)
    } catch let refusal as ConnectionRefused {
      return .refused(status: refusal.status, body: refusal.body, reason: "connect refused")
    } catch let error as SynqError {
      return .refused(status: 403, body: error.message, reason: "connect refused: \(error.code)")
    } catch {
      logger.error("connect failed", metadata: ["peer": "\(request.peer)", "cause": "\(error)"])
      return .refused(status: 500, body: "", reason: "connect failed")
    }
  }
}
