import SynqJSON
import SynqWire

/// Broadcasts, which are encoded once for all clients of a topic.
extension SocketEngine {
  /// Where a broadcast goes at one of the channels that it reaches.
  package enum BroadcastTarget: Sendable {
    /// To the client, as it was encoded for all.
    case client
    /// To `handle_message`: the channel intercepts the event, or only subscribed to the topic.
    case callback
    case nowhere
  }

  /// Where a broadcast on `topic` goes at the channel `key`.
  package func target(ofBroadcast event: String, topic: String, at key: ChannelKey) -> BroadcastTarget {
    guard condition == .open, let machine = self[key], machine.isJoined else { return .nowhere }
    guard machine.topic == topic, !machine.spec.options.intercept.contains(NameKey(event)) else {
      return .callback
    }
    return .client
  }

  /// The form in which this client reads messages.
  package var wireSerializer: Serializer { serializer }
}
