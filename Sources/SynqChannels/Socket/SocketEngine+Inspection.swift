import SynqWire

/// What others may see of a socket's channels.
extension SocketEngine {
  /// What a channel was registered as and joined as; nil once it has ended.
  package func origin(of key: ChannelKey) -> (spec: ChannelSpec, topic: String, joinRef: Ref?)? {
    self[key].map { ($0.spec, $0.topic, $0.joinRef) }
  }

  /// The newest channel of a topic, closing or not.
  package func channel(at topic: String) -> ChannelKey? { topics[Topic(topic)] }

  /// The assigns of that channel, as its last callback left them.
  package func assigns(at topic: String) -> Assigns? { topics[Topic(topic)].flatMap { self[$0]?.assigns } }

  /// The topics whose channels wait for the outcome of a callback.
  package var busyTopics: [String] { machines.compactMap { $0?.isBusy == true ? $0?.topic : nil } }
}
