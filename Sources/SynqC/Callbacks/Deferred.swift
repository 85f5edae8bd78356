import CSynq
import SynqChannels
import SynqServer
import Synchronization

/// A response that a host gives later. It lives until the host has given it, also when its channel has ended by then,
/// and so do the values that the host may read meanwhile.
final class Deferred: Sendable {
  enum Kind: Sendable {
    case inOrder(UInt64)
    case detached(DeferredReply)
  }

  let context: ChannelContext
  let kind: Kind
  private let lent = Mutex<[ValueHandle]>([])

  init(_ context: ChannelContext, _ kind: Kind) {
    self.context = context
    self.kind = kind
  }

  /// Keeps values that were lent to the callback.
  func keep(_ handles: [ValueHandle]) { lent.withLock { $0 += handles } }
}
