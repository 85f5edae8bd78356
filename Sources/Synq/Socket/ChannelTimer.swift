import SynqChannels
import SynqHosting

/// A message that a channel sent to itself with a delay; see ``Socket/sendAfter(_:_:_:)-(Duration,String,JSON)``. It need not be kept: the message comes
/// without it, and goes with the channel.
public struct ChannelTimer: Sendable {
  let context: ChannelContext
  let number: UInt64

  /// Takes the message back: it will not come. From any thread at any time; inside a callback it takes effect when that is
  /// done. False when the message was due already, was cancelled before, or its channel is gone.
  @discardableResult
  public func cancel() -> Bool { (try? context.cancelTimer(number)) != nil }
}
