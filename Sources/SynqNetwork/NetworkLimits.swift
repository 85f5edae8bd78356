import NIOCore

/// What one peer may cost the server. Each limit names what it stops; 0 never means "no limit".
package struct NetworkLimits: Sendable {
  /// Connections at a time, of all kinds. Stops a flood of connections from using up memory and descriptors. Beyond
  /// it 503. Default 100,000.
  package var maxConnections = 100_000
  /// Connections at a time from one IPv4 address or one IPv6 /64. Stops a single host from taking every place of
  /// `maxConnections`. Beyond it 503. Its long-poll sessions, of all mounts, are counted apart up to the same number:
  /// beyond it 429. Default 10,000; raise it when a proxy in front gives all clients one address.
  package var maxConnectionsPerAddress = 10_000
  /// Bytes that are held for clients, of all kinds, and for one address. Stops many clients that each keep within their own
  /// limits from using up the machine. Beyond it those who hold most are closed, with 1013.
  package var memory = MemoryBudget.Limits.default
  /// From the accepted connection, or the first byte of a further request, to the end of the request. Stops clients
  /// that send a header a byte at a time to hold connections (slowloris); TLS's handshake counts. Default 10 s.
  package var handshakeTimeout = TimeAmount.seconds(10)
  /// How long an HTTP connection may wait for its next request, or for its peer to take an answer. Stops
  /// connections that are opened and left. Default 30 s.
  package var keepAliveTimeout = TimeAmount.seconds(30)
  /// Bytes of a request's target and header fields. Stops headers without end. Beyond it 431. Default 16,384.
  package var maxHeaderBytes = 16_384
  /// Header fields of a request. Stops many tiny fields, dear to store and to search. Beyond it 431.
  /// Default 100.
  package var maxHeaderFields = 100
  /// How long the peer may take to close its side after the close frame was sent. Stops a peer that ignores it from
  /// holding the connection. Default 5 s.
  package var closeTimeout = TimeAmount.seconds(5)
  /// The same when the server stops, for a peer to which all was sent. Stops peers that sleep, or that are gone without
  /// a word, from holding up the end of the process. Default 50 ms.
  package var lingerTimeout = TimeAmount.milliseconds(50)
  /// Connections that a stop ends at once. Stops clients that come back elsewhere from all coming together.
  /// Default 1,000.
  package var drainBatch = 1_000
  /// From one batch of a stop to the next; less where its deadline would not do for all. Default 100 ms.
  package var drainPause = TimeAmount.milliseconds(100)

  package init() {}
}

/// What one WebSocket client may cost the server; each mounted socket has its own.
package struct WebSocketLimits: Sendable {
  /// Bytes of one frame, header and masking key included (`wire/frame_too_large`). Stops one frame from filling
  /// memory. Beyond it 1009. Default: a frame that has a whole message, of 1,000,000 bytes.
  package var maxFrameBytes = 1_000_000 + longestHeader
  /// Bytes of the longest header, masking key included (RFC 6455, 5.2).
  package static let longestHeader = 14
  /// Bytes of one message, all its fragments together. Stops what `maxFrameBytes` alone lets through: a message of
  /// fragments without end. Beyond it 1009; over long poll 413, and the session ends. Default 1,000,000.
  package var maxMessageBytes = 1_000_000
  /// Frames of one message. Stops empty fragments without end, which cost work and no message bytes. Beyond it
  /// 1009. Default 1,024.
  package var maxFragments = 1_024
  /// How long the client may send nothing. Stops half-open connections from living for ever. Beyond it 1002
  /// (`wire/idle_timeout`). Default 60 s: twice the heartbeat of the stock clients.
  package var idleTimeout = TimeAmount.seconds(60)
  /// How long a message may take to arrive, from its first byte. Stops messages that are begun and fed a byte now and then
  /// from being held for ever. Beyond it 1008. Default 60 s.
  package var messageTimeout = TimeAmount.seconds(60)
  /// Bytes that wait to be sent at which the connection stops being writable: state is held back and coalesced, and
  /// no more is read from the client. Stops a client that sends and does not read. Default 64 kB.
  package var outboundHighWaterMark = 65_536
  /// Bytes that wait to be sent at which the connection is writable again. Default 32 kB.
  package var outboundLowWaterMark = 32_768
  /// Bytes that may wait to be sent. Stops a client that does not read from filling memory by what others cause.
  /// Beyond it the connection closes with 1013. Default 8,000,000.
  package var maxOutboundBytes = 8_000_000

  package init() {}
}
