import SynqJSON
import SynqWire

/// The state of one joined topic: which callback it is in, what waits, what the client has.
///
/// The machine itself decides nothing about other channels: `SocketEngine` moves it and says what that means on the wire.
/// It is an object only so that the engine can change it in place; no other than its engine has it.
final class ChannelMachine {
  /// Where the channel is in its life.
  enum Phase {
    /// The channel that the client joined again must end first.
    case waiting
    /// `authorize` runs.
    case authorizing
    /// `init` runs, or a failed one may be tried again.
    case initializing
    /// Joined, with state if it tracks any.
    case live
    /// Joined, but `init` failed: events get `not_initialized`, a refresh tries again.
    case failed
    /// `before_close` runs or waits for the running callback.
    case closing(Ending)
  }

  /// How a channel ends.
  struct Ending {
    var reason: CloseReason
    /// Whether the end is announced to the client, and not later by a successor or not at all.
    var isAnnounced: Bool
  }

  /// Something that waits for the channel to be free.
  enum Mail {
    case event(name: String, payload: Payload, ref: Ref?)
    case refresh(ref: Ref?)
    case leave(ref: Ref?)
    /// A second join that came while the first was being authorized.
    case join(Message)
    case message(HostMessage)
    /// A function of the program's that runs in the channel's order.
    case update(any Update)
    case stop(CloseReason)
  }

  let key: ChannelKey
  let spec: ChannelSpec
  let topic: String
  let joinRef: Ref?
  /// The ref of the join, for its reply.
  let joinReplyRef: Ref?
  /// What the client joined with, until `init` has succeeded.
  var params: Payload
  /// Memory of the payload that a callback works on.
  var runningBytes = 0
  var phase: Phase
  /// The callback that runs; at most one at a time.
  var running: Invocation?
  /// Replies to that event that were given before its callback was complete.
  var earlyReplies: [DeferredReply: Response] = [:]
  /// The ref of the event whose callback runs.
  var eventRef: Ref?
  /// Whether `authorize` succeeded, so that `before_close` is owed.
  var isAuthorized = false
  var assigns: Assigns
  var state = SyncedState()
  /// What the topic's channels share; nil where nothing is, and until the topic is open.
  var topicState: TopicState?
  /// Whether the engine has the channel in its list of those whose state may differ from the client's.
  var isDirty = false
  /// When the next state message may go out, in nanoseconds, where the spec wants a pause between two; and whether one
  /// waits for that.
  var nextStateAt: UInt64 = 0
  var waitsForPause = false
  /// The join_ref of the channel that this one replaced, until its end was announced.
  var replacedJoinRef: Ref??
  /// The channel of the topic that must end first.
  var predecessor: ChannelKey?
  /// The channel that waits for this one to end.
  var successor: ChannelKey?
  var mailbox: Mailbox
  /// The join_ref of the newest join that waits in the mailbox; nil when none does.
  var queuedJoinRef: Ref??

  /// - Parameter count: counts what waits for all channels of the socket.
  init(key: ChannelKey, spec: ChannelSpec, join: Message, assigns: Assigns, count: MailCount) {
    mailbox = Mailbox(count)
    self.key = key
    self.spec = spec
    topic = join.topic.text
    joinRef = join.joinRef
    joinReplyRef = join.ref
    params = join.payload
    phase = .authorizing
    self.assigns = assigns
  }

  var isBusy: Bool { running != nil }

  /// What the client's state shall become.
  var current: SyncedState.Current { SyncedState.Current(assigns: assigns, topic: topicState) }

  /// The join_ref of the topic's newest join, and so of the messages that the client sends now.
  var newestJoinRef: Ref? { queuedJoinRef ?? joinRef }

  /// Whether the client has been told that it joined, and not yet that it left.
  var isJoined: Bool {
    switch phase {
    case .initializing, .live, .failed: true
    case .waiting, .authorizing, .closing: false
    }
  }

  /// About how much memory what waits takes of what its client sent.
  var waitingBytes: Int { mailbox.bytes + (params.size > 64 ? params.size : 0) }

  var isClosing: Bool {
    if case .closing = phase { true } else { false }
  }
}

extension ChannelMachine.Mail {
  /// About how much memory a client's message takes; what the server sends is not counted.
  var bytes: Int {
    switch self {
    case .event(let name, let payload, _): name.utf8.count + payload.size + 64
    case .join(let message): message.payload.size + 64
    case .refresh, .leave, .message, .update, .stop: 0
    }
  }
}
