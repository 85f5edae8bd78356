@_spi(Flat) import SynqJSON

/// The names of the members that tell which object of a list is which, ready to be compared with keys.
final class IdentityNames: Sendable {
  /// All names that were given.
  let names: [String]
  /// The first eight bytes of each flat key, and which of them count; in order of preference.
  private let words: SIMD4<UInt64>
  private let masks: SIMD4<UInt64>
  /// What follows the eighth byte.
  private let tails: [[UInt8]]
  private let count: Int

  /// Objects are searched for every name, so there are few of them.
  static let maxNames = 4
  /// How many members of an object are looked at: an identity stands near the front.
  static let maxMembers = 16

  init(_ names: [String]) {
    self.names = names
    count = min(names.count, Self.maxNames)
    var words = SIMD4<UInt64>(repeating: 0)
    var masks = SIMD4<UInt64>(repeating: 0)
    var tails: [[UInt8]] = []
    for (rank, name) in names.prefix(Self.maxNames).enumerated() {
      let key = JSON(name).withFlatBytes { [UInt8]($0) }
      for (at, byte) in key.prefix(8).enumerated() {
        words[rank] |= UInt64(byte) << UInt64(8 * at)
        masks[rank] |= 0xFF << UInt64(8 * at)
      }
      tails.append(Array(key.dropFirst(8)))
    }
    self.words = words
    self.masks = masks
    self.tails = tails
  }

  var isEmpty: Bool { count == 0 }

  /// The key of the object's identity member whose value is a number or a string, by preference; nil if it
  /// has none, or is not an object.
  @inline(__always)
  func key(of value: FlatPlace) -> FlatPlace? {
    guard FlatLayout.isObject(FlatLayout.tag(value)), count > 0 else { return nil }
    // Most often it is the first name, and the first member.
    let first = FlatContainer(value).payload
    let word = UInt64(littleEndian: first.loadUnaligned(as: UInt64.self))
    if word & masks[0] == words[0], masks[0] >> 56 == 0, FlatLayout.count(value) > 0 {
      let kind = FlatLayout.tag(first + FlatLayout.size(first))
      if kind < 0x80 || kind == FlatLayout.escapedString { return first }
    }
    return search(value)
  }

  private func search(_ value: FlatPlace) -> FlatPlace? {
    let object = FlatContainer(value)
    var key = object.payload
    var best: FlatPlace?
    var bestRank = count
    for _ in 0..<min(object.count, Self.maxMembers) {
      let word = UInt64(littleEndian: key.loadUnaligned(as: UInt64.self))
      let content = key + FlatLayout.size(key)
      for rank in 0..<bestRank where word & masks[rank] == words[rank] && hasTail(key, rank) {
        let kind = FlatLayout.tag(content)
        if kind < 0x80 || kind == FlatLayout.escapedString {
          if rank == 0 { return key }
          best = key
          bestRank = rank
        }
        break
      }
      key = content + FlatLayout.size(content)
    }
    return best
  }

  /// Whether the bytes of a key behind the eighth are those of a name.
  @inline(__always)
  private func hasTail(_ key: FlatPlace, _ rank: Int) -> Bool {
    // The first bytes agree, and with them the length.
    masks[rank] >> 56 == 0
      || tails[rank].withUnsafeBytes { tail in
        tail.baseAddress.map { FlatLayout.equal($0, key + 8, tail.count) } ?? true
      }
  }

  /// Whether two objects have the same identity: the same member with the same value.
  @inline(__always)
  func same(_ a: FlatPlace, _ b: FlatPlace) -> Bool {
    guard let x = key(of: a), let y = key(of: b) else { return false }
    return Self.sameIdentity(x, y)
  }

  /// Whether two keys of identity members and the values behind them are the same.
  @inline(__always)
  static func sameIdentity(_ x: FlatPlace, _ y: FlatPlace) -> Bool {
    sameBytes(x, y) && sameBytes(x + FlatLayout.size(x), y + FlatLayout.size(y))
  }
}
