import SynqCluster

/// The state of a simulated topic: every change that was made, each a number that is given once.
struct SimulatedState: ReplicatedState {
  private(set) var changes: [UInt64] = []
  /// Set when a version came that is not the next.
  private(set) var gap: String?
  /// Counts whole states that were taken.
  private(set) var loads = 0

  mutating func apply(_ change: [UInt8], version: UInt64) {
    if version != UInt64(changes.count) + 1 { gap = "version \(version) after \(changes.count)" }
    changes.append(Self.number(change[...]))
  }

  mutating func load(_ snapshot: [UInt8], version: UInt64) {
    loads += 1
    changes = stride(from: 0, to: snapshot.count, by: 8).map { Self.number(snapshot[$0..<$0 + 8]) }
    if version != UInt64(changes.count) { gap = "a snapshot of version \(version) with \(changes.count)" }
  }

  func snapshot() -> [UInt8] { changes.flatMap { Self.bytes($0) } }

  static func bytes(_ number: UInt64) -> [UInt8] { withUnsafeBytes(of: number.bigEndian) { Array($0) } }

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reduce(0) { $0 << 8 | UInt64($1) }
  }
}
