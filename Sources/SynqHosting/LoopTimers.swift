import NIOCore
import SynqChannels

/// A message of a channel to itself that is not due yet.
final class ChannelTimer {
  fileprivate let deadline: NIODeadline
  /// Timers with the same deadline run in the order in which they were made.
  fileprivate let number: UInt64
  /// Nil once the timer has run or was cancelled: what it carried is free at once.
  fileprivate var content: (message: HostMessage, context: ChannelContext)?

  fileprivate init(deadline: NIODeadline, number: UInt64, message: HostMessage, context: ChannelContext) {
    self.deadline = deadline
    self.number = number
    content = (message, context)
  }

  fileprivate static func runsBefore(_ a: ChannelTimer, _ b: ChannelTimer) -> Bool {
    (a.deadline, a.number) < (b.deadline, b.number)
  }
}

/// The delayed messages of all channels of one event loop.
///
/// The event loop has one timer for all of them: to cancel a timer of its own costs time for each timer that it has, so
/// that the end of a channel with many would hold up everybody. Here a cancelled timer stays in the heap, empty, until
/// half of the heap is empty. Setting costs O(log n), cancelling O(1) on average.
///
/// Confined to the loop.
final class LoopTimers {
  private let eventLoop: any EventLoop
  private let fire: (HostMessage, ChannelContext) -> Void
  private var heap: [ChannelTimer] = []
  private var made: UInt64 = 0
  private var cancelled = 0
  /// The loop's own timer, and when it runs; nil when none is set.
  private var wakeUp: (deadline: NIODeadline, task: Scheduled<Void>)?

  /// Cancelled timers that may stay whatever the size of the heap.
  private static let keptWhenCancelled = 64

  /// - Parameter fire: takes each message when it is due.
  init(eventLoop: any EventLoop, fire: @escaping (HostMessage, ChannelContext) -> Void) {
    self.eventLoop = eventLoop
    self.fire = fire
  }

  /// How many timers take up memory.
  var count: Int { heap.count }

  /// Sets a timer.
  func schedule(_ message: HostMessage, for context: ChannelContext, in delay: TimeAmount) -> ChannelTimer {
    made += 1
    let timer = ChannelTimer(
      deadline: eventLoop.now + delay, number: made, message: message, context: context)
    heap.append(timer)
    siftUp(heap.count - 1)
    wakeUpInTime()
    return timer
  }

  /// Takes a timer back; one that has run already is ignored.
  func cancel(_ timer: ChannelTimer) {
    guard timer.content != nil else { return }
    timer.content = nil
    cancelled += 1
    guard cancelled > Self.keptWhenCancelled, cancelled * 2 > heap.count else { return }
    heap.removeAll { $0.content == nil }
    cancelled = 0
    if heap.capacity > 4 * heap.count + 64 { heap = Array(heap) }
    for place in (0..<heap.count / 2).reversed() { siftDown(place) }
  }

  private func wakeUpInTime() {
    guard let next = heap.first?.deadline else { return }
    if let wakeUp {
      guard next < wakeUp.deadline else { return }
      wakeUp.task.cancel()
    }
    let task = eventLoop.assumeIsolated().scheduleTask(deadline: next) { [weak self] in
      self?.runDue(at: next) ?? ()
    }
    wakeUp = (next, task)
  }

  private func runDue(at time: NIODeadline) {
    wakeUp = nil
    let now = max(time, eventLoop.now)
    while let first = heap.first, first.deadline <= now {
      removeFirst()
      guard let (message, context) = first.content.take() else {
        cancelled -= 1
        continue
      }
      fire(message, context)
    }
    wakeUpInTime()
  }

  // MARK: The heap

  private func removeFirst() {
    let last = heap.removeLast()
    guard !heap.isEmpty else { return }
    heap[0] = last
    siftDown(0)
  }

  private func siftUp(_ place: Int) {
    var place = place
    while place > 0 {
      let parent = (place - 1) / 2
      guard ChannelTimer.runsBefore(heap[place], heap[parent]) else { return }
      heap.swapAt(place, parent)
      place = parent
    }
  }

  private func siftDown(_ place: Int) {
    var place = place
    while true {
      var least = place
      for child in [2 * place + 1, 2 * place + 2]
      where child < heap.count && ChannelTimer.runsBefore(heap[child], heap[least]) {
        least = child
      }
      guard least != place else { return }
      heap.swapAt(place, least)
      place = least
    }
  }
}
