import SynqJSON
import SynqWire

/// Names a channel within its socket: the place of its machine, and which of the machines that had that place.
package struct ChannelKey: Hashable, Sendable {
  let slot: UInt32
  let generation: UInt32

  /// For what belongs to a topic and to no channel of it.
  package static let noChannel = ChannelKey(slot: .max, generation: .max)
}

/// A callback that the host must run, once, and then complete with `SocketEngine.complete`.
///
/// An object, so that its scope is changed where it is and never copied. `@unchecked Sendable`: one has it at a time, the
/// engine, then the host, then the engine again; the host guards what its threads do with the scope.
package final class Invocation: @unchecked Sendable {
  /// Which callback, and its arguments.
  package enum Cause: Sendable {
    // In boxes: a cause is handed on several times.
    indirect case authorize(params: Payload)
    indirect case initialize(params: Payload)
    indirect case event(name: String, payload: Payload)
    case message(HostMessage)
    indirect case beforeClose(CloseReason)
    /// A function of the program's that runs as a callback does.
    case update(any Update)
    /// Nobody is in the topic yet: its shared assigns are set for the first time. Not of a channel.
    case openTopic
    /// The topic's last channel has left, and its shared assigns go. Not of a channel.
    case closeTopic
    /// The host builds the message that carries the full state; `version` is the one that it shall carry.
    indirect case newState(JSON, version: Int)
    /// The host builds the message that leads from what the client has to what is current.
    indirect case updateState(from: JSON, to: JSON, version: Int)
  }

  package let channel: ChannelKey
  package let cause: Cause
  package var scope: CallbackScope

  init(channel: ChannelKey, cause: Cause, scope: CallbackScope) {
    self.channel = channel
    self.cause = cause
    self.scope = scope
  }

  /// A callback of a topic's own: there is no channel, and no assigns but what the topic shares.
  package convenience init(topicCallback cause: Cause, spec: ChannelSpec) {
    self.init(
      channel: .noChannel, cause: cause, scope: CallbackScope(assigns: Assigns(spec: spec)))
  }
}

/// A function that the program wants to run in a channel's or a topic's order; whoever runs callbacks knows what it is.
package protocol Update: AnyObject, Sendable {}

/// A message for `handle_message`: one for all channels that get it.
package final class HostMessage: Sendable {
  /// The topic that it came by.
  package let topic: String
  package let name: String
  package let payload: Payload

  /// While the message waits for a channel, a newer one with this key takes its place. Keys are bytes, as topics are.
  package let key: Topic?
  /// The number of the timer that it was put off with; 0 for none.
  package let timer: UInt64

  package init(topic: String, name: String, payload: Payload, timer: UInt64 = 0, key: String? = nil) {
    self.topic = topic
    self.name = name
    self.payload = payload
    self.timer = timer
    self.key = key.map { Topic("\(topic)\0\(name)\0\($0)") }
  }
}

extension Invocation.Cause {
  /// The callback's name, for the log.
  package var callbackName: String {
    switch self {
    case .authorize: "authorize"
    case .initialize: "init"
    case .event: "handle_event"
    case .message: "handle_message"
    case .beforeClose: "before_close"
    case .newState: "new_state"
    case .updateState: "update_state"
    case .update: "update"
    case .openTopic: "open_topic"
    case .closeTopic: "close_topic"
    }
  }

  /// Whether the callback only builds a message: it cannot change the assigns.
  package var buildsMessage: Bool {
    switch self {
    case .newState, .updateState: true
    case .authorize, .initialize, .event, .message, .beforeClose, .update, .openTopic, .closeTopic: false
    }
  }

  /// Whether the callback reads or changes what its topic shares, and so waits for the topic's turn. `authorize` may take
  /// its time, and what builds a message only reads what it is given.
  package var needsTurn: Bool {
    switch self {
    case .authorize, .newState, .updateState: false
    case .initialize, .event, .message, .beforeClose, .update, .openTopic, .closeTopic: true
    }
  }

  /// How a deferred callback counts for whom nobody waits any more. Who was never let in is owed no `before_close`.
  package var outcomeWhenAbandoned: Outcome {
    switch self {
    case .authorize: .refused
    case .initialize, .event, .message, .beforeClose, .newState, .updateState, .update, .openTopic,
      .closeTopic:
      .returned
    }
  }

  /// The event or message, for the log.
  package var eventName: String? {
    switch self {
    case .event(let name, _): name
    case .message(let message): message.name
    case .authorize, .initialize, .beforeClose, .newState, .updateState, .update, .openTopic, .closeTopic: nil
    }
  }
}
