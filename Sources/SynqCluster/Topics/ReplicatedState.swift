/// What a topic's log builds up: each process that has the topic applies the same changes in the same order.
package protocol ReplicatedState {
  /// As a topic begins.
  init()

  /// Makes a change of the log.
  mutating func apply(_ change: [UInt8], version: UInt64)

  /// Takes a whole state in place of its own.
  mutating func load(_ snapshot: [UInt8], version: UInt64)

  /// The whole state, for `load` of another process.
  func snapshot() -> [UInt8]
}
