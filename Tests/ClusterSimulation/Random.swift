/// SplitMix64: the same numbers for the same seed, everywhere.
package struct Random: RandomNumberGenerator {
  private var state: UInt64

  package init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func chance(_ percent: Int) -> Bool { Int(next() % 1000) < percent * 10 }

  /// A time up to `limit` milliseconds.
  mutating func time(_ limit: Int) -> Duration { .microseconds(Int64(next() % UInt64(limit * 1000 + 1))) }
}
