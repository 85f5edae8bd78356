import SynqChannels
import SynqJSON
import SynqWire

/// What a channel holds beyond a callback: its timers and its subscriptions, each up to a limit. Both end with it.
struct HeldByChannel {
  /// The bytes of the payloads of timers that are not due yet, by their numbers.
  fileprivate var timers: [UInt64: Int] = [:]
  fileprivate var timerBytes = 0
  fileprivate var timersMade: UInt64 = 0
  fileprivate var subscriptions: Set<Topic> = []

  /// Notes a subscription. Twice is once.
  mutating func subscribe(_ topic: Topic, limit: Int) throws(HostError) {
    if subscriptions.contains(topic) { return }
    guard subscriptions.count < limit else {
      throw HostError(.limit, "topic: the channel has max_subscriptions (\(limit)) of them")
    }
    subscriptions.insert(topic)
  }

  /// Takes a subscription back.
  mutating func unsubscribe(_ topic: Topic) { subscriptions.remove(topic) }

  fileprivate mutating func addTimer(_ bytes: Int, _ limits: SocketLimits) throws(HostError) -> UInt64 {
    guard timers.count < limits.maxTimers else {
      throw HostError(
        .limit, "message: the channel has max_timers (\(limits.maxTimers)) that are not due yet")
    }
    guard timers.isEmpty || timerBytes + bytes <= limits.maxQueuedBytes else {
      throw HostError(
        .limit,
        "payload: the timers of the channel would hold more than max_queued_bytes (\(limits.maxQueuedBytes))")
    }
    timersMade += 1
    timers[timersMade] = bytes
    timerBytes += bytes
    return timersMade
  }

  /// False if the timer has ended before.
  fileprivate mutating func endTimer(_ number: UInt64) -> Bool {
    guard let bytes = timers.removeValue(forKey: number) else { return false }
    timerBytes -= bytes
    return true
  }
}

extension ChannelContext {
  /// Sends a message to the channel itself after a delay. Returns the number of the timer for `cancelTimer`, which is
  /// never 0. An error of code `limit` where the channel has too many.
  @discardableResult
  package func sendAfter(
    _ delay: Duration, message: String, payload: JSON
  ) throws(HostError) -> UInt64 {
    guard let limits = driver?.limits else { throw .topicHasNoClient }
    let number = try withHeld { held throws(HostError) in try held.addTimer(payload.flatSize, limits) }
    try perform(.sendAfter(delay, message: message, payload: payload, timer: number))
    return number
  }

  /// Takes a delayed message back: it will not come. An error of code `notFound` when it was due already, or cancelled.
  package func cancelTimer(_ number: UInt64) throws(HostError) {
    guard timerEnded(number) else {
      if hasEnded { throw .channelClosed }
      throw HostError(.notFound, "timer: it was due already, or was cancelled")
    }
    try perform(.cancelTimer(number))
  }

  /// Notes that a timer is due or was cancelled; false if that was noted before.
  @discardableResult
  func timerEnded(_ number: UInt64) -> Bool { state.withLock { $0.held.endTimer(number) } }

  /// Counts what an effect makes the channel hold.
  func note(_ effect: Effect) throws(HostError) {
    switch effect {
    case .subscribe(let topic):
      guard let limit = driver?.limits.maxSubscriptions else { throw .topicHasNoClient }
      guard !topic.hasSameBytes(as: self.topic) else { return }
      try withHeld { held throws(HostError) in try held.subscribe(Topic(topic), limit: limit) }
    case .unsubscribe(let topic): try withHeld { held throws(HostError) in held.unsubscribe(Topic(topic)) }
    case .push, .broadcast, .publish, .send, .sendAfter, .cancelTimer, .presenceState: break
    }
  }

  private func withHeld<Result>(
    _ body: (inout HeldByChannel) throws(HostError) -> Result
  ) throws(HostError) -> Result {
    let result = state.withLock { state -> Swift.Result<Result, HostError> in
      if case .ended = state.phase { return .failure(.channelClosed) }
      do throws(HostError) { return .success(try body(&state.held)) } catch { return .failure(error) }
    }
    return try result.get()
  }
}
