extension JSON: Hashable {
  /// Whether both are the same JSON value: the order of members does not matter, the order of elements and
  /// the spelling of numbers do (`1`, `1.0` and `1e0` differ).
  ///
  /// Complexity: O(1) for shared storage or different sizes, one `memcmp` for equal member order, else O(size).
  public static func == (a: JSON, b: JSON) -> Bool {
    defer { withExtendedLifetime((a.storage, b.storage)) {} }
    return FlatComparison.areEqual(a.start, b.start)
  }

  /// Complexity: O(size).
  public func hash(into hasher: inout Hasher) {
    defer { withExtendedLifetime(storage) {} }
    hasher.combine(FlatComparison.hash(start))
  }
}
