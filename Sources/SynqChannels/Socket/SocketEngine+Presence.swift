import SynqJSON
import SynqWire

/// The list of who is here, which a client gets as a push of its own.
extension SocketEngine {
  /// Sends `presence_state` with this payload, if the channel is still joined. Its name is the same in every dialect.
  package mutating func encodePresenceState(
    _ payload: [UInt8], at key: ChannelKey, into output: inout EngineOutput
  ) {
    guard condition == .open, let machine = self[key], machine.isJoined else { return }
    serializer.encodeText(
      joinRef: machine.joinRef, ref: nil, topic: Name(machine.topic), event: Name(PresenceEvent.state),
      into: &output.outbox
    ) { $0.append(payload) }
  }
}

/// The events of Phoenix.Presence (phoenix.js, `presence.js`).
package enum PresenceEvent {
  package static let state = "presence_state"
  package static let diff = "presence_diff"
}
