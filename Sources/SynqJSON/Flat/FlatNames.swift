#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Names of members, ready to be looked for: the flat keys that they are in a value.
///
/// Made once and used often; making one costs an allocation for each name. `@unchecked Sendable`: its memory is never changed.
package final class FlatNames: @unchecked Sendable {
  /// One key, in memory of the list's own.
  private struct Name {
    let key: UnsafeRawPointer
    let text: UnsafeRawBufferPointer
  }

  // Not arrays: each search would retain and release them.
  private let names: UnsafeMutableBufferPointer<Name>
  private let keys: UnsafeMutableRawBufferPointer

  package var count: Int { names.count }

  /// Values below this size are walked through; above it, a search for bytes finds out first whether that is needed.
  private static let searchedSize = 1024

  package init(_ texts: [String]) {
    let values = texts.map { JSON($0) }
    // What reads a key may read beyond it.
    let size = values.reduce(FlatLayout.slack) { $0 + $1.flatSize }
    keys = .allocate(byteCount: size, alignment: 8)
    keys.initializeMemory(as: UInt8.self, repeating: 0)
    names = .allocate(capacity: values.count)
    var end = 0
    for (index, value) in values.enumerated() {
      value.withFlatBytes { UnsafeMutableRawBufferPointer(rebasing: keys[end...]).copyMemory(from: $0) }
      let key = UnsafeRawPointer(keys.baseAddress.unsafelyUnwrapped + end)
      names.initializeElement(at: index, to: Name(key: key, text: FlatLayout.text(key)))
      end += value.flatSize
    }
  }

  deinit {
    names.deallocate()
    keys.deallocate()
  }

  /// The place in the list of the name that is this flat key. O(names).
  package func index(ofKey key: UnsafeRawPointer) -> Int? {
    let tag = FlatLayout.tag(key)
    return names.firstIndex { name in
      guard FlatLayout.tag(name.key) == tag else { return false }
      let size = FlatLayout.size(key)
      return FlatLayout.size(name.key) == size && FlatLayout.equal(name.key, key, size)
    }
  }

  /// The place in the list of the name that a pointer's token is. O(names).
  package func index(of token: FlatPointer.Token) -> Int? {
    token.withName { text in
      names.firstIndex { name in
        name.text.count == text.count
          && (text.isEmpty
            || memcmp(
              name.text.baseAddress.unsafelyUnwrapped, text.baseAddress.unsafelyUnwrapped, text.count) == 0)
      }
    }
  }

  /// Whether a value may have a member of one of these names. Cheap, and seldom true without reason.
  func mayOccur(in value: UnsafeRawPointer) -> Bool {
    let bytes = UnsafeRawBufferPointer(start: value, count: FlatLayout.size(value))
    if bytes.count < Self.searchedSize { return count > 0 }
    return names.contains { name in
      FlatSearch.contains(
        UnsafeRawBufferPointer(start: name.key, count: FlatLayout.size(name.key)), in: bytes)
    }
  }
}
