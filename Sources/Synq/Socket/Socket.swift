import Logging
import SynqChannels
import SynqJSON
import SynqHosting
import SynqWire

/// One client's channel, as its callbacks see it: what is known of the client, its assigns, and ways to reach it.
///
/// A socket can be kept and used from any thread or task. Assigns can be read and changed while a callback of the
/// channel runs; everything else works at any time. Once the channel is gone, calls throw a ``SynqChannels/HostError`` of code `closed`
/// and do nothing. Two sockets are equal when they are of the same channel.
public struct Socket: Sendable, Hashable {
  let context: ChannelContext

  /// The topic that was joined.
  public var topic: String { context.topic }

  /// What the client named this join by; nil if by nothing.
  public var joinRef: JSON? { context.joinRef.flatMap { try? JSON(parsing: $0.text) } }

  /// The id that the connection was given when it was made (``Connection/id``).
  public var id: String? { context.info.id }

  /// The peer's address without the port.
  public var peer: String { context.info.peer }

  /// The params of the connection's URL, an object of strings.
  public var params: JSON { context.info.params }

  /// A header of the request that connected the client, by its name in any case: `user-agent`, or one that begins
  /// with `x-`; others are not kept.
  public func header(_ name: String) -> String? { context.info.header(name) }

  /// The server's logger, with the topic as metadata.
  public var logger: Logger {
    var logger = context.logger
    logger[metadataKey: "topic"] = "\(topic)"
    return logger
  }

  /// Whether the channel is gone.
  public var isClosed: Bool { context.hasEnded }

  public static func == (a: Socket, b: Socket) -> Bool { a.context === b.context }

  public func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(context)) }
}

// MARK: Responding

extension Socket {
  /// Sends a payload with the answer to a join. Inside `authorize`, once.
  public func reply(_ payload: JSON) throws(HostError) {
    try context.respond(.reply(status: SynqChannels.Response.ok, payload: .json(payload)))
  }

  /// Sends a payload with the answer to a join. Inside `authorize`, once.
  public func reply(_ payload: some Encodable) throws(HostError) {
    try reply(try JSON.encoded(payload, "payload"))
  }

  /// Says that the event is answered later, while the channel goes on; then return ``Response/noReply``. Inside
  /// `handleEvent`, once. (To let the channel wait for its answer, await it in an ``AsyncChannel``.)
  public func detachReply() throws(HostError) -> DetachedReply {
    DetachedReply(context: context, reply: try context.detachReply())
  }

  /// Ends the channel when its callback is done, after its reply if it gives one; from outside a callback, as soon as the
  /// channel is free. After `normal`, `shutdown` or `shutdown:…` the client stays away; after any other reason it sees
  /// `phx_error` and joins again.
  public func stop(_ reason: CloseReason = .normal) throws(HostError) { try context.stop(reason) }
}

/// An answer that is given later; see ``Socket/detachReply()``.
public struct DetachedReply: Sendable {
  let context: ChannelContext
  let reply: DeferredReply

  /// Answers the event, from any thread. The first answer counts.
  ///
  /// Throws a ``SynqChannels/HostError`` of code `closed` when the channel is gone.
  public func send(_ response: Response) throws(HostError) {
    try context.reply(reply, try response.checked() ?? .receipt)
  }
}
