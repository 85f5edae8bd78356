import NIOCore
import SynqChannels
import SynqWire
import Synchronization

/// How long a loop has worked without looking at its sockets.
///
/// NIO looks at its sockets only when no task is left: a task that hands over the next one at once starves them.
struct TurnClock {
  private let end: NIODeadline?

  /// - Parameter length: nil for a turn without end, where time is a test's.
  init(_ length: TimeAmount?) { end = length.map { NIODeadline.now() + $0 } }

  /// Whether the loop should look at its sockets now.
  var isOver: Bool { end.map { NIODeadline.now() >= $0 } ?? false }
}

/// What a loop has still to do for its inbox, first in, first out.
struct LoopBacklog {
  private var messages: [LoopMessage?] = []
  private var head = 0
  /// The message that is on its way to the members of a topic: behind it nothing else is begun.
  var fanOut: FanOut?

  /// Messages that were not begun.
  var count: Int { messages.count - head }

  var isEmpty: Bool { count == 0 && fanOut == nil }

  mutating func append(_ more: [LoopMessage]) {
    // Nearly always nothing waits.
    if count == 0 {
      messages = more
      head = 0
    } else {
      messages.append(contentsOf: more.lazy.map(Optional.some))
    }
  }

  mutating func popFirst() -> LoopMessage? {
    guard head < messages.count else { return nil }
    let message = messages[head].take()
    head += 1
    if head == messages.count {
      messages.removeAll(keepingCapacity: messages.count <= 1024)
      head = 0
    } else if head >= 1024, head * 2 >= messages.count {
      messages.removeFirst(head)
      head = 0
    }
    return message
  }
}

/// A message on its way to the members that its topic had when it was begun.
struct FanOut {
  private var broadcast: EncodedBroadcast?
  private let message: HostMessage?
  private let members: [ChannelContext]
  private let except: ChannelContext?
  private let hold: TopicHold?
  private var next = 0

  /// An event for the clients of a topic.
  init(_ broadcast: EncodedBroadcast, to members: [ChannelContext], except: ChannelContext?, hold: TopicHold?)
  {
    self.broadcast = broadcast
    message = nil
    self.members = members
    self.except = except
    self.hold = hold
  }

  /// A message for the channels of a topic.
  init(_ message: HostMessage, to members: [ChannelContext], except: ChannelContext?, hold: TopicHold?) {
    broadcast = nil
    self.message = message
    self.members = members
    self.except = except
    self.hold = hold
  }

  /// Hands the message to the next member; false when there is none.
  mutating func advance() -> Bool {
    guard next < members.count else { return false }
    let member = members[next]
    next += 1
    guard member !== except else { return true }
    if let message {
      member.driver?.deliver(message, to: member)
    } else if var encoded = broadcast.take() {
      member.driver?.deliver(broadcast: &encoded, to: member)
      broadcast = encoded
    }
    return true
  }
}

/// What messages to topics hold until every loop has delivered them: a limit for those who send faster than members take.
package final class TopicQueue: Sendable {
  private let count = Counter()
  private let bytes = Counter()
  /// Whether the first message that found no room was told.
  private let isTold = Atomic(false)

  /// Messages of a server that may wait for a loop.
  static let maxMessages = 10_000
  /// Bytes of their payloads.
  static let maxBytes = 64_000_000
  /// With so many the senders are slowed down.
  private static let manyMessages = 256

  /// Takes a message in; nil if too much waits already.
  func hold(_ size: Int) -> TopicHold? {
    guard count.current < Self.maxMessages, bytes.current == 0 || bytes.current + size <= Self.maxBytes else {
      return nil
    }
    count.add()
    bytes.add(size)
    return TopicHold(self, size)
  }

  fileprivate func release(_ size: Int) {
    count.subtract()
    bytes.add(-size)
    if count.current < Self.manyMessages { isTold.store(false, ordering: .relaxed) }
  }

  /// Messages that wait.
  var waiting: Int { count.current }

  /// Whether those who send should be slowed down.
  var isLong: Bool { count.current >= Self.manyMessages }

  /// Whether the message that found no room is the first since there was some.
  func mustTell() -> Bool { !isTold.exchange(true, ordering: .relaxed) }
}

/// One message's place in the queue of a server; given back when the last loop lets go of it.
final class TopicHold: Sendable {
  private let queue: TopicQueue
  private let size: Int

  fileprivate init(_ queue: TopicQueue, _ size: Int) {
    self.queue = queue
    self.size = size
  }

  deinit { queue.release(size) }
}
