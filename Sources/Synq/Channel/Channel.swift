import SynqChannels
import SynqJSON

/// What a server does for the clients that join a topic: their state, their events.
///
/// One instance serves every channel of its pattern. What belongs to one client is in its socket: assigns, which are
/// JSON and of which those named in ``ChannelOptions/track`` are kept in sync with the client, and Swift values under a
/// ``StorageKey``, which stay on the server.
/// ```swift
/// struct Counter: Channel {
///   let options = ChannelOptions(track: ["count"])
///
///   func initialize(topic: String, params: JSON, socket: Socket) throws {
///     try socket.assign("count", to: 0)
///   }
///
///   func handleEvent(_ event: String, _ payload: JSON, socket: Socket) throws -> Response {
///     guard event == "inc" else { throw SynqError(code: "unknown_event", message: event) }
///     return .ok(["count": try socket.increment(at: "/count")])
///   }
/// }
/// ```
/// The callbacks of one channel run one at a time, in the order of their causes; those of different channels run in
/// parallel on the server's threads (``Server/Delivery``). A callback may block: it delays its own channel. For callbacks
/// that await, see ``AsyncChannel``.
///
/// **Errors.** A thrown ``SynqError`` is the answer to the client, and the channel goes on. A `DecodingError`, as
/// `payload.decode()` throws it, is the client's mistake and is answered with the error `invalid_payload` that names the
/// place. Any other error ends the channel: the client sees `phx_error` and joins again, the log has the error, and
/// what the callback assigned is dropped.
public protocol Channel: Sendable {
  /// What is synchronised, and how. Read once, when the channel is added to a server. Default: nothing is.
  var options: ChannelOptions { get }

  /// Builds the messages that carry the state. Read once, as the options are. Default nil: those of the dialect.
  var messageBuilder: (any MessageBuilder)? { get }

  /// What is said about who is here, and how many may be. Read once, as the options are. Default: the defaults.
  var presence: PresenceOptions { get }

  /// A client asks to join. Return to let it in, throw a ``SynqError`` to refuse. Assigns made here are kept;
  /// ``Socket/reply(_:)-(JSON)`` sends something with the answer. Default: every client may join.
  func authorize(topic: String, params: JSON, socket: Socket) throws

  /// The client has joined: set the first assigns, which it gets as its first state. After a thrown ``SynqError`` the
  /// channel stays joined without state: the client gets the error, its events are answered with `not_initialized`,
  /// and a refresh calls this again. Default: does nothing.
  func initialize(topic: String, params: JSON, socket: Socket) throws

  /// The client sent an event; `event` is its name without the prefix of the dialect. On the wire, what was pushed
  /// meanwhile comes first, then the response, then the patch. Default: the error `unknown_event`.
  func handleEvent(_ event: String, _ payload: JSON, socket: Socket) throws -> Response

  /// The client sent an event with bytes instead of JSON. Default: the error `unknown_event`.
  func handleBinary(_ event: String, _ bytes: [UInt8], socket: Socket) throws -> Response

  /// A message of the server: sent to this channel, published on its topic or on one that it subscribed to, or a
  /// broadcast that it intercepts or subscribed to. Default: the message is dropped, with a warning in the log.
  func handleMessage(_ message: ServerMessage, socket: Socket) throws

  /// The channel is about to end; called exactly once for each whose `authorize` succeeded. Nothing reaches the client
  /// any more, publishing and broadcasting still reach the others. After a crash the assigns are as they were before
  /// the callback that failed. Default: does nothing.
  func beforeClose(reason: CloseReason, socket: Socket)

  /// Nobody is in the topic: set its ``ChannelOptions/shared`` assigns for the first time. Runs once, before the first
  /// `initialize`; `socket` is the topic, which has no client. When it throws, the clients that wait get the error, and the
  /// next one that joins tries again. Default: does nothing.
  func openTopic(_ topic: String, socket: Socket) throws

  /// The topic's last channel has left, and ``ChannelOptions/linger`` has passed: keep what is shared, if it is to be kept.
  /// Default: does nothing.
  func closeTopic(_ topic: String, socket: Socket) throws
}

extension Channel {
  /// Nothing is synchronised.
  public var options: ChannelOptions { ChannelOptions() }

  /// The messages of the dialect.
  public var messageBuilder: (any MessageBuilder)? { nil }

  /// The defaults.
  public var presence: PresenceOptions { PresenceOptions() }

  /// Lets every client join.
  public func authorize(topic: String, params: JSON, socket: Socket) throws {}

  /// Does nothing.
  public func initialize(topic: String, params: JSON, socket: Socket) throws {}

  /// Answers with the error `unknown_event`.
  public func handleEvent(_ event: String, _ payload: JSON, socket: Socket) throws -> Response {
    .error(.unknownEvent(event))
  }

  /// Answers with the error `unknown_event`.
  public func handleBinary(_ event: String, _ bytes: [UInt8], socket: Socket) throws -> Response {
    .error(.unknownEvent(event))
  }

  /// Drops the message, with a warning in the log.
  public func handleMessage(_ message: ServerMessage, socket: Socket) throws { throw Unhandled() }

  /// Does nothing.
  public func beforeClose(reason: CloseReason, socket: Socket) {}

  /// Does nothing.
  public func openTopic(_ topic: String, socket: Socket) throws {}

  /// Does nothing.
  public func closeTopic(_ topic: String, socket: Socket) throws {}
}

/// Thrown by the callbacks that a host did not write, for the log.
struct Unhandled: Error {}

/// A message of the server to a channel.
public struct ServerMessage: Sendable, Hashable {
  /// The topic that it came by: the channel's own, or one that it subscribed to.
  public let topic: String
  /// The message, or the event of a broadcast.
  public let name: String
  /// What it carries; `null` for bytes.
  public let payload: JSON
  /// What a broadcast of bytes carries, else nil.
  public let bytes: [UInt8]?

  /// A message, as a test would make one.
  public init(topic: String, name: String, payload: JSON = .emptyObject, bytes: [UInt8]? = nil) {
    self.topic = topic
    self.name = name
    self.payload = payload
    self.bytes = bytes
  }
}
