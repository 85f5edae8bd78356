#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

// Names are bytes: topics, events, assigns, ids, paths, params, tokens. Swift compares strings by canonical equivalence:
// "\u{e9}" is "e\u{301}" to it, and so one user's id would be another one's. In this package, which is who sees what is
// declared here, two strings are equal when their bytes are. That holds where the compiler knows that it compares strings;
// as keys of dictionaries and sets, and as members of types with a derived ==, they are `NameKey`s (scripts/check-rules).

extension String {
  /// Whether both are the same UTF-8.
  package func hasSameBytes(as other: String) -> Bool {
    let isSame = utf8.withContiguousStorageIfAvailable { mine in
      other.utf8.withContiguousStorageIfAvailable { theirs in
        guard mine.count == theirs.count else { return false }
        guard let a = mine.baseAddress, let b = theirs.baseAddress else { return true }
        return memcmp(a, b, mine.count) == 0
      }
    }
    if let isSame, let isSame { return isSame }
    return utf8.elementsEqual(other.utf8)
  }

  /// Whether both are the same UTF-8.
  package static func == (a: String, b: String) -> Bool { a.hasSameBytes(as: b) }

  /// Whether the two differ in any byte.
  package static func != (a: String, b: String) -> Bool { !a.hasSameBytes(as: b) }

  /// Whether the text begins with these bytes.
  package func hasPrefix(_ prefix: String) -> Bool { utf8.starts(with: prefix.utf8) }

  /// Whether the text ends in these bytes.
  package func hasSuffix(_ suffix: String) -> Bool {
    utf8.count >= suffix.utf8.count && utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
  }
}

extension String? {
  /// Whether both are the same UTF-8, or neither is there.
  package static func == (a: String?, b: String?) -> Bool {
    switch (a, b) {
    case (nil, nil): true
    case (let a?, let b?): a.hasSameBytes(as: b)
    case (nil, _?), (_?, nil): false
    }
  }

  /// Whether the two differ in any byte.
  package static func != (a: String?, b: String?) -> Bool { !(a == b) }
}

extension Sequence<String> {
  /// Whether one of the texts is the same UTF-8.
  package func contains(_ text: String) -> Bool { contains { $0.hasSameBytes(as: text) } }

  /// Whether the first texts are the same UTF-8 as these.
  package func starts(with prefix: some Sequence<String>) -> Bool {
    starts(with: prefix) { $0.hasSameBytes(as: $1) }
  }
}

extension Collection<String> {
  /// The place of the first text that is the same UTF-8.
  package func firstIndex(of text: String) -> Index? { firstIndex { $0.hasSameBytes(as: text) } }
}
