import SynqChannels
import SynqJSON
import SynqHosting

/// Builds the messages that carry a channel's state, for clients that expect others than those of the
/// ``SynqChannels/Dialect``s.
/// ```swift
/// struct Replacing: MessageBuilder {
///   func newState(_ state: JSON, version: Int) -> StateMessage {
///     StateMessage("state", ["is": state, "at": JSON(version)])
///   }
///   func updateState(from old: JSON, to new: JSON, version: Int) -> StateMessage {
///     StateMessage("diff", ["by": JSONPatch.diff(from: old, to: new), "at": JSON(version)])
///   }
/// }
/// ```
/// A channel names its builder with ``Channel/messageBuilder``. Each method is called for the channel as its callbacks are:
/// one at a time, on the server's threads. States are objects of the tracked assigns as they are, without
/// ``ChannelOptions/ignoreKeys``; when nothing of them changed, nothing is asked for. A thrown error ends the channel,
/// and its client joins again.
public protocol MessageBuilder: Sendable {
  /// The message with the full state: the first one, the one after ``ChannelOptions/maxVersion`` (version 0), and the
  /// answer to a refresh.
  func newState(_ state: JSON, version: Int) throws -> StateMessage

  /// The message that leads a client from the state that it has to the current one. ``Limits/maxPatchBytes`` does not
  /// bound it.
  func updateState(from old: JSON, to new: JSON, version: Int) throws -> StateMessage
}

/// An event with the state of a channel, or what changed of it; see ``MessageBuilder``.
public struct StateMessage: Sendable, Hashable {
  /// The event's name on the wire, as it is.
  public var event: String
  /// What it carries.
  public var payload: JSON

  /// An event and what it carries.
  public init(_ event: String, _ payload: JSON) {
    self.event = event
    self.payload = payload
  }
}

extension MessageBuilder {
  /// Builds the message that is due, for a channel whose callback this is.
  func build(_ cause: Invocation.Cause, on context: ChannelContext) throws {
    let message: StateMessage
    switch cause {
    case .newState(let state, let version): message = try newState(state, version: version)
    case .updateState(let old, let new, let version):
      message = try updateState(from: old, to: new, version: version)
    case .authorize, .initialize, .event, .message, .beforeClose, .update, .openTopic, .closeTopic: return
    }
    try context.setMessage(SynqChannels.StateMessage(event: message.event, payload: message.payload))
  }
}

extension ChannelSpec.Callbacks {
  /// Those of a channel with this builder.
  static func with(_ builder: (any MessageBuilder)?) -> ChannelSpec.Callbacks {
    builder == nil ? allWithTopics : allWithTopics.union(.messageBuilder)
  }

  private static var allWithTopics: ChannelSpec.Callbacks {
    all.union([.openTopic, .closeTopic])
  }
}
