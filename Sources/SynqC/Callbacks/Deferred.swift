import CSynq
import SynqChannels
import SynqServer

/// A response that a host gives later.
final class Deferred: Sendable {
  enum Kind: Sendable {
    case inOrder(UInt64)
    case detached(DeferredReply)
  }

  let context: ChannelContext
  let kind: Kind

  init(_ context: ChannelContext, _ kind: Kind) {
    self.context = context
    self.kind = kind
  }
}
