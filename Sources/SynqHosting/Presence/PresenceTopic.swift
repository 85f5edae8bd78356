import NIOCore
import SynqChannels
import SynqJSON
import Synchronization

/// Who is in one topic, for all loops of a server.
///
/// Changes are gathered and told together: those of one turn of a loop, and in a topic with many members those of up to 100 ms.
/// Under the lock messages are put into inboxes, so that every loop has them in the same order; loops are woken after it, as
/// one may run its tasks at once.
final class PresenceTopic: Sendable {
  /// When the next diff is due.
  enum Schedule {
    case none
    /// At the end of the turn of some loop.
    case soon
    /// After the pause that follows the last one.
    case paused
  }

  struct State {
    var table: PresenceTable
    /// The loop of the last change, whose clock counts.
    var loop: (any EventLoop)?
    /// When the last diff was sent.
    var toldAt: NIODeadline?
    var schedule = Schedule.none
    /// The change that `fetch` is asked about.
    var isFetching = false
    /// Channels that get their `presence_state` behind the next diff.
    var waiting: [ChannelContext] = []
    /// Channels that were shown the list: they get the diffs too, and the list anew when they are resumed.
    var shown: Set<ObjectIdentifier> = []
    /// Keys that came and went, for the program.
    var calls: [(key: String, isPresent: Bool)] = []
    var isCalling = false
    /// The directory has forgotten the topic.
    var isForgotten = false

    /// Whether nothing would be lost with it.
    var isUnused: Bool {
      table.isEmpty && !table.hasChange && shown.isEmpty && waiting.isEmpty && !isFetching
        && schedule == .none
        && calls.isEmpty && !isCalling
    }
  }

  let name: String
  let host: (any PresenceHost)?
  /// The shared assign that is kept to who is here; nil where clients get presence messages.
  let assign: String?
  let state: Mutex<State>

  init(_ name: String, limits: PresenceLimits, assign: String?, host: (any PresenceHost)?) {
    self.name = name
    self.host = host
    self.assign = assign
    state = Mutex(State(table: PresenceTable(limits: limits, hasFetch: host?.fetchesPresence == true)))
  }

  /// How long a topic waits after a diff until it sends the next one. A diff costs a message for each member, so that few
  /// members wait not at all, and in a crowd that comes within a second most of the diffs are saved.
  static func pause(members: Int) -> TimeAmount {
    members <= smallTopic ? .zero : .milliseconds(min(maxPauseMilliseconds, Int64(members)))
  }

  /// Up to so many members a diff follows its cause at once.
  private static let smallTopic = 16
  private static let maxPauseMilliseconds: Int64 = 100
}

extension ChannelContext {
  /// Who tracks keys.
  var presenceOwner: PresenceOwner {
    PresenceOwner(channel: UInt64(UInt(bitPattern: ObjectIdentifier(self))))
  }
}
