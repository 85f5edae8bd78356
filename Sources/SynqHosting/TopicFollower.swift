import NIOCore
import SynqChannels

/// What one event loop has of a topic with shared assigns: the state, and the channels that are to be told of changes.
///
/// `@unchecked Sendable`: everything is touched on the loop only.
final class TopicFollower: @unchecked Sendable {
  let topic: SharedTopic
  unowned let loop: ServerLoop
  let state: TopicState
  private var members = TopicMembers()
  /// Where the round of the members is, and how many it has yet to come to.
  private var place = 0
  private var remaining = 0
  private var isScheduled = false

  /// Members that are told in one turn of the loop: others have to wait no longer than that takes.
  private static let maxBatch = 128

  init(_ topic: SharedTopic, loop: ServerLoop, _ snapshot: SharedState.Snapshot) {
    self.topic = topic
    self.loop = loop
    state = TopicState(topic: topic.name, snapshot)
  }

  func insert(_ context: ChannelContext) { members.insert(context) }

  /// True if nobody is left.
  func remove(_ context: ChannelContext) -> Bool {
    guard members.remove(context) else { return members.isEmpty }
    // Another one has taken the place, and may have been before it.
    if remaining > 0 { remaining = members.contexts.count }
    return members.isEmpty
  }

  /// Takes what has changed; true if anything has.
  @discardableResult
  func pull() -> Bool {
    guard let (changes, new) = topic.take(for: self) else { return false }
    state.follow(changes, to: new)
    remaining = members.contexts.count
    schedule()
    return true
  }

  /// Tells the members, after what the loop is at.
  private func schedule() {
    guard remaining > 0, !isScheduled else { return }
    isScheduled = true
    loop.eventLoop.execute {
      self.isScheduled = false
      self.tellBatch()
    }
  }

  private func tellBatch() {
    var count = min(remaining, Self.maxBatch)
    while count > 0, remaining > 0 {
      if place >= members.contexts.count { place = 0 }
      guard place < members.contexts.count else { break }
      let context = members.contexts[place]
      place += 1
      remaining -= 1
      count -= 1
      context.driver?.advance(context)
    }
    guard remaining > 0, !isScheduled else { return }
    isScheduled = true
    loop.afterNetwork {
      self.isScheduled = false
      self.tellBatch()
    }
  }
}
