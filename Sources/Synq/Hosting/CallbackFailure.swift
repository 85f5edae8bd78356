import SynqChannels
import SynqHosting
import SynqWire

/// What becomes of an error that a callback threw.
enum CallbackFailure {
  /// Gives the client its answer, where the error is one, and says how the callback ended.
  static func outcome(
    of error: any Error, thrownBy cause: Invocation.Cause, on context: ChannelContext
  ) -> Outcome {
    guard cause.hasErrorResponse, let answer = answer(for: error) else {
      return .crashed(cause: text(of: error))
    }
    do {
      try context.respond(.error(answer.report))
      return .returned
    } catch {
      return .crashed(cause: "\(error.message); then it threw \(answer)")
    }
  }

  private static func answer(for error: any Error) -> SynqError? {
    switch error {
    case let error as SynqError: error
    case let error as Swift.DecodingError: SynqError(decoding: error)
    default: nil
    }
  }

  private static func text(of error: any Error) -> String {
    switch error {
    case let error as Swift.DecodingError:
      error.place.path.isRoot ? error.place.reason : "\(error.place.path): \(error.place.reason)"
    default: "\(type(of: error)): \(error)"
    }
  }
}

extension Invocation.Cause {
  /// Whether a client waits for what the callback says.
  fileprivate var hasErrorResponse: Bool {
    switch self {
    case .authorize, .initialize, .event, .openTopic: true
    case .message, .beforeClose, .newState, .updateState, .update, .closeTopic: false
    }
  }
}

extension ServerMessage {
  init(_ message: HostMessage) {
    switch message.payload {
    case .json(let json): self.init(topic: message.topic, name: message.name, payload: json)
    case .binary(let bytes):
      self.init(topic: message.topic, name: message.name, payload: .null, bytes: bytes)
    }
  }
}

extension Payload {
  /// The params of a join; bytes are none.
  var params: JSON { json ?? .null }
}
