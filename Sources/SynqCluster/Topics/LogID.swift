/// The place of an entry in a topic's log: the term of the process that wrote it, and the version that it leads to.
///
/// Versions count the changes of a topic, without gaps, over all terms. A fence has version 0: it begins a term, and from
/// then on entries of older terms are refused.
package struct LogID: Hashable, Sendable, Comparable, CustomStringConvertible {
  package var term: UInt64
  package var version: UInt64

  package init(term: UInt64, version: UInt64) {
    self.term = term
    self.version = version
  }

  package static func < (left: LogID, right: LogID) -> Bool {
    (left.term, left.version) < (right.term, right.version)
  }

  package var description: String { "\(term)-\(version)" }
}

/// One entry of a topic's log.
package struct LogEntry: Hashable, Sendable {
  package var id: LogID
  package var body: Body

  /// What it says.
  package enum Body: Hashable, Sendable {
    /// A change, in the program's own form.
    case change([UInt8])
    /// A term begins; the version of the last change before it.
    case fence(base: UInt64)
  }

  package init(_ id: LogID, _ body: Body) {
    self.id = id
    self.body = body
  }
}

/// The whole state of a topic as of an entry.
package struct LogSnapshot: Hashable, Sendable {
  package var id: LogID
  package var bytes: [UInt8]
  /// The last terms that are in it. They say whether a change of an older term is in the snapshot or never was.
  package var terms: [Term]

  package init(_ id: LogID, _ bytes: [UInt8], terms: [Term] = []) {
    self.id = id
    self.bytes = bytes
    self.terms = terms
  }

  /// A term that began, and the version of the last change before it.
  package struct Term: Hashable, Sendable {
    package var term: UInt64
    package var base: UInt64
  }
}

/// A process of the cluster: a random number that is made anew at each start.
package struct NodeID: Hashable, Sendable, CustomStringConvertible {
  package var number: UInt64

  package init(_ number: UInt64) { self.number = number }

  package var description: String { String(number, radix: 16) }
}
