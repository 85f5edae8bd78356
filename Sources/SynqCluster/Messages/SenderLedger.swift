/// What has come from each of the other processes: notices what is missing, and who is gone.
package struct SenderLedger: Sendable {
  /// What a bulletin is to who receives it.
  package enum Verdict: Hashable, Sendable {
    case inOrder
    /// So many before it never came.
    case afterGap(missing: UInt64)
    /// It came before, or a later one did.
    case old
  }

  private struct Entry {
    var sequence: UInt64
    var heard: Duration
  }

  private var senders: [UInt64: Entry] = [:]

  package init() {}

  /// The other processes that are heard of.
  package var count: Int { senders.count }

  /// Notes what came. The first of a sender is in order whatever its number is: what it sent before was for others.
  ///
  /// - Parameter now: any clock that only grows.
  package mutating func receive(_ bulletin: Bulletin, now: Duration) -> Verdict {
    guard bulletin.body != .leaving else {
      senders[bulletin.sender] = nil
      return .inOrder
    }
    guard
      let known = senders.updateValue(Entry(sequence: bulletin.sequence, heard: now), forKey: bulletin.sender)
    else { return .inOrder }
    // A heartbeat counts nothing: it repeats the number of the last one.
    let expected = bulletin.body == .heartbeat ? known.sequence : known.sequence + 1
    if bulletin.sequence < expected {
      senders[bulletin.sender]?.sequence = known.sequence
      return .old
    }
    return bulletin.sequence == expected ? .inOrder : .afterGap(missing: bulletin.sequence - expected)
  }

  /// Forgets who was not heard of since, and says how many these were.
  package mutating func forget(silentSince time: Duration) -> Int {
    let before = senders.count
    senders = senders.filter { $0.value.heard >= time }
    return before - senders.count
  }
}
