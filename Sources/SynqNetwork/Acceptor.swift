import Glibc
import Logging
import NIOCore
import Synchronization

/// Keeps a listener from trying in vain to accept while the process has no descriptor, or no memory, for a connection.
///
/// The kernel reports such a listener as readable again and again, and NIO's own back-off looks only after an accept that
/// succeeded. So the listener is not read from until a connection has ended, or a moment has passed: descriptors of the
/// program's own may have become free.
final class Acceptor: ChannelInboundHandler, @unchecked Sendable {
  // Unchecked: everything but `isPaused` and `channel` is touched on the listener's loop only; `channel` is set before any
  // connection is accepted, and not changed.
  typealias InboundIn = any NIOCore.Channel

  /// How long a pause is when no connection ends.
  private static let pause = TimeAmount.milliseconds(500)

  private let logger: Logger
  private let isPaused = Atomic<Bool>(false)
  private var channel: (any NIOCore.Channel)?
  /// Whether the log has a line about this time without descriptors, which ends with a connection that was accepted.
  private var isTold = false
  private var retry: Scheduled<Void>?

  init(logger: Logger) { self.logger = logger }

  func handlerAdded(context: ChannelHandlerContext) { channel = context.channel }

  func channelInactive(context: ChannelHandlerContext) {
    retry?.cancel()
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if isTold {
      isTold = false
      logger.info("connections are accepted again")
    }
    context.fireChannelRead(data)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let error = error as? IOError, Self.isShortage(error.errnoCode) else {
      return context.fireErrorCaught(error)
    }
    if !isTold {
      isTold = true
      logger.warning(
        "no connection can be accepted until one has ended: \(String(cString: strerror(error.errnoCode)))",
        metadata: ["hint": "raise the limit of open files (ulimit -n), or lower max_connections"])
    }
    isPaused.store(true, ordering: .sequentiallyConsistent)
    // What was asked for is taken back: the listener is not even looked at.
    try? context.channel.syncOptions?.setOption(.autoRead, value: false)
    retry?.cancel()
    retry = context.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) { self.resume() }
  }

  /// Whether the listener is not looked at.
  var isPausing: Bool { isPaused.load(ordering: .sequentiallyConsistent) }

  /// A connection has ended, on any loop.
  func connectionEnded() {
    guard isPausing, let channel else { return }
    channel.eventLoop.execute { self.resume() }
  }

  private func resume() {
    guard isPaused.exchange(false, ordering: .sequentiallyConsistent) else { return }
    retry?.cancel()
    try? channel?.syncOptions?.setOption(.autoRead, value: true)
  }

  private static func isShortage(_ code: CInt) -> Bool {
    code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM
  }
}
