import NIOCore
import SynqChannels
import SynqHosting
import SynqJSON
import SynqNetwork

/// Limits against clients that ask for too much. Over a limit a client gets an error reply that names the limit, or its
/// connection is closed with the code given here.
public struct Limits: Sendable, Hashable {
  /// Connections in all; 503 beyond. Default 100,000.
  public var maxConnections = 100_000
  /// Connections from one address; 503 beyond. Its long-poll sessions likewise; status 429 beyond. Default 10,000.
  public var maxConnectionsPerAddress = 10_000
  /// From accept to upgrade, the decision of `connect` included: 503 then, else the connection closes. Default 10 s.
  public var handshakeTimeout = Duration.seconds(10)
  /// Without a byte from the client: close 1002. Default 60 s.
  public var idleTimeout = Duration.seconds(60)
  /// For a message to arrive, from its first byte: close 1008. Default 60 s.
  public var messageTimeout = Duration.seconds(60)
  /// Megabytes held for all clients: those who hold most are closed with 1013. Default: a quarter of the memory that the process
  /// may use.
  public var maxMemoryMB: Int?
  /// Megabytes held for one IPv4 address or IPv6 /64: likewise. Default: half of ``maxMemoryMB``.
  public var maxMemoryMBPerAddress: Int?
  /// Bytes of an HTTP request's header: 431. Default 16,384.
  public var maxHeaderBytes = 16_384
  /// Bytes of one message, all its frames: close 1009, over long poll status 413. Default 1,000,000, at most 1 GiB.
  public var maxMessageBytes = 1_000_000
  /// Bytes of one WebSocket frame with its header: close 1009. Default: a frame that has a whole message.
  public var maxFrameBytes: Int {
    get { frameBytes ?? (maxMessageBytes + WebSocketLimits.longestHeader) }
    set { frameBytes = newValue }
  }
  private var frameBytes: Int?
  /// Frames of one message: close 1009. Default 1,024.
  public var maxFragments = 1_024
  /// Channels joined at once by one connection. Default 100.
  public var maxChannels = 100
  /// Events that wait while a callback of their channel runs. Default 1,000.
  public var maxQueuedEvents = 1_000
  /// Bytes of the events of one connection that wait so. Default 16,000,000.
  public var maxQueuedBytes = 16_000_000
  /// Sent, published and intercepted messages that wait while a callback of their channel runs: it ends as crashed.
  /// Default 10,000.
  public var maxQueuedMessages = 10_000
  /// Delayed messages of one channel that are not due yet; ``Socket/sendAfter(_:_:_:)-(Duration,String,JSON)`` throws beyond. Their
  /// payloads may hold ``maxQueuedBytes``. Default 1,000.
  public var maxTimers = 1_000
  /// Topics that one channel subscribed to; ``Socket/subscribe(_:)`` throws beyond. Default 1,000.
  public var maxSubscriptions = 1_000
  /// Bytes of a topic. Default 1,024.
  public var maxTopicBytes = 1_024
  /// Bytes of an event's name. Default 256.
  public var maxEventBytes = 256
  /// Bytes of a ref. Default 256.
  public var maxRefBytes = 256
  /// Nesting of a message: the error `payload_too_complex`, or close 1011 without a ref. Default 128, at most
  /// 2,048: whoever makes a tree of a message recurses over it.
  public var maxJSONDepth = 128
  /// Messages a second of one connection, on average: the error `too_many_messages`, or close 1008 without a ref. Default
  /// 0: no limit.
  public var maxMessagesPerSecond = 0
  /// Joins a second of one connection, on average. Default 0: no limit.
  public var maxJoinsPerSecond = 0
  /// Bytes queued for a client that does not read: close 1013. Default 8,000,000.
  public var maxOutboundBytes = 8_000_000
  /// Bytes of a patch; a longer one is sent as the full state. Default 8,000,000.
  public var maxPatchBytes = 8_000_000
  /// Values in the JSON of a message, members and elements included: likewise an error. Default 100,000.
  public var maxJSONNodes = 100_000
  /// Answers that one connection waits for after ``Socket/detachReply()``: the error `too_many_pending_replies`.
  /// Default 1,000.
  public var maxPendingReplies = 1_000
  /// How many times its size a compressed message may become, beyond the first 64 kB: close 1009. Default 100.
  public var maxInflateRatio = 100
  /// Long-poll sessions of one mount: status 429. Default 10,000.
  public var maxLongPollSessions = 10_000
  /// Messages in one long-poll request: status 413, and none is taken. Default 100.
  public var maxLongPollBatch = 100
  /// Bytes that wait for a client's next poll: its session ends. Default 1,048,576.
  public var maxLongPollQueueBytes = 1 << 20
  /// Bytes of one long-poll request: status 413. Default: ``maxMessageBytes``.
  public var maxLongPollBodyBytes: Int {
    get { longPollBodyBytes ?? maxMessageBytes }
    set { longPollBodyBytes = newValue }
  }
  private var longPollBodyBytes: Int?
  /// Without a request of a long-poll client: its session ends. Default 20 s.
  public var longPollSessionTimeout = Duration.seconds(20)
  /// Of an HTTP connection without a request: it closes. Default 30 s.
  public var keepAliveTimeout = Duration.seconds(30)
  /// For a peer to close its side after the close frame: the connection is cut. Default 5 s.
  public var closeTimeout = Duration.seconds(5)
  /// Connections that a stop ends at once. Default 1,000.
  public var drainBatch = 1_000
  /// From one batch of a stop to the next; less where its deadline would not do for all. Default 100 ms.
  public var drainPause = Duration.milliseconds(100)

  /// The defaults.
  public init() {}

  /// These limits, if none is beyond what no setting may lift.
  func checked() throws(HostError) -> Limits {
    guard maxJSONDepth <= JSONLimits.maxDepthThatCounts else {
      throw HostError(
        .invalidArgument,
        "limits: maxJSONDepth \(maxJSONDepth) is more than \(JSONLimits.maxDepthThatCounts)")
    }
    guard maxMessageBytes <= JSONLimits.maxBytesThatCount else {
      throw HostError(
        .invalidArgument,
        "limits: maxMessageBytes \(maxMessageBytes) is more than \(JSONLimits.maxBytesThatCount)")
    }
    return self
  }

  func apply(to network: inout NetworkLimits) {
    network.memory = MemoryBudget.Limits(
      megabytes: maxMemoryMB ?? 0, perAddress: maxMemoryMBPerAddress ?? 0)
    network.maxConnections = maxConnections
    network.maxConnectionsPerAddress = maxConnectionsPerAddress
    network.handshakeTimeout = TimeAmount(clamping: handshakeTimeout)
    network.maxHeaderBytes = maxHeaderBytes
    network.keepAliveTimeout = TimeAmount(clamping: keepAliveTimeout)
    network.closeTimeout = TimeAmount(clamping: closeTimeout)
    network.drainBatch = drainBatch
    network.drainPause = TimeAmount(clamping: drainPause)
  }

  func apply(to mount: inout SocketMount) {
    apply(to: &mount.limits)
    mount.compression?.maxInflateRatio = maxInflateRatio
    mount.longPoll.maxSessions = maxLongPollSessions
    mount.longPoll.maxBatchMessages = maxLongPollBatch
    mount.longPoll.maxQueuedBytes = maxLongPollQueueBytes
    mount.longPoll.maxBodyBytes = maxLongPollBodyBytes
    mount.longPoll.sessionTimeout = TimeAmount(clamping: longPollSessionTimeout)
  }

  private func apply(to socket: inout WebSocketLimits) {
    socket.idleTimeout = TimeAmount(clamping: idleTimeout)
    socket.messageTimeout = TimeAmount(clamping: messageTimeout)
    socket.maxFrameBytes = maxFrameBytes
    socket.maxMessageBytes = maxMessageBytes
    socket.maxFragments = maxFragments
    socket.maxOutboundBytes = maxOutboundBytes
  }

  var client: ClientLimits {
    var client = ClientLimits()
    client.socket.maxChannels = maxChannels
    client.socket.maxQueuedEvents = maxQueuedEvents
    client.socket.maxQueuedBytes = maxQueuedBytes
    client.socket.maxQueuedMessages = maxQueuedMessages
    client.socket.maxTimers = maxTimers
    client.socket.maxSubscriptions = maxSubscriptions
    client.socket.maxTopicBytes = maxTopicBytes
    client.socket.maxEventBytes = maxEventBytes
    client.socket.maxRefBytes = maxRefBytes
    client.socket.maxMessagesPerSecond = maxMessagesPerSecond
    client.socket.maxJoinsPerSecond = maxJoinsPerSecond
    client.socket.maxPatchBytes = maxPatchBytes
    client.socket.maxPendingReplies = maxPendingReplies
    client.json.maxBytes = maxMessageBytes
    client.json.maxDepth = maxJSONDepth
    client.json.maxNodes = maxJSONNodes
    return client
  }
}
