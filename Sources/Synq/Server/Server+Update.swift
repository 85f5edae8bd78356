import SynqChannels
import SynqHosting
import SynqJSON
import SynqServer
import Synchronization

extension Server {
  /// Runs `body` once in a topic's turn, from anywhere: a timer, an HTTP handler, a consumer of messages. What it changes of
  /// the shared assigns becomes one patch for every client. Gives what it returns.
  /// ```swift
  /// try await server.update(topic: "board:1") { board in try board.set(true, at: "/cards/3/done") }
  /// ```
  /// The `Socket` is the topic: it has the shared assigns, and can broadcast and publish; it has no client. When `body` throws,
  /// nothing changes, and this throws the same error.
  ///
  /// - Parameter opens: whether a topic that nobody is in is opened; else that is an error of code `notFound`.
  ///
  /// Throws a ``SynqChannels/HostError``: `state` inside a callback of the same topic, which would wait for itself; `invalidArgument` where
  /// no channel is registered for the topic or it shares nothing; `closed` once the server stops.
  public func update<Result: Sendable>(
    topic: String, opens: Bool = false, _ body: @escaping @Sendable (Socket) throws -> Result
  ) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      let update = ProgramUpdate(body) { continuation.resume(with: $0) }
      do throws(HostError) {
        try runtime.update(topic: topic, opens: opens, update)
      } catch {
        continuation.resume(throwing: error)
      }
    }
  }

  /// How many channels are in a topic whose channels share assigns.
  public func channelCount(inTopic topic: String) throws(HostError) -> Int {
    try runtime.memberCount(ofTopic: topic)
  }
}

extension Socket {
  /// Runs `body` once in the channel's order, from anywhere, and gives what it returns. What it changes of the assigns is sent
  /// as after a callback. When `body` throws, nothing changes, and this throws the same error.
  ///
  /// Throws a ``SynqChannels/HostError`` of code `closed` when the channel is gone, and `state` inside one of its callbacks,
  /// which would wait for itself.
  public func update<Result: Sendable>(
    _ body: @escaping @Sendable (Socket) throws -> Result
  ) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      let update = ProgramUpdate(body) { continuation.resume(with: $0) }
      do throws(HostError) {
        try context.update(update)
      } catch {
        continuation.resume(throwing: error)
      }
    }
  }
}

/// A function of the program's, and who waits for what it returns.
package final class ProgramUpdate<Success: Sendable>: ContextUpdate {
  private let body: @Sendable (Socket) throws -> Success
  private let whenEnded: @Sendable (Result<Success, any Error>) -> Void
  private let result = Mutex<Result<Success, any Error>?>(nil)

  package init(
    _ body: @escaping @Sendable (Socket) throws -> Success,
    _ whenEnded: @escaping @Sendable (Result<Success, any Error>) -> Void
  ) {
    self.body = body
    self.whenEnded = whenEnded
  }

  /// Runs the function, and keeps what it gave.
  package func run(on context: ChannelContext) -> Outcome {
    let made = Result { try body(Socket(context: context)) }
    result.withLock { $0 = made }
    if case .failure = made { return .refused }
    return .returned
  }

  /// Tells what the function gave, or why it never ran.
  package func ended(_ error: HostError?) {
    let made = result.withLock { $0 }
    whenEnded(made ?? .failure(error ?? HostError(.closed, "update: the channel is gone")))
  }
}
