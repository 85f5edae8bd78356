import SynqJSON
import SynqWire

/// Names a channel within its socket: the place of its machine, and which of the machines that had that place.
package struct ChannelKey: Hashable, Sendable {
  let slot: UInt32
  let generation: UInt32
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
}

/// A message for `handle_message`: one for all channels that get it.
package final class HostMessage: Sendable {
  /// The topic that it came by.
  package let topic: String
  package let name: String
  package let payload: Payload
  /// What the channels that get it make of it; nil where it is for one.
  package let work: SharedWork?

  /// The number of the timer that it was put off with; 0 for none.
  package let timer: UInt64

  /// - Parameter isShared: whether several channels get it.
  package init(topic: String, name: String, payload: Payload, isShared: Bool = false, timer: UInt64 = 0) {
    self.topic = topic
    self.name = name
    self.payload = payload
    self.timer = timer
    work = isShared ? SharedWork() : nil
  }
}

extension Invocation.Cause {
  /// What the channels with the same cause share.
  var sharedWork: SharedWork? { if case .message(let message) = self { message.work } else { nil } }

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
    case .event(let name, _): name
    case .message(let message): message.name
    case .authorize, .initialize, .beforeClose, .newState, .updateState: nil
    }
  }
}
