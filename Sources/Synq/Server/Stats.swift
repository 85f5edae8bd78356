import SynqHosting

/// What a server counts.
public struct Stats: Sendable, Hashable {
  /// Connections open now.
  public var connections = 0
  /// Channels joined now.
  public var channels = 0
  /// Connections since the start.
  public var connectionsTotal = 0
  /// Messages from clients since the start.
  public var messagesIn = 0
  /// Messages to clients since the start.
  public var messagesOut = 0
  /// Bytes of those messages.
  public var bytesOut = 0
  /// Callbacks run since the start.
  public var callbacks = 0
  /// Callbacks that failed.
  public var crashes = 0
  /// Messages of the server that wait for the end of a callback now.
  public var queuedMessages = 0

  init() {}

  init(_ stats: ServerStats) {
    connections = stats.connections.current
    channels = stats.channels.current
    connectionsTotal = stats.connectionsTotal.current
    messagesIn = stats.messagesIn.current
    messagesOut = stats.messagesOut.current
    bytesOut = stats.bytesOut.current
    callbacks = stats.callbacks.current
    crashes = stats.crashes.current
    queuedMessages = stats.queuedMessages.current
  }
}
