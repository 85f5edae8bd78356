/// Who may change what a topic shares, one at a time, and whether the topic is open.
///
/// | phase | becomes | when |
/// | --- | --- | --- |
/// | closed | opening | the first comes who needs what is shared |
/// | opening | open, or closed | `open_topic` is done |
/// | open | closing | nobody is left, and the time to linger has passed |
/// | closing | closed | `close_topic` is done |
///
/// Pure: whoever has it carries out the `Step` that each event leads to, and tells when that is done. Turns go round in
/// the order in which they were asked for; as a channel has one callback at a time, no channel starves another.
package struct TopicTurn<Waiter: Sendable>: Sendable {
  private enum Phase: Sendable {
    case closed
    case opening
    case open
    case closing
  }

  /// What somebody who asks for the turn needs the topic to be.
  package enum Need: Sendable {
    /// Open: it is opened if it is not.
    case opens
    /// Open: if it is not, and nobody opens it, the answer is no.
    case onlyIfOpen
    /// As it is: what is shared may be empty.
    case asItIs
  }

  /// What must be done now.
  package enum Step {
    case nothing
    /// Run this callback, then call `release`.
    case run(Waiter)
    /// Run `open_topic`, then call `opened`.
    case open
    /// Run `close_topic`, then call `closed`.
    case close
    /// Call `lingered` with this number after the time to linger.
    case linger(UInt64)
    /// Tell these that the topic is not open, and ask `next` for more.
    case refuse([Waiter])
    /// Nobody refers to the topic any more: forget it.
    case forget
  }

  private var phase = Phase.closed
  private var waiters = Queue<(waiter: Waiter, need: Need)>()
  private var isTaken = false
  /// Channels that are in the topic, or are about to be.
  package private(set) var members = 0
  /// The wait for somebody to come back that runs now, by its number.
  private var lingering: UInt64?
  private var lingerings: UInt64 = 0
  /// Nobody came back in time: the topic closes as soon as nobody has the turn.
  private var lingerIsOver = false

  package init() {}

  package var isOpen: Bool { phase == .open }

  /// How many wait.
  package var queueLength: Int { waiters.count }

  /// Whether an update of the topic would find it open or opening, so that it need not open it.
  package var willBeOpen: Bool { phase == .open || phase == .opening || (phase == .closed && members > 0) }

  // MARK: Members

  /// A channel comes.
  package mutating func join() {
    members += 1
    lingering = nil
    lingerIsOver = false
  }

  /// A channel has gone.
  package mutating func leave() -> Step {
    members -= 1
    return next()
  }

  // MARK: Turns

  /// Asks for the turn.
  package mutating func request(_ waiter: Waiter, _ need: Need) -> Step {
    waiters.append((waiter, need))
    return next()
  }

  /// The callback that had the turn is done.
  package mutating func release() -> Step {
    isTaken = false
    return next()
  }

  /// `open_topic` is done. After a failure everybody who waits is told, and the next who comes tries again.
  package mutating func opened(_ isOpen: Bool) -> Step {
    isTaken = false
    phase = isOpen ? .open : .closed
    guard !isOpen else { return next() }
    return refuse { $0 != .asItIs }
  }

  /// `close_topic` is done.
  package mutating func closed() -> Step {
    isTaken = false
    phase = .closed
    lingerIsOver = false
    return next()
  }

  /// The time to linger has passed. Updates meanwhile have not made it longer.
  package mutating func lingered(_ number: UInt64) -> Step {
    guard lingering == number else { return .nothing }
    lingering = nil
    lingerIsOver = true
    return next()
  }

  /// The server waits no longer: takes all that wait, whom nobody will call.
  package mutating func abandon() -> [Waiter] {
    var abandoned: [Waiter] = []
    while let (waiter, _) = waiters.popFirst() { abandoned.append(waiter) }
    return abandoned
  }

  /// The server ends: the time to linger is over.
  package mutating func lingeredNow() -> Step { lingering.map { lingered($0) } ?? .nothing }

  /// Whether nobody refers to the topic, and nothing is left of it.
  package var isForgettable: Bool { phase == .closed && !isTaken && members == 0 && waiters.isEmpty }

  /// What is to be done as things are; also asked again after `Step.refuse`.
  package mutating func next() -> Step {
    guard !isTaken else { return .nothing }
    switch phase {
    case .opening, .closing: return .nothing
    case .open:
      if let (waiter, _) = waiters.popFirst() {
        isTaken = true
        return .run(waiter)
      }
      guard members == 0, lingering == nil else { return .nothing }
      if lingerIsOver {
        isTaken = true
        phase = .closing
        return .close
      }
      lingerings += 1
      lingering = lingerings
      return .linger(lingerings)
    case .closed:
      if waiters.contains(where: { $0.need == .opens }) {
        isTaken = true
        phase = .opening
        return .open
      }
      guard let first = waiters.first else { return members == 0 ? .forget : .nothing }
      if first.need == .asItIs {
        isTaken = true
        return waiters.popFirst().map { .run($0.waiter) } ?? .nothing
      }
      // Somebody is about to open it, or nobody will.
      return members > 0 ? .nothing : refuse { $0 == .onlyIfOpen }
    }
  }

  private mutating func refuse(_ isRefused: (Need) -> Bool) -> Step {
    var (refused, kept) = ([Waiter](), Queue<(waiter: Waiter, need: Need)>())
    while let entry = waiters.popFirst() {
      if isRefused(entry.need) { refused.append(entry.waiter) } else { kept.append(entry) }
    }
    waiters = kept
    return .refuse(refused)
  }
}

/// First in, first out; what was taken is let go of.
package struct Queue<Element: Sendable>: Sendable {
  private var items: [Element?] = []
  private var head = 0

  package init() {}

  package var count: Int { items.count - head }
  package var isEmpty: Bool { head == items.count }
  package var first: Element? { isEmpty ? nil : items[head] }

  /// Whether any of what waits is so.
  package func contains(where predicate: (Element) -> Bool) -> Bool {
    items[head...].contains { $0.map(predicate) ?? false }
  }

  package mutating func append(_ element: Element) { items.append(element) }

  /// Takes the oldest.
  package mutating func popFirst() -> Element? {
    guard head < items.count, let element = items[head].take() else { return nil }
    head += 1
    if head == items.count {
      items.removeAll(keepingCapacity: items.capacity <= 64)
      head = 0
    } else if head >= 64, head * 2 >= items.count {
      items.removeFirst(head)
      head = 0
    }
    return element
  }
}
