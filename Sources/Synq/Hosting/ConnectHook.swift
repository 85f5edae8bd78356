import Logging
import SynqChannels
import SynqHosting

/// Asks a host's closures whether a client may connect: first about its origin, then about the client.
final class ConnectHook: ConnectHost {
  typealias Decision = @Sendable (inout Connection) async throws -> Void

  private let isAllowed: (@Sendable (String) async -> Bool)?
  private let decide: Decision?
  private let logger: Logger

  /// Nil when there is nothing to ask.
  init?(origin isAllowed: (@Sendable (String) async -> Bool)?, _ decide: Decision?, logger: Logger) {
    if isAllowed == nil, decide == nil { return nil }
    self.isAllowed = isAllowed
    self.decide = decide
    self.logger = logger
  }

  func connect(_ request: ConnectRequest) {
    Task { request.attempt.answer(await outcome(of: request)) }
  }

  private func outcome(of request: ConnectRequest) async -> ConnectOutcome {
    if let origin = request.originToCheck, let isAllowed, await !isAllowed(origin) { return .originRefused }
    var connection = Connection(request)
    do {
      try await decide?(&connection)
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
