import NIOCore

/// A connection beyond a limit: answered with 503, without being read, and closed.
///
/// TCP resets a connection that is closed with bytes unread, and takes the answer with it: so it is kept for a moment
/// until the client has closed its side. How many are kept is limited too.
final class RefusedConnection: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private static let answer = ByteBuffer(
    string: "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
  /// How long a client may take to read the answer.
  private static let patience = TimeAmount.seconds(1)

  /// Takes over a new connection. An encrypted one is just closed: a handshake costs more than it is worth.
  static func begin(
    _ channel: any NIOCore.Channel, isEncrypted: Bool, counter: ConnectionCounter
  ) -> EventLoopFuture<Void> {
    guard !isEncrypted, counter.beginRefusal() else { return channel.close() }
    channel.closeFuture.whenComplete { _ in counter.endRefusal() }
    return channel.eventLoop.makeCompletedFuture {
      try channel.pipeline.syncOperations.addHandler(RefusedConnection())
    }
  }

  func channelActive(context: ChannelHandlerContext) {
    context.writeAndFlush(Self.wrapOutboundOut(Self.answer), promise: nil)
    context.close(mode: .output, promise: nil)
    let channel = context.channel
    context.eventLoop.scheduleTask(in: Self.patience) { channel.close(promise: nil) }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case ChannelEvent.inputClosed? = event as? ChannelEvent { context.close(promise: nil) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }
}
