/// permessage-deflate (RFC 7692) for a mounted socket: smaller messages for CPU time.
package struct CompressionOptions: Sendable {
  /// From 1, fastest, to 9, smallest. Default 4.
  package var level = 4
  /// Messages below this size are sent as they are: they would hardly shrink. Default 128 bytes.
  package var minBytes = 128
  /// Whether messages may refer to those before. Small messages shrink much better, and each connection costs about
  /// 300 kB. Default false: the connections of an event loop share one compressor.
  package var contextTakeover = false
  /// How many times its size a message may inflate to, beyond the first 64 kB. Stops a message of a few bytes from
  /// becoming as large as `WebSocketLimits.maxMessageBytes` allows (a "zip bomb", up to 1,032 times). Beyond it
  /// 1009. Default 100.
  package var maxInflateRatio = 100

  package init() {}
}
