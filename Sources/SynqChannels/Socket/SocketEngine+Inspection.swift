/// What a test may see of a socket.
extension SocketEngine {
  /// The newest channel of a topic, closing or not.
  package func channel(at topic: String) -> ChannelKey? { topics[topic] }

  /// The assigns of that channel, as its last callback left them.
  package func assigns(at topic: String) -> Assigns? { topics[topic].flatMap { self[$0]?.assigns } }

  /// The topics whose channels wait for the outcome of a callback.
  package var busyTopics: [String] { machines.compactMap { $0?.isBusy == true ? $0?.topic : nil } }
}
