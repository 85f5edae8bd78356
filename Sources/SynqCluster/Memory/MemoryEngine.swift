/// The engine of one topic in memory: what the scripts in Redis do, for tests and simulations.
package struct MemoryEngine {
  /// Who has the lease, and until when.
  package struct Lease: Hashable, Sendable {
    package var holder: NodeID
    package var term: UInt64
    package var expires: Duration
  }

  /// How long a lease lasts that is not renewed.
  package var leaseTime = Duration.seconds(3)
  /// How long an engine that has lost its data waits for the processes that have them.
  package var graceTime = Duration.seconds(3)
  package var lease: Lease?
  /// Nil where there is no log.
  package var log: [LogEntry]?
  package var snapshot: LogSnapshot?
  /// Whether the engine has its data; false in a new one, and in one that lost them.
  package var isAlive = false
  private var graceEnds = Duration.zero

  package init() {}

  /// The last entry that there is, in the log or in the snapshot.
  package var top: LogID? { log?.last?.id ?? snapshot?.id }

  /// The version of the last change.
  package var version: UInt64 {
    guard let last = log?.last else { return snapshot?.id.version ?? 0 }
    switch last.body {
    case .change: return last.id.version
    case .fence(let base): return base
    }
  }

  /// Does what is asked; the answer, and the notices that go to every process.
  package mutating func perform(_ call: EngineCall, by node: NodeID, now: Duration) -> (
    EngineAnswer, [Notice]
  ) {
    if let lease, lease.expires <= now { self.lease = nil }
    switch call {
    case .subscribe: return (.subscribed, [])
    case .read(let after): return (read(after), [])
    case .acquire: return acquire(node, now)
    case .renew(let term):
      guard lease?.term == term else { return (.lost, []) }
      lease?.expires = now + leaseTime
      return (.renewed, [])
    case .giveOver(let term, let next):
      guard lease?.term == term, log != nil else { return (.lost, []) }
      return (.given, [begin(next, now)])
    case .release(let term):
      guard lease?.term == term else { return (.lost, []) }
      lease = nil
      return (.given, [.free])
    case .append(let id, let change):
      guard let top, log != nil, id > top else { return (.refused, []) }
      log?.append(LogEntry(id, .change(change)))
      return (.appended, [])
    case .keep(let new, let term):
      guard log?.last?.id.term == term else { return (.refused, []) }
      snapshot = new
      log?.removeAll { $0.id < new.id }
      return (.kept, [])
    case .putBack(let old):
      if let top, top >= old.id { return (.refused, []) }
      snapshot = old
      log = nil
      lease = nil
      beginGrace(now)
      return (.kept, [])
    case .delete(let term):
      guard lease?.term == term else { return (.lost, []) }
      (log, snapshot, lease) = (nil, nil, nil)
      return (.given, [.closed])
    case .publish(let notice): return (.given, [notice])
    }
  }

  private func read(_ after: LogID?) -> EngineAnswer {
    let newer = snapshot.flatMap { snapshot in after.map { snapshot.id > $0 } ?? true ? snapshot : nil }
    let start = newer?.id ?? after
    let entries = (log ?? []).filter { entry in start.map { entry.id > $0 } ?? true }
    return .log(newer, entries, top: top)
  }

  private mutating func beginGrace(_ now: Duration) {
    guard !isAlive else { return }
    isAlive = true
    graceEnds = now + graceTime
  }

  private mutating func acquire(_ node: NodeID, _ now: Duration) -> (EngineAnswer, [Notice]) {
    if log == nil {
      beginGrace(now)
      if now < graceEnds { return (.wait(graceEnds - now), []) }
    }
    if let lease, lease.holder != node { return (.held(by: lease.holder, for: lease.expires - now), []) }
    let notice = begin(node, now)
    return (.acquired(term: lease?.term ?? 0), [notice])
  }

  /// Begins a term: from now on, entries of older ones are refused.
  private mutating func begin(_ node: NodeID, _ now: Duration) -> Notice {
    // The time is that of the engine, so that terms grow also when everything was lost.
    let time = UInt64(max(now / .milliseconds(1), 1))
    let term = max(time, (top?.term ?? 0) + 1)
    let base = version
    lease = Lease(holder: node, term: term, expires: now + leaseTime)
    log = (log ?? []) + [LogEntry(LogID(term: term, version: 0), .fence(base: base))]
    return .term(term, base: base, holder: node)
  }
}
