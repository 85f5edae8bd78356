/// One topic as one process of a cluster has it: its replica of the state, and its part in the lease of the turn.
///
/// | lease | event | becomes |
/// | --- | --- | --- |
/// | none | the turn is wanted | asking |
/// | asking | the engine gives it | taking |
/// | asking | another process has it | waiting, after it told that process |
/// | waiting | it is given over, or may have run out | taking, or asking |
/// | taking | the log is read up to the own fence, and the lease confirmed | held |
/// | held | another process wants it, and no callback has it | none |
/// | any | a newer term has begun, the lease is lost, the connection ends | none |
///
/// Pure: time and answers are arguments, what must be done is in `actions`. At most one change waits for its answer; until
/// then the turn is busy. What follows from an answer that never came is found in the log, after a fence of its own: a
/// change is `committed` or `failed` only when that cannot become otherwise.
package struct ClusterTopic<State: ReplicatedState> {
  /// The times that a topic keeps to.
  package struct Configuration: Sendable {
    /// How long the lease lasts without being renewed: how late another process takes over from one that died. Default
    /// 3 s.
    package var lease = Duration.seconds(3)
    /// How long the turn is kept while it is used, though others want it. Default 5 ms.
    package var affinity = Duration.milliseconds(5)
    /// Bytes of changes after which a snapshot is made, where it is not larger itself. Default 64 KB.
    package var snapshotBytes = 64 * 1024
    /// Changes after which a snapshot is made. Default 1,000.
    package var snapshotChanges = 1000
    /// Processes that may wait for the lease. Default 1,024.
    package var maxWanting = 1024

    package init() {}
  }

  /// What must be done now, in this order.
  package enum Action {
    /// Ask the engine; its answer goes to `answered`, with the time at which the call was made.
    case call(EngineCall)
    /// The turn is this process's: callbacks may run until `turnDone`, `commit` included.
    case mayRun
    /// The change that was handed in is in the log, and in the state.
    case committed
    /// The change that was handed in is not in the log and never will be. The state is as if it had not been made.
    case failed
    /// The state is another one than before, by changes of other processes.
    case changed
    /// Everything of the topic was deleted by another process.
    case closed
  }

  private enum Lease {
    case none
    case asking
    case waiting(until: Duration)
    /// The term has begun; missing are the log up to its fence, and the confirmation of a lease that was given over.
    case taking(term: UInt64, deadline: Duration?)
    case held(term: UInt64, deadline: Duration, since: Duration)
  }

  package let node: NodeID
  private let configuration: Configuration
  package private(set) var actions: [Action] = []

  // What is known of the log.
  package private(set) var state = State()
  /// The last change that is in `state`.
  package private(set) var position: LogID?
  /// The newest term that is known to have begun.
  private var newestTerm: UInt64 = 0
  /// The last terms in what was read.
  private var terms: [LogSnapshot.Term] = []
  private var isConnected = false
  private var isSubscribed = false
  private var isReading = false
  /// Something came that could not be used; the log has it.
  private var mustReadAgain = false

  private var lease = Lease.none
  private var isRenewing = false
  private var lastRenewal = Duration.zero
  private var wanting: [NodeID] = []
  private var wantsTurn = false
  private var isBusy = false
  /// The change that waits to be known as written or not.
  private var pending: (id: LogID, change: [UInt8], isLost: Bool)?
  private var bytesSinceSnapshot = 0
  private var changesSinceSnapshot = 0
  private var snapshotSize = 0

  package init(node: NodeID, configuration: Configuration = Configuration()) {
    self.node = node
    self.configuration = configuration
  }

  /// Takes what must be done.
  package mutating func takeActions() -> [Action] {
    defer { actions.removeAll(keepingCapacity: true) }
    return actions
  }

  // MARK: The connection

  /// The engine can be asked from now on; what it was asked before has no answer any more.
  package mutating func connected(now: Duration) {
    isConnected = true
    isSubscribed = false
    isReading = false
    isRenewing = false
    mustReadAgain = true
    actions.append(.call(.subscribe))
    proceed(now)
  }

  /// The engine cannot be asked; the answers that are missing will never come.
  package mutating func disconnected() {
    isConnected = false
    isSubscribed = false
    isReading = false
    isRenewing = false
    pending?.isLost = true
    dropLease()
  }

  // MARK: The turn

  /// A callback wants the turn.
  package mutating func requestTurn(now: Duration) {
    wantsTurn = true
    proceed(now)
  }

  /// Whether this process may run a callback now.
  package func hasTurn(now: Duration) -> Bool {
    if case .held(_, let deadline, _) = lease { now < deadline } else { false }
  }

  /// The term of the lease, if this process has it.
  package var term: UInt64? { if case .held(let term, _, _) = lease { term } else { nil } }

  /// The callback with the turn made a change. Answered by `committed` or `failed`; then `turnDone` may be called.
  package mutating func commit(_ change: [UInt8], now: Duration) {
    precondition(isBusy && pending == nil, "a change outside of the turn")
    guard case .held(let term, _, _) = lease else {
      // The lease was lost while the callback ran.
      actions.append(.failed)
      return
    }
    let id = LogID(term: term, version: (position?.version ?? 0) + 1)
    pending = (id, change, false)
    actions.append(.call(.append(id, change)))
  }

  /// The callback has ended, and what it changed is known as written or not. `more` wait for the turn here.
  package mutating func turnDone(more: Bool, now: Duration) {
    isBusy = false
    wantsTurn = more
    proceed(now)
  }

  // MARK: Answers

  /// The engine's answer to a call that was made at `asked`.
  package mutating func answered(_ call: EngineCall, _ answer: EngineAnswer, asked: Duration, now: Duration) {
    switch (call, answer) {
    case (.subscribe, _):
      isSubscribed = true
      mustReadAgain = true
    case (.read(let after), .log(let snapshot, let entries, let top)):
      isReading = false
      take(after: after, snapshot, entries, top: top)
    case (.acquire, .acquired(let term)):
      guard case .asking = lease else { break }
      newestTerm = max(newestTerm, term)
      lease = .taking(term: term, deadline: asked + configuration.lease)
      lastRenewal = asked
      mustReadAgain = true
    case (.acquire, .held(_, let rest)):
      guard case .asking = lease else { break }
      actions.append(.call(.publish(.wants(node))))
      // The holder hears of it; when it has died, this is when its lease runs out.
      lease = .waiting(until: now + min(rest + .milliseconds(5), configuration.lease / 3))
    case (.acquire, .wait(let time)):
      if case .asking = lease { lease = .waiting(until: now + time) }
    case (.renew(let term), .renewed):
      isRenewing = false
      renewed(term, asked: asked)
    case (.renew(let term), .lost):
      isRenewing = false
      if currentTerm == term { dropLease() }
    case (.append(let id, _), .appended): appended(id, now: now)
    case (.append(let id, _), .refused):
      guard pending?.id == id else { break }
      pending = nil
      actions.append(.failed)
      dropLease()
      mustReadAgain = true
    case (.keep, .kept):
      (bytesSinceSnapshot, changesSinceSnapshot) = (0, 0)
    case (.putBack, _): mustReadAgain = true
    default: break
    }
    proceed(now)
  }

  private var currentTerm: UInt64? {
    switch lease {
    case .taking(let term, _), .held(let term, _, _): term
    case .none, .asking, .waiting: nil
    }
  }

  private mutating func renewed(_ renewed: UInt64, asked: Duration) {
    switch lease {
    case .taking(let term, _) where term == renewed:
      lease = .taking(term: term, deadline: asked + configuration.lease)
    case .held(let term, _, let since) where term == renewed:
      lease = .held(term: term, deadline: asked + configuration.lease, since: since)
    case .none, .asking, .waiting, .taking, .held: return
    }
    lastRenewal = asked
  }

  private mutating func appended(_ id: LogID, now: Duration) {
    guard let written = pending, written.id == id else { return }
    pending = nil
    apply(id, written.change)
    // Not before it is in the log: a receiver shows it to clients.
    actions.append(.call(.publish(.entry(LogEntry(id, .change(written.change))))))
    actions.append(.committed)
    let isLarge = bytesSinceSnapshot >= max(configuration.snapshotBytes, snapshotSize)
    if isLarge || changesSinceSnapshot >= configuration.snapshotChanges, case .held(let term, _, _) = lease {
      let snapshot = LogSnapshot(id, state.snapshot(), terms: terms)
      snapshotSize = snapshot.bytes.count
      (bytesSinceSnapshot, changesSinceSnapshot) = (0, 0)
      actions.append(.call(.keep(snapshot, term: term)))
    }
  }

  // MARK: The log

  private mutating func apply(_ id: LogID, _ change: [UInt8]) {
    note(LogSnapshot.Term(term: id.term, base: id.version - 1))
    state.apply(change, version: id.version)
    position = id
    newestTerm = max(newestTerm, id.term)
    bytesSinceSnapshot += change.count
    changesSinceSnapshot += 1
  }

  /// Terms that are remembered: a change whose answer was lost so many terms ago counts as failed.
  private static var maxTerms: Int { 64 }

  private mutating func note(_ term: LogSnapshot.Term) {
    guard term.term > terms.last?.term ?? 0 else { return }
    if terms.count == Self.maxTerms { terms.removeFirst() }
    terms.append(term)
  }

  /// Takes what was read.
  private mutating func take(after: LogID?, _ snapshot: LogSnapshot?, _ entries: [LogEntry], top: LogID?) {
    // Notices may have brought more meanwhile.
    guard after == position else {
      mustReadAgain = true
      return
    }
    // The engine has less than this process has seen: it lost its data.
    if let position, top.map({ $0 < position }) ?? true {
      actions.append(.call(.putBack(LogSnapshot(position, state.snapshot(), terms: terms))))
      return
    }
    var (next, isWhole) = (position, true)
    var hasChanges = false
    if let snapshot { next = snapshot.id }
    for entry in entries {
      switch entry.body {
      case .fence(let base):
        newestTerm = max(newestTerm, entry.id.term)
        // Another process went on from elsewhere: what this one has was lost by the engine.
        if base != next?.version ?? 0 { isWhole = false }
      case .change:
        if entry.id.version != (next?.version ?? 0) + 1 { isWhole = false }
        next = entry.id
        hasChanges = true
      }
    }
    guard isWhole else { return startOver() }
    if let snapshot {
      state.load(snapshot.bytes, version: snapshot.id.version)
      position = snapshot.id
      terms = snapshot.terms
      snapshotSize = snapshot.bytes.count
      (bytesSinceSnapshot, changesSinceSnapshot) = (0, 0)
    }
    for entry in entries {
      switch entry.body {
      case .fence(let base): note(LogSnapshot.Term(term: entry.id.term, base: base))
      case .change(let change): apply(entry.id, change)
      }
    }
    resolve()
    if snapshot != nil || hasChanges { actions.append(.changed) }
    readTo(top)
  }

  /// The change whose answer was lost is in the log, or a newer term keeps it out for ever.
  private mutating func resolve() {
    guard let lost = pending, lost.isLost else { return }
    if let position, position.term == lost.id.term, position.version >= lost.id.version {
      pending = nil
      actions.append(.committed)
    } else if let next = terms.first(where: { $0.term > lost.id.term }) {
      pending = nil
      actions.append(next.base >= lost.id.version ? .committed : .failed)
    }
  }

  /// What was read reaches to the own fence: the turn has come.
  private mutating func readTo(_ top: LogID?) {
    guard case .taking(let term, _) = lease, let top else { return }
    if top.term > term { dropLease() } else if top.term == term { isCaughtUp = true }
  }

  /// Whether the log was read up to the fence of the term that is being taken.
  private var isCaughtUp = false

  /// What this process has is not what the log has: everything is read anew.
  private mutating func startOver() {
    position = nil
    state = State()
    terms = []
    mustReadAgain = true
    dropLease()
  }

  // MARK: Notices

  /// Another process tells something. Its own notices come back to a process too, and change nothing.
  package mutating func received(_ notice: Notice, now: Duration) {
    switch notice {
    case .entry(let entry): received(entry)
    case .wants(let other):
      guard other != node, currentTerm != nil, !wanting.contains(other),
        wanting.count < configuration.maxWanting
      else { break }
      wanting.append(other)
    case .term(let term, let base, let holder):
      guard term > newestTerm else { break }
      newestTerm = term
      if let current = currentTerm, current < term { dropLease() }
      if base != position?.version ?? 0 { mustReadAgain = true }
      if holder == node {
        // When the lease began is not known: it is renewed first.
        lease = .taking(term: term, deadline: nil)
        isCaughtUp = base == position?.version ?? 0 && isSubscribed && !mustReadAgain && !isReading
        if !isCaughtUp { mustReadAgain = true }
      } else if pending?.isLost == true {
        mustReadAgain = true
      }
    case .free:
      if case .waiting = lease { lease = .none }
    case .closed:
      guard position != nil, currentTerm == nil else { break }
      position = nil
      state = State()
      terms = []
      mustReadAgain = true
      actions.append(.closed)
    }
    proceed(now)
  }

  private mutating func received(_ entry: LogEntry) {
    guard case .change(let change) = entry.body else { return }
    if let position, entry.id <= position { return }
    guard !isReading, !mustReadAgain, isSubscribed, pending == nil, entry.id.term >= newestTerm,
      entry.id.version == (position?.version ?? 0) + 1, position != nil || entry.id.version == 1
    else {
      mustReadAgain = true
      return
    }
    apply(entry.id, change)
    actions.append(.changed)
  }

  // MARK: Going on

  /// Time has passed.
  package mutating func tick(now: Duration) { proceed(now) }

  /// When `tick` is needed next.
  package func nextTick(now: Duration) -> Duration? {
    switch lease {
    case .waiting(let time): time
    case .held(_, let deadline, let since):
      if isBusy {
        isRenewing || now >= deadline ? nil : lastRenewal + configuration.lease / 3
      } else {
        min(
          isRenewing ? deadline : lastRenewal + configuration.lease / 3,
          wanting.isEmpty ? deadline : since + configuration.affinity)
      }
    case .none, .asking, .taking: nil
    }
  }

  private mutating func dropLease() {
    lease = .none
    wanting = []
    isCaughtUp = false
  }

  /// Asks for whatever is missing, and says when the turn has come.
  private mutating func proceed(_ now: Duration) {
    guard isConnected, isSubscribed else { return }
    if mustReadAgain, !isReading {
      isReading = true
      mustReadAgain = false
      actions.append(.call(.read(after: position)))
    }
    switch lease {
    case .none:
      // A change whose answer was lost is settled by a fence of one's own.
      if wantsTurn || pending?.isLost == true { ask() }
    case .asking: break
    case .waiting(let time):
      if !wantsTurn, pending?.isLost != true { lease = .none } else if now >= time { ask() }
    case .taking(let term, let deadline): proceed(taking: term, deadline, now)
    case .held(let term, let deadline, let since): proceed(holding: term, deadline, since, now)
    }
  }

  private mutating func ask() {
    lease = .asking
    actions.append(.call(.acquire))
  }

  private mutating func proceed(taking term: UInt64, _ deadline: Duration?, _ now: Duration) {
    guard let deadline else { return renew(term) }
    guard now < deadline else { return dropLeaseAndAskAgain() }
    guard isCaughtUp, !isReading, !mustReadAgain, pending == nil else { return }
    lease = .held(term: term, deadline: deadline, since: now)
    proceed(holding: term, deadline, now, now)
  }

  private mutating func dropLeaseAndAskAgain() {
    dropLease()
    ask()
  }

  private mutating func proceed(
    holding term: UInt64, _ deadline: Duration, _ since: Duration, _ now: Duration
  ) {
    if isBusy {
      if now >= lastRenewal + configuration.lease / 3, now < deadline { renew(term) }
      return
    }
    guard now < deadline else {
      dropLease()
      return proceed(now)
    }
    if let next = wanting.first, !wantsTurn || now >= since + configuration.affinity {
      actions.append(.call(.giveOver(term: term, to: next)))
      // Others who wait ask the new holder themselves, long before its lease could have run out.
      return dropLease()
    }
    if wantsTurn {
      isBusy = true
      actions.append(.mayRun)
    }
    if now >= lastRenewal + configuration.lease / 3 { renew(term) }
  }

  private mutating func renew(_ term: UInt64) {
    guard !isRenewing else { return }
    isRenewing = true
    actions.append(.call(.renew(term: term)))
  }
}
