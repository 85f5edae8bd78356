import SynqJSON
import SynqWire

/// Names a channel within its socket: the place of its machine, and which of the machines that had that place.
package struct ChannelKey: Hashable, Sendable {
  let slot: UInt32
  let generation: UInt32
}

/// A callback that the host must run, once, and then complete with `SocketEngine.complete`.
package struct Invocation: Sendable {
  /// Which callback, and its arguments.
  package enum Cause: Sendable {
    case authorize(params: Payload)
    case initialize(params: Payload)
    case event(name: String, payload: Payload)
    /// `topic` is the one that the message came by.
    case message(topic: String, name: String, payload: Payload)
    case beforeClose(CloseReason)
    /// The host builds the message that carries the full state; `version` is the one that it shall carry.
    case newState(JSON, version: Int)
    /// The host builds the message that leads from what the client has to what is current.
    case updateState(from: JSON, to: JSON, version: Int)
  }

  package var channel: ChannelKey
  package var spec: ChannelSpec
  package var topic: String
  package var joinRef: Ref?
  package var cause: Cause
  package var scope: CallbackScope
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
    }
  }

  /// Whether the callback only builds a message: it cannot change the assigns.
  package var buildsMessage: Bool {
    switch self {
    case .newState, .updateState: true
    case .authorize, .initialize, .event, .message, .beforeClose: false
    }
  }

  /// How a deferred callback counts for whom nobody waits any more. Who was never let in is owed no `before_close`.
  package var outcomeWhenAbandoned: Outcome {
    switch self {
    case .authorize: .refused
    case .initialize, .event, .message, .beforeClose, .newState, .updateState: .returned
    }
  }

  /// The event or message, for the log.
  package var eventName: String? {
    switch self {
    case .event(let name, _), .message(_, let name, _): name
    case .authorize, .initialize, .beforeClose, .newState, .updateState: nil
    }
  }
}
