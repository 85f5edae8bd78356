import SynqChannels
import SynqJSON
import SynqWire

/// A host's callbacks for one topic pattern, as the C and the Swift front doors adapt them.
package protocol CallbackHost: AnyObject, Sendable {
  /// Runs a callback to its end on the current thread. It reaches the channel through `context`, and may have called
  /// `context.deferResponse` by the time it returns.
  func run(_ cause: Invocation.Cause, on context: ChannelContext) -> Outcome

  /// The channel is gone; no callback of it will run any more. On a thread that may run the host's code.
  func channelEnded(_ context: ChannelContext)

  /// Whether `run` returns at once, because it defers what takes time: then it needs no thread of its own.
  var neverBlocks: Bool { get }

  /// Whether `ChannelContext.dueSince` is of interest; taking the time costs a callback some 30 ns.
  var asksDueTime: Bool { get }

  /// What the program has to say about who is here; nil if nothing.
  var presence: (any PresenceHost)? { get }
}

extension CallbackHost {
  package var neverBlocks: Bool { false }
  package var asksDueTime: Bool { false }
  package var presence: (any PresenceHost)? { nil }
}

/// A host's decision about clients that ask to be connected.
package protocol ConnectHost: AnyObject, Sendable {
  /// Decides, first about the origin if there is one to check, now on the current thread or later on any, and
  /// answers `request.attempt`.
  func connect(_ request: ConnectRequest)
}

/// A callback that is due: what the three deliveries carry to a thread.
package enum PendingCall: Sendable {
  case channel(ChannelContext, Invocation)
  case connect(any ConnectHost, ConnectRequest)
  /// Something of the host's that is to be freed.
  case release(@Sendable () -> Void)
  /// A callback that is not of one channel.
  case task(@Sendable () -> Void)

  /// Runs the callback on the current thread; its outcome finds its own way back.
  package func run() {
    switch self {
    case .channel(let context, let invocation): context.run(invocation)
    case .connect(let host, let request): if !request.attempt.isOver { host.connect(request) }
    case .release(let body), .task(let body): body()
    }
  }
}
