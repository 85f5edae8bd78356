/// Names of members, ready to be looked for: the flat keys that they are in a value, one behind the other.
///
/// Made once and used often; making one costs an allocation for each name.
package final class FlatNames: Sendable {
  private let keys: [UInt8]
  package let count: Int

  /// Values below this size are walked through; above it, a search for bytes finds out first whether that is needed.
  private static let searchedSize = 1024

  package init(_ names: [String]) {
    var keys: [UInt8] = []
    for name in names { JSON(name).withFlatBytes { keys += $0 } }
    // What reads a key may read beyond it.
    keys += [UInt8](repeating: 0, count: FlatLayout.slack)
    self.keys = keys
    count = names.count
  }

  /// The place in the list of the name that is this flat key. O(names).
  package func index(ofKey key: UnsafeRawPointer) -> Int? {
    let tag = FlatLayout.tag(key)
    return first {
      guard FlatLayout.tag($0) == tag else { return false }
      let size = FlatLayout.size(key)
      return FlatLayout.size($0) == size && FlatLayout.equal($0, key, size)
    }
  }

  /// The place in the list of the name that a pointer's token is. O(names).
  package func index(of token: FlatPointer.Token) -> Int? {
    token.withName { name in
      first { key in
        let text = FlatLayout.text(key)
        guard text.count == name.count else { return false }
        guard let bytes = name.baseAddress else { return true }
        return FlatLayout.equal(text.baseAddress.unsafelyUnwrapped, bytes, name.count)
      }
    }
  }

  /// Whether a value may have a member of one of these names. Cheap, and seldom true without reason.
  func mayOccur(in value: UnsafeRawPointer) -> Bool {
    let bytes = UnsafeRawBufferPointer(start: value, count: FlatLayout.size(value))
    if bytes.count < Self.searchedSize { return count > 0 }
    return first { key in
      FlatSearch.contains(UnsafeRawBufferPointer(start: key, count: FlatLayout.size(key)), in: bytes)
    } != nil
  }

  @inline(__always)
  private func first(where isWanted: (UnsafeRawPointer) -> Bool) -> Int? {
    keys.withUnsafeBytes { bytes in
      var key = bytes.baseAddress.unsafelyUnwrapped
      for index in 0..<count {
        if isWanted(key) { return index }
        key += FlatLayout.size(key)
      }
      return nil
    }
  }
}
