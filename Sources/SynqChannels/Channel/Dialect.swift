import SynqJSON
import SynqWire

/// The names that one line of clients speaks (docs/specification.md, section 6).
public enum Dialect: Int, Sendable, Hashable, CaseIterable {
  /// The default: `synq:change`, `synq:patch`.
  case synq = 0
  /// phx-live-state.
  case liveState = 1
  case liveViewModel = 2
  case seance = 3

  /// The event that carries the full state as `{state, version}`.
  public var changeEvent: String {
    switch self {
    case .synq: "synq:change"
    case .liveState, .liveViewModel: "state:change"
    case .seance: "seance:change"
    }
  }

  /// The event that carries a patch.
  public var patchEvent: String {
    switch self {
    case .synq: "synq:patch"
    case .liveState, .liveViewModel: "state:patch"
    case .seance: "seance:patch"
    }
  }

  /// The member of a patch message that holds the operations.
  public var operationsMember: StaticString {
    switch self {
    case .synq, .liveViewModel, .seance: "operations"
    case .liveState: "patch"
    }
  }

  /// The event that carries an error that answers no push.
  public var errorEvent: String {
    switch self {
    case .synq: "synq:error"
    case .liveState, .liveViewModel: "error"
    case .seance: "seance:error"
    }
  }

  /// The event that wraps a host's event as `{name, detail}`; nil where events keep their own name.
  public var wrappingEvent: String? {
    switch self {
    case .synq, .liveState: nil
    case .liveViewModel: "event"
    case .seance: "seance:event"
    }
  }

  /// The event by which a client asks for the full state.
  var refreshEvent: String {
    switch self {
    case .synq: "synq:refresh"
    case .liveState: "lvs_refresh"
    case .liveViewModel: "lvm_evt:lvm_refresh"
    case .seance: "seance:refresh"
    }
  }

  /// What a client's event name starts with before the host's own name.
  private var eventPrefix: String {
    switch self {
    case .synq: "synq:event:"
    case .liveState: "lvs_evt:"
    case .liveViewModel: "lvm_evt:"
    case .seance: "seance:event:"
    }
  }

  /// The event that names the host's event in its payload, as `{type, payload}`.
  private var typedEvent: String? {
    switch self {
    case .synq: "synq:event"
    case .liveState, .liveViewModel: nil
    case .seance: "seance:event"
    }
  }

  /// What a client's event asks for.
  enum Request: Equatable {
    case refresh
    case event(String, Payload)
    /// The typed event without a string as its `type`.
    case malformed(reason: String)
    /// A name that the dialect does not speak; servers of its line crash on it (`wire/handler_raises`).
    case foreign
  }

  /// Reads a client's event: strips the dialect's prefix or unwraps its typed form. Any other name is the host's own
  /// in the default dialect.
  func request(event: String, payload: Payload) -> Request {
    if event == refreshEvent { return .refresh }
    if event == typedEvent {
      guard let json = payload.json, let type = json["type"]?.stringValue else {
        return .malformed(reason: "\(event) needs a payload {type, payload} with a string as type")
      }
      return .event(type, .json(json["payload"] ?? .emptyObject))
    }
    if event.utf8.starts(with: eventPrefix.utf8) {
      return .event(String(Substring(event.utf8.dropFirst(eventPrefix.utf8.count))), payload)
    }
    return self == .synq ? .event(event, payload) : .foreign
  }
}
