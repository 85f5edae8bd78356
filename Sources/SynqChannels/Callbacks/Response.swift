import SynqJSON
import SynqWire

/// What a callback answers to the client's push.
///
/// In a box: it is handed on several times, and most callbacks have none.
package indirect enum Response: Sendable {
  /// A status, "ok", "error" or any short name, and a payload.
  case reply(status: String, payload: Payload)
  /// Status "error" with the error's shape.
  case error(ErrorReport)

  /// The receipt of an event whose handler said nothing: status "ok", response `{}`.
  package static let receipt = Response.reply(status: Response.ok, payload: .empty)

  package static let ok = "ok"
  package static let failed = "error"
}

/// A message that carries state, as a host's builder made it.
package final class StateMessage: Sendable {
  package let event: String
  package let payload: JSON

  package init(event: String, payload: JSON) {
    self.event = event
    self.payload = payload
  }
}

/// What a callback asked for beside its response, in the order of its calls.
package enum Effect: Sendable {
  case push(event: String, payload: Payload)
  case broadcast(event: String, payload: Payload, exceptSelf: Bool)
  /// A message with a key replaces one of the same key that still waits.
  case publish(message: String, payload: JSON, key: String? = nil, exceptSelf: Bool)
  /// A message to the channel's own `handle_message`.
  case send(message: String, payload: JSON)
  /// The same later; `timer` names it for `cancelTimer`.
  case sendAfter(Duration, message: String, payload: JSON, timer: UInt64)
  /// The message of that timer shall not come, also if it is due and waits.
  case cancelTimer(UInt64)
  case subscribe(topic: String)
  case unsubscribe(topic: String)
  /// The client is to get `presence_state`.
  case presenceState
}

/// How a callback ended.
package enum Outcome: Sendable {
  /// It returned; its response, if it gave one, is in the scope.
  case returned
  /// It said no: `authorize` only.
  case refused
  /// It failed; the cause, and the code that the host gave if any, are for the log.
  case crashed(cause: String, code: Int32? = nil)
}

/// Names a reply that is owed to a push after its callback has returned.
package struct DeferredReply: Hashable, Sendable {
  package var rawValue: UInt32
  package init(rawValue: UInt32) { self.rawValue = rawValue }
}

/// What a running callback sees and changes.
package struct CallbackScope: Sendable {
  package var assigns: Assigns
  package var effects: [Effect] = []
  package var response: Response?
  /// Set when the channel shall end once the callback is done.
  package var stop: CloseReason?
  /// Set when only the reply is late: the engine keeps the push's ref under this name.
  package var detached: DeferredReply?
  /// What `newState` and `updateState` give.
  package var message: StateMessage?

  package init(assigns: Assigns) { self.assigns = assigns }
}
