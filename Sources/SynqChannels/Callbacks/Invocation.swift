import SynqJSON
import SynqWire

/// Names a channel within its socket: the place of its machine, and which of the machines that had that place.
public struct ChannelKey: Hashable, Sendable {
  let slot: UInt32
  let generation: UInt32
}

/// A callback that the host must run, once, and then complete with `SocketEngine.complete`.
public struct Invocation: Sendable {
  /// Which callback, and its arguments.
  public enum Cause: Sendable {
    case authorize(params: Payload)
    case initialize(params: Payload)
    case event(name: String, payload: Payload)
    /// `topic` is the one that the message came by.
    case message(topic: String, name: String, payload: Payload)
    case beforeClose(CloseReason)
  }

  public var channel: ChannelKey
  public var spec: ChannelSpec
  public var topic: String
  public var joinRef: Ref?
  public var cause: Cause
  public var scope: CallbackScope
}

extension Invocation.Cause {
  /// The callback's name, for the log.
  public var callbackName: String {
    switch self {
    case .authorize: "authorize"
    case .initialize: "init"
    case .event: "handle_event"
    case .message: "handle_message"
    case .beforeClose: "before_close"
    }
  }

  /// The event or message, for the log.
  public var eventName: String? {
    switch self {
    case .event(let name, _), .message(_, let name, _): name
    case .authorize, .initialize, .beforeClose: nil
    }
  }
}
