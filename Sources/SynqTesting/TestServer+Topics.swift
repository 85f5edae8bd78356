import Synq
import SynqChannels
import SynqHosting

extension TestServer {
  /// Runs a function in the turn of a topic, as ``Synq/Server/update(topic:opens:_:)`` does.
  public func update<Result: Sendable>(
    topic: String, opens: Bool = false, _ body: @escaping @Sendable (Socket) throws -> Result
  ) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      let update = ProgramUpdate(body) { continuation.resume(with: $0) }
      do throws(HostError) {
        try hub.update(topic: topic, opens: opens, update)
      } catch {
        continuation.resume(throwing: error)
      }
    }
  }

  /// How many channels are in a topic whose channels share assigns.
  public func channelCount(inTopic topic: String) -> Int { hub.memberCount(ofTopic: topic) }
}
