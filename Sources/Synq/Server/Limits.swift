import NIOCore
import SynqChannels
import SynqServer

/// Limits against clients that ask for too much. Over a limit a client gets an error reply that names the limit, or its
/// connection is closed with the code given here.
public struct Limits: Sendable, Hashable {
  /// Connections in all; 503 beyond. Default 100,000.
  public var maxConnections = 100_000
  /// Connections from one address; 503 beyond. Default 10,000.
  public var maxConnectionsPerAddress = 10_000
  /// From accept to upgrade. Default 10 s.
  public var handshakeTimeout = Duration.seconds(10)
  /// Without a byte from the client: close 1002. Default 60 s.
  public var idleTimeout = Duration.seconds(60)
  /// Bytes of an HTTP request's header: 431. Default 16,384.
  public var maxHeaderBytes = 16_384
  /// Bytes of one WebSocket frame with its header: close 1009. Default 8,000,000.
  public var maxFrameBytes = 8_000_000
  /// Bytes of one message, all its frames: close 1009. Default 8,000,000.
  public var maxMessageBytes = 8_000_000
  /// Frames of one message: close 1009. Default 1,024.
  public var maxFragments = 1_024
  /// Channels joined at once by one connection. Default 100.
  public var maxChannels = 100
  /// Events that wait while a callback of their channel runs. Default 1,000.
  public var maxQueuedEvents = 1_000
  /// Bytes of a topic. Default 1,024.
  public var maxTopicBytes = 1_024
  /// Bytes of an event's name. Default 256.
  public var maxEventBytes = 256
  /// Bytes of a ref. Default 256.
  public var maxRefBytes = 256
  /// Nesting of a message: close 1011. Default 128.
  public var maxJSONDepth = 128
  /// Messages a second of one connection, on average: close 1008. Default 0: no limit.
  public var maxMessagesPerSecond = 0
  /// Joins a second of one connection, on average. Default 0: no limit.
  public var maxJoinsPerSecond = 0
  /// Bytes queued for a client that does not read: close 1013. Default 8,000,000.
  public var maxOutboundBytes = 8_000_000
  /// Bytes of a patch; a longer one is sent as the full state. Default 8,000,000.
  public var maxPatchBytes = 8_000_000

  /// The defaults.
  public init() {}

  func apply(to network: inout NetworkLimits) {
    network.maxConnections = maxConnections
    network.maxConnectionsPerAddress = maxConnectionsPerAddress
    network.handshakeTimeout = TimeAmount(clamping: handshakeTimeout)
    network.maxHeaderBytes = maxHeaderBytes
  }

  func apply(to socket: inout WebSocketLimits) {
    socket.idleTimeout = TimeAmount(clamping: idleTimeout)
    socket.maxFrameBytes = maxFrameBytes
    socket.maxMessageBytes = maxMessageBytes
    socket.maxFragments = maxFragments
    socket.maxOutboundBytes = maxOutboundBytes
  }

  var client: ClientLimits {
    var client = ClientLimits()
    client.socket.maxChannels = maxChannels
    client.socket.maxQueuedEvents = maxQueuedEvents
    client.socket.maxTopicBytes = maxTopicBytes
    client.socket.maxEventBytes = maxEventBytes
    client.socket.maxRefBytes = maxRefBytes
    client.socket.maxMessagesPerSecond = maxMessagesPerSecond
    client.socket.maxJoinsPerSecond = maxJoinsPerSecond
    client.socket.maxPatchBytes = maxPatchBytes
    client.json.maxDepth = maxJSONDepth
    return client
  }
}
