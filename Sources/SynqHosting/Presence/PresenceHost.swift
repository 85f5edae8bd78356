import SynqChannels
import SynqJSON
import Synchronization

/// A program's callbacks about who is in the topics of a pattern. Both run on the delivery's threads; those of one topic
/// one at a time, in the order of what happened.
package protocol PresenceHost: AnyObject, Sendable {
  /// Whether `fetch` is to be called.
  var fetchesPresence: Bool { get }

  /// Whether `presenceChanged` is to be called.
  var watchesPresence: Bool { get }

  /// Finds what is to be added to keys, and answers `fetch`, now or later on any thread.
  func fetchPresence(_ fetch: PresenceFetch)

  /// The first channel of a key came, or the last one went.
  func presenceChanged(topic: String, key: String, isPresent: Bool)
}

/// The question what is to be shown of keys: one for all keys of a change.
package final class PresenceFetch: Sendable {
  package let topic: String
  /// The keys with their new metas, `{key: {metas: […]}}`.
  package let presences: JSON
  private let completion: Mutex<(@Sendable (Result<JSON, HostError>) -> Void)?>

  init(
    topic: String, presences: JSON, _ completion: @escaping @Sendable (Result<JSON, HostError>) -> Void
  ) {
    self.topic = topic
    self.presences = presences
    self.completion = Mutex(completion)
  }

  deinit { finish(.failure(HostError(.state, "fetch: it ended without an answer"))) }

  /// Answers with `{key: {…}}`: the members of each object are shown beside the key's metas. The first answer counts; true if
  /// this was it.
  @discardableResult
  package func finish(_ result: Result<JSON, HostError>) -> Bool {
    guard let completion = completion.withLock({ $0.take() }) else { return false }
    completion(result)
    return true
  }
}

/// What presence asks of the server that it is part of.
protocol PresenceBackend: AnyObject, Sendable {
  /// Puts the message into the inbox of every loop, and returns the loops that must be woken.
  func enqueueToAll(_ message: LoopMessage) -> [ServerLoop]

  /// Runs callbacks on the delivery's threads.
  func submit(_ calls: [PendingCall])

  /// Runs an update in the turn of a topic, if anybody is in it.
  func update(topic: String, by update: any ContextUpdate)

  /// Says in the log that a callback failed.
  func presenceFailed(topic: String, cause: String)
}

/// Tells other processes of this one's members and takes in theirs: the engine of many processes implements it.
package protocol PresenceAdapter: AnyObject, Sendable {
  /// Members of this process came or went. Called under a lock of the topic, so in order: it must return at once.
  func send(topic: String, joins: [PresenceMember], leaves: [PresenceMember])
}
