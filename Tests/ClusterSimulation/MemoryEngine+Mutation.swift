import SynqCluster

extension MemoryEngine {
  /// Does what is asked, with a fault where one is asked for.
  mutating func perform(
    _ call: EngineCall, by node: NodeID, now: Duration, _ mutation: Simulation.Mutation?
  ) -> (EngineAnswer, [Notice]) {
    switch (mutation, call) {
    case (.leaseIsNotExclusive, .acquire): lease = nil
    case (.noGrace, .acquire): if log == nil { isAlive = true }
    case (.appendTakesAll, .append(let id, let change)):
      // In the place that its term had.
      guard log != nil else { break }
      log?.append(LogEntry(id, .change(change)))
      return (.appended, [])
    default: break
    }
    var (answer, notices) = perform(call, by: node, now: now)
    switch (mutation, call, answer) {
    case (.snapshotIsOlder, .keep(let new, _), .kept):
      snapshot = LogSnapshot(new.id, new.bytes.dropLast(8), terms: new.terms)
    case (.readEndsEarly, .read, .log(let newer, var entries, let top)):
      guard let last = entries.lastIndex(where: { $0.id.version > 0 }) else { break }
      let base = entries.remove(at: last).id.version - 1
      for index in entries.indices.dropFirst(last) { entries[index].body = .fence(base: base) }
      answer = .log(newer, entries, top: top)
    default: break
    }
    return (answer, notices)
  }
}
