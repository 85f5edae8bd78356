import SynqChannels
import Synchronization

/// The topics with shared assigns that a server has, by their names.
final class TopicTable: Sendable {
  private struct State: Sendable {
    var topics: [Topic: SharedTopic] = [:]
    /// Called once, when no topic is left.
    var whenEmpty: (@Sendable () -> Void)?
  }

  private let state = Mutex(State())

  /// The topic of this name, in which one more channel counts.
  func join(_ name: String, _ make: () -> SharedTopic) -> SharedTopic {
    state.withLock { state in
      let topic = state.topics[Topic(name)] ?? make()
      state.topics[Topic(name)] = topic
      // Under the table's lock, so that it is not forgotten before.
      topic.join()
      return topic
    }
  }

  /// The topic of this name, if there is one.
  func topic(_ name: String) -> SharedTopic? { state.withLock { $0.topics[Topic(name)] } }

  /// All topics.
  var all: [SharedTopic] { state.withLock { Array($0.topics.values) } }

  /// Forgets a topic, unless somebody has come meanwhile.
  func forget(_ topic: SharedTopic) {
    let whenEmpty = state.withLock { state -> (@Sendable () -> Void)? in
      guard topic.state.withLock({ $0.turn.isForgettable }), state.topics[Topic(topic.name)] === topic else {
        return nil
      }
      state.topics[Topic(topic.name)] = nil
      return state.topics.isEmpty ? state.whenEmpty.take() : nil
    }
    whenEmpty?()
  }

  /// Calls `body` when no topic is left, or now.
  func whenEmpty(_ body: @escaping @Sendable () -> Void) {
    let isEmpty = state.withLock { state in
      if !state.topics.isEmpty { state.whenEmpty = body }
      return state.topics.isEmpty
    }
    if isEmpty { body() }
  }

  /// Forgets everything, for a server that waits no longer.
  func removeAll() {
    let (topics, whenEmpty) = state.withLock { state in
      defer { state.topics = [:] }
      return (Array(state.topics.values), state.whenEmpty.take())
    }
    for topic in topics { topic.abandon() }
    whenEmpty?()
  }
}
