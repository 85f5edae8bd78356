import SynqCluster

/// A cluster of some processes with one topic, in simulated time: a scheduler with a seed delays what they say to the
/// engine and what they hear, cuts their connections, freezes, stops and starts them, and lets the engine lose its data.
/// After every step the promises of a cluster are checked:
///
/// - turns: no two processes have the turn at once;
/// - versions: each process sees every version once, without a gap;
/// - nothing lost: what one process has shown as a version is that version for all, for ever;
/// - answers: a change that was told as committed is in the end there once; one that was told as failed is not;
/// - convergence: when all is well again, all processes have the same, and it is what the engine has.
package struct Simulation {
  /// A fault of the code that the checks must find.
  package enum Mutation: CaseIterable, Sendable {
    /// A lease is given also when another process has it.
    case leaseIsNotExclusive
    /// A change is told to the others before it is in the log.
    case toldBeforeWritten
    /// An entry of an older term is taken, too.
    case appendTakesAll
    /// A snapshot lacks the last change that it says it has.
    case snapshotIsOlder
    /// After a loss of data the first comes first, without the time for those who have the data.
    case noGrace
    /// What is read lacks the last change.
    case readEndsEarly
    /// A write whose answer was lost counts as failed at once.
    case lostAnswerIsFailure
  }

  /// A promise that was broken.
  package struct Violation: Error, Hashable, Sendable, CustomStringConvertible {
    package var promise: String
    package var detail: String
    package var description: String { "\(promise): \(detail)" }
  }

  private struct Node {
    var topic: ClusterTopic<SimulatedState>
    var isRunning = true
    var isFrozen = false
    /// Counts connections: what belongs to an older one is dropped.
    var connection = 0
    var isConnected = false
    /// What it says and hears stays in order; these are the last times.
    var lastCall = Duration.zero
    var lastAnswer = Duration.zero
    var lastNotice = Duration.zero
    var clock: Duration
    var change: UInt64?
    var isInCallback = false
    var queued = 0
    var shown = 0
    var loads = 0
    var whenThawed: [Event] = []
    var tick: Duration?
  }

  private enum Event {
    case call(Int, connection: Int, EngineCall, asked: Duration)
    case answer(Int, connection: Int, EngineCall, EngineAnswer, asked: Duration)
    case notice(Int, connection: Int, Notice)
    case connect(Int, connection: Int)
    case callbackEnds(Int, life: Int)
    case request(Int)
    case tick(Int)
    case thaw(Int)
    case start(Int)
    case fault
  }

  private struct Entry { let time: Duration, number: Int, event: Event }

  private var random: Random
  private let mutation: Mutation?
  private var engine = MemoryEngine()
  private var nodes: [Node] = []
  private var lives: [Int] = []
  private var queue: [Entry] = []
  private var number = 0
  private var now = Duration.zero
  private var isHealing = false
  private var recoversUntil = Duration.zero

  private var steps = 0
  /// More than a run takes that does not go round in a circle.
  private static let maxSteps = 200_000

  private var nextChange: UInt64 = 0
  private var shown: [UInt64] = []
  private var committed: Set<UInt64> = []
  private var failed: Set<UInt64> = []

  /// What happened, for those who ask whether a run tried anything.
  package private(set) var commits = 0
  package private(set) var takeOvers = 0
  package private(set) var losses = 0

  package init(seed: UInt64, mutation: Mutation? = nil) {
    random = Random(seed: seed)
    self.mutation = mutation
    let count = 2 + Int(random.next() % 3)
    for index in 0..<count {
      nodes.append(makeNode())
      lives.append(0)
      schedule(.connect(index, connection: 0), after: random.time(20))
      schedule(.request(index), after: random.time(100))
    }
    // In most runs there is an engine that is not new.
    engine.isAlive = random.chance(70)
    for _ in 0..<Int(random.next() % 6) { schedule(.fault, after: .seconds(3) + random.time(5500)) }
  }

  private mutating func makeNode() -> Node {
    var configuration = ClusterTopic<SimulatedState>.Configuration()
    configuration.snapshotBytes = 64
    configuration.snapshotChanges = 5
    return Node(
      topic: ClusterTopic(node: NodeID(random.next()), configuration: configuration),
      clock: random.time(1_000_000))
  }

  // MARK: Running

  /// Runs to the end.
  package mutating func run() throws(Violation) {
    try run(until: .seconds(9))
    isHealing = true
    for index in nodes.indices {
      if !nodes[index].isRunning { start(index) }
      if nodes[index].isFrozen { try thaw(index) }
      if !nodes[index].isConnected {
        schedule(.connect(index, connection: nodes[index].connection), after: random.time(50))
      }
      nodes[index].queued += 1
      schedule(.request(index), after: .seconds(1))
    }
    try run(until: .seconds(30))
    try checkEnd()
  }

  private mutating func run(until end: Duration) throws(Violation) {
    while let next = popNext(before: end) {
      now = next.time
      steps += 1
      guard steps < Self.maxSteps else { throw Violation(promise: "progress", detail: "no end at \(now)") }
      try handle(next.event)
      try check()
    }
    now = end
  }

  private mutating func schedule(_ event: Event, after delay: Duration) {
    number += 1
    let entry = Entry(time: now + delay, number: number, event: event)
    // Few wait at a time: a sorted array is enough.
    let place = queue.firstIndex { ($0.time, $0.number) < (entry.time, entry.number) } ?? queue.endIndex
    queue.insert(entry, at: place)
  }

  private mutating func popNext(before end: Duration) -> Entry? {
    guard let last = queue.last, last.time < end else { return nil }
    return queue.removeLast()
  }

  private mutating func handle(_ event: Event) throws(Violation) {
    switch event {
    case .call(let index, let connection, let call, let asked):
      perform(call, of: index, connection, asked)
    case .answer(let index, let connection, let call, let answer, let asked):
      guard isOn(index, connection) else { return }
      if wait(event, index) { return }
      nodes[index].topic.answered(call, answer, asked: asked, now: time(of: index))
      if mutation == .lostAnswerIsFailure { _ = call }
      try settle(index)
    case .notice(let index, let connection, let notice):
      guard isOn(index, connection) else { return }
      if wait(event, index) { return }
      nodes[index].topic.received(notice, now: time(of: index))
      try settle(index)
    case .connect(let index, let connection):
      guard nodes[index].isRunning, nodes[index].connection == connection, !nodes[index].isConnected else {
        return
      }
      nodes[index].isConnected = true
      nodes[index].topic.connected(now: time(of: index))
      try settle(index)
    case .callbackEnds(let index, let life):
      guard lives[index] == life else { return }
      if wait(event, index) { return }
      try endCallback(index)
    case .request(let index):
      guard nodes[index].isRunning else { return }
      if !isHealing {
        nodes[index].queued += 1
        schedule(.request(index), after: random.chance(30) ? random.time(2000) : random.time(80))
      }
      if !nodes[index].isFrozen, !nodes[index].isInCallback, nodes[index].change == nil,
        nodes[index].queued > 0
      {
        nodes[index].topic.requestTurn(now: time(of: index))
        try settle(index)
      }
    case .tick(let index):
      nodes[index].tick = nil
      guard nodes[index].isRunning else { return }
      if wait(event, index) { return }
      nodes[index].topic.tick(now: time(of: index))
      try settle(index)
    case .thaw(let index): try thaw(index)
    case .start(let index): if !nodes[index].isRunning { start(index) }
    case .fault: if !isHealing { try fault() }
    }
  }

  private func isOn(_ index: Int, _ connection: Int) -> Bool {
    nodes[index].isRunning && nodes[index].isConnected && nodes[index].connection == connection
  }

  private mutating func wait(_ event: Event, _ index: Int) -> Bool {
    guard nodes[index].isFrozen else { return false }
    nodes[index].whenThawed.append(event)
    return true
  }

  /// Each process has a clock of its own.
  private func time(of index: Int) -> Duration { now + nodes[index].clock }

  // MARK: The engine

  private mutating func perform(_ call: EngineCall, of index: Int, _ connection: Int, _ asked: Duration) {
    // A command that was sent may be carried out after its connection has ended.
    let node = nodes[index].topic.node
    let (answer, notices) = engine.perform(call, by: node, now: now, mutation)
    if case .acquired = answer { takeOvers += 1 }
    for notice in notices { publish(notice) }
    if case .publish = call { return }
    guard isOn(index, connection) else { return }
    let due = max(now + random.time(3), nodes[index].lastAnswer)
    nodes[index].lastAnswer = due
    schedule(.answer(index, connection: connection, call, answer, asked: asked), after: due - now)
  }

  private mutating func publish(_ notice: Notice) {
    for index in nodes.indices where nodes[index].isRunning && nodes[index].isConnected {
      let due = max(now + random.time(random.chance(5) ? 50 : 3), nodes[index].lastNotice)
      nodes[index].lastNotice = due
      schedule(.notice(index, connection: nodes[index].connection, notice), after: due - now)
    }
  }

  private mutating func say(_ call: EngineCall, _ index: Int) {
    // Now and then the way is as good as cut, for longer than a lease.
    let isStalled = random.next() % 300 == 0 && !isHealing && now >= recoversUntil
    let longest = !isStalled ? (random.chance(5) ? 30 : 3) : 6000
    let due = max(now + random.time(longest), nodes[index].lastCall)
    nodes[index].lastCall = due
    let connection = nodes[index].connection
    schedule(.call(index, connection: connection, call, asked: time(of: index)), after: due - now)
    if mutation == .toldBeforeWritten, case .append(let id, let change) = call {
      publish(.entry(LogEntry(id, .change(change))))
    }
  }

  // MARK: The processes

  /// Does what a topic asks for.
  private mutating func settle(_ index: Int) throws(Violation) {
    while true {
      let actions = nodes[index].topic.takeActions()
      if actions.isEmpty { break }
      for action in actions {
        switch action {
        case .call(let call): say(call, index)
        case .mayRun:
          nodes[index].isInCallback = true
          let length = random.chance(1) ? Duration.seconds(4) : random.time(10)
          schedule(.callbackEnds(index, life: lives[index]), after: length)
        case .committed:
          commits += 1
          if let change = nodes[index].change { committed.insert(change) }
          finishTurn(index)
        case .failed:
          if let change = nodes[index].change { failed.insert(change) }
          finishTurn(index)
        case .changed, .closed: break
        }
      }
    }
    try show(index)
    if let due = nodes[index].topic.nextTick(now: time(of: index)) {
      let at = max(due - nodes[index].clock, now + .microseconds(1))
      if nodes[index].tick.map({ at < $0 }) ?? true {
        nodes[index].tick = at
        schedule(.tick(index), after: at - now)
      }
    }
  }

  private mutating func endCallback(_ index: Int) throws(Violation) {
    nodes[index].isInCallback = false
    nodes[index].queued = max(nodes[index].queued - 1, 0)
    if random.chance(80) || isHealing {
      nextChange += 1
      nodes[index].change = nextChange
      nodes[index].topic.commit(SimulatedState.bytes(nextChange), now: time(of: index))
    } else {
      nodes[index].topic.turnDone(more: nodes[index].queued > 0, now: time(of: index))
    }
    try settle(index)
  }

  private mutating func finishTurn(_ index: Int) {
    nodes[index].change = nil
    nodes[index].topic.turnDone(more: nodes[index].queued > 0, now: time(of: index))
  }

  // MARK: Faults

  private mutating func fault() throws(Violation) {
    let index = Int(random.next() % UInt64(nodes.count))
    switch random.next() % 10 {
    case 0...2:
      guard nodes[index].isRunning, now >= recoversUntil else { return }
      nodes[index].isRunning = false
      lives[index] += 1
      schedule(.start(index), after: random.time(6000))
    case 3...5: if now >= recoversUntil { try disconnect(index, longest: 1500) }
    case 6...7:
      guard nodes[index].isRunning, !nodes[index].isFrozen, now >= recoversUntil else { return }
      nodes[index].isFrozen = true
      schedule(.thaw(index), after: random.time(8000))
    default: try loseMemory()
    }
  }

  private mutating func disconnect(_ index: Int, longest: Int) throws(Violation) {
    guard nodes[index].isRunning, nodes[index].isConnected else { return }
    nodes[index].isConnected = false
    // What it has sent may be carried out all the same.
    let connection = nodes[index].connection
    if random.chance(50) {
      queue.removeAll { if case .call(index, connection, _, _) = $0.event { true } else { false } }
    }
    nodes[index].connection += 1
    nodes[index].lastCall = now
    nodes[index].topic.disconnected()
    if mutation == .lostAnswerIsFailure, let change = nodes[index].change { failed.insert(change) }
    try settle(index)
    schedule(.connect(index, connection: nodes[index].connection), after: random.time(longest))
  }

  /// The engine restarts with nothing. One of those who have everything that was shown must be there to put it back.
  private mutating func loseMemory() throws(Violation) {
    let isKept = nodes.contains {
      $0.isRunning && !$0.isFrozen && $0.topic.state.changes.count == shown.count
    }
    guard isKept, now >= recoversUntil else { return }
    losses += 1
    engine = MemoryEngine()
    // What is on its way to the old one is gone.
    queue.removeAll { if case .call = $0.event { true } else { false } }
    recoversUntil = now + .seconds(5)
    for index in nodes.indices { try disconnect(index, longest: 1000) }
  }

  private mutating func thaw(_ index: Int) throws(Violation) {
    guard nodes[index].isFrozen else { return }
    nodes[index].isFrozen = false
    let events = nodes[index].whenThawed
    nodes[index].whenThawed = []
    for event in events { try handle(event) }
  }

  private mutating func start(_ index: Int) {
    let connection = nodes[index].connection + 1
    nodes[index] = makeNode()
    nodes[index].connection = connection
    schedule(.connect(index, connection: connection), after: random.time(100))
    schedule(.request(index), after: random.time(200))
  }

  // MARK: The promises

  /// Notes what a process shows now, and that nothing else was shown as the same version before.
  private mutating func show(_ index: Int) throws(Violation) {
    let state = nodes[index].topic.state
    if let gap = state.gap { throw Violation(promise: "versions", detail: gap) }
    // What was looked at before is the same, unless another whole state was taken.
    if nodes[index].loads != state.loads || state.changes.count < nodes[index].shown {
      nodes[index].shown = 0
    }
    nodes[index].loads = state.loads
    let known = nodes[index].shown
    nodes[index].shown = state.changes.count
    for (place, change) in state.changes.enumerated().dropFirst(known) {
      if place == shown.count { shown.append(change) }
      guard shown[place] == change else {
        throw Violation(
          promise: "nothing lost",
          detail: "version \(place + 1) was \(shown[place]) and is \(change) at \(now)")
      }
    }
  }

  private func check() throws(Violation) {
    let holders = nodes.indices.filter {
      nodes[$0].isRunning && !nodes[$0].isFrozen && nodes[$0].topic.hasTurn(now: time(of: $0))
    }
    guard holders.count <= 1 else {
      throw Violation(promise: "turns", detail: "processes \(holders) have it at \(now)")
    }
  }

  private func checkEnd() throws(Violation) {
    for index in nodes.indices {
      guard nodes[index].topic.state.changes == shown else {
        throw Violation(
          promise: "convergence",
          detail: "process \(index) has \(nodes[index].topic.state.changes.count) of \(shown.count)")
      }
      guard nodes[index].queued == 0, nodes[index].change == nil else {
        throw Violation(promise: "convergence", detail: "process \(index) still waits for its turn")
      }
    }
    guard engine.version == UInt64(shown.count) else {
      throw Violation(promise: "convergence", detail: "the engine has \(engine.version) of \(shown.count)")
    }
    guard Set(shown).count == shown.count else {
      throw Violation(promise: "answers", detail: "a change is there twice")
    }
    if let lost = committed.first(where: { !shown.contains($0) }) {
      throw Violation(promise: "answers", detail: "\(lost) was committed and is not there")
    }
    if let back = failed.first(where: { shown.contains($0) }) {
      throw Violation(promise: "answers", detail: "\(back) failed and is there")
    }
  }
}
