import SynqChannels
import SynqJSON

/// A ``Channel`` whose callbacks may await: a database, another service, an actor.
///
/// The channel keeps its order: while a callback is suspended, the next event of its client waits, and other channels go
/// on. Each callback runs as a task, which is cancelled when its channel ends meanwhile; `beforeClose` begins when that task
/// has ended. Callbacks that need no `await` can be written without `async`. An actor can be a channel, too, and then
/// has state that all channels of its pattern share.
/// ```swift
/// struct Search: AsyncChannel {
///   let options = ChannelOptions(track: ["results"])
///   let library: Library
///
///   func handleEvent(_ event: String, _ payload: JSON, socket: Socket) async throws -> Response {
///     let query = try payload.decode(Query.self)
///     try socket.assign("results", to: try await library.find(query.text))
///     return .ok
///   }
/// }
/// ```
/// Errors are as in ``Channel``, and so are the defaults.
public protocol AsyncChannel: Sendable {
  /// See ``Channel``. It is read once and outside of any isolation.
  var options: ChannelOptions { get }

  /// Builds the messages that carry the state; see ``Channel/messageBuilder``.
  var messageBuilder: (any MessageBuilder)? { get }

  /// What is said about who is here, and how many may be. Read once, as the options are. Default: the defaults.
  var presence: PresenceOptions { get }

  /// A client asks to join: return to let it in, throw a ``SynqError`` to refuse.
  func authorize(topic: String, params: JSON, socket: Socket) async throws

  /// The client has joined: set the first assigns.
  func initialize(topic: String, params: JSON, socket: Socket) async throws

  /// The client sent an event.
  func handleEvent(_ event: String, _ payload: JSON, socket: Socket) async throws -> Response

  /// The client sent an event with bytes instead of JSON.
  func handleBinary(_ event: String, _ bytes: [UInt8], socket: Socket) async throws -> Response

  /// A message of the server.
  func handleMessage(_ message: ServerMessage, socket: Socket) async throws

  /// The channel is about to end.
  func beforeClose(reason: CloseReason, socket: Socket) async

  /// Nobody is in the topic: set its ``ChannelOptions/shared`` assigns for the first time. Runs once, before the first
  /// `initialize`; `socket` is the topic, which has no client. When it throws, the clients that wait get the error, and the
  /// next one that joins tries again. Default: does nothing.
  func openTopic(_ topic: String, socket: Socket) async throws

  /// The topic's last channel has left, and ``ChannelOptions/linger`` has passed: keep what is shared, if it is to be kept.
  /// Default: does nothing.
  func closeTopic(_ topic: String, socket: Socket) async throws
}

extension AsyncChannel {
  /// Nothing is synchronised.
  public var options: ChannelOptions { ChannelOptions() }

  /// The messages of the dialect.
  public var messageBuilder: (any MessageBuilder)? { nil }

  /// The defaults.
  public var presence: PresenceOptions { PresenceOptions() }

  /// Lets every client join.
  public func authorize(topic: String, params: JSON, socket: Socket) async throws {}

  /// Does nothing.
  public func initialize(topic: String, params: JSON, socket: Socket) async throws {}

  /// Answers with the error `unknown_event`.
  public func handleEvent(_ event: String, _ payload: JSON, socket: Socket) async throws -> Response {
    .error(.unknownEvent(event))
  }

  /// Answers with the error `unknown_event`.
  public func handleBinary(_ event: String, _ bytes: [UInt8], socket: Socket) async throws -> Response {
    .error(.unknownEvent(event))
  }

  /// Drops the message, with a warning in the log.
  public func handleMessage(_ message: ServerMessage, socket: Socket) async throws { throw Unhandled() }

  /// Does nothing.
  public func beforeClose(reason: CloseReason, socket: Socket) async {}

  /// Does nothing.
  public func openTopic(_ topic: String, socket: Socket) async throws {}

  /// Does nothing.
  public func closeTopic(_ topic: String, socket: Socket) async throws {}
}
