import SynqChannels
import SynqJSON

/// What a test may see of a socket. On the loop's thread, between two of its turns.
extension SocketDriver {
  /// The newest channel of a topic.
  package func context(at topic: String) -> ChannelContext? {
    engine.channel(at: topic).flatMap { contexts[$0] }
  }

  /// All assigns of the newest channel of a topic, as its last callback left them.
  package func assigns(at topic: String) -> JSON? { engine.assigns(at: topic)?.object }

  /// The topics whose channels wait for a callback.
  package var busyTopics: [String] { engine.busyTopics }
}
