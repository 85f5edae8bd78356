/// What a topic asks of the engine that all processes share. Each is one step for all of them: it happens wholly or not
/// at all, and is answered once, or not when the connection ends before.
package enum EngineCall: Hashable, Sendable {
  /// Hear the notices of the topic. Answer: `subscribed`.
  case subscribe
  /// What came after an entry; everything where it is nil. Answer: `log`.
  case read(after: LogID?)
  /// Take the lease, if nobody has it, and begin a term. Answer: `acquired`, `held` or `wait`.
  case acquire
  /// Lengthen the lease, if this term has it. Answer: `renewed` or `lost`.
  case renew(term: UInt64)
  /// Give the lease to another process, and begin its term. Answer: `given` or `lost`.
  case giveOver(term: UInt64, to: NodeID)
  /// Let go of the lease. Answer: `given` or `lost`.
  case release(term: UInt64)
  /// Write an entry. Refused where a newer term has begun, or the topic was closed. Answer: `appended` or `refused`.
  case append(LogID, [UInt8])
  /// Keep a snapshot, and drop the entries before it. Refused where a newer term has begun. Answer: `kept` or `refused`.
  case keep(LogSnapshot, term: UInt64)
  /// The engine lost its data: give it what this process has, unless it has something newer. Answer: `kept` or
  /// `refused`.
  case putBack(LogSnapshot)
  /// Delete everything of the topic, if this term has the lease. Answer: `given` or `lost`.
  case delete(term: UInt64)
  /// Tell the processes that have the topic. No answer is waited for.
  case publish(Notice)
}

/// How the engine answers an `EngineCall`.
package enum EngineAnswer: Hashable, Sendable {
  case subscribed
  /// A snapshot, if it is newer than what was asked for; the entries after both; the last entry that there is.
  case log(LogSnapshot?, [LogEntry], top: LogID?)
  case acquired(term: UInt64)
  /// Another process has the lease, for at most so long.
  case held(by: NodeID, for: Duration)
  /// The engine lost its data, and waits for the processes that have them.
  case wait(Duration)
  case renewed
  case lost
  case given
  case appended
  case refused
  case kept
}

/// What the processes that have a topic tell each other. None of it is relied on: a loss costs time only.
package enum Notice: Hashable, Sendable {
  /// This entry is in the log.
  case entry(LogEntry)
  /// A process asks the holder for the lease.
  case wants(NodeID)
  /// A term began, after that version; the process has the lease, if it takes it.
  case term(UInt64, base: UInt64, holder: NodeID)
  /// The holder let go of the lease.
  case free
  /// Everything of the topic was deleted.
  case closed
}
