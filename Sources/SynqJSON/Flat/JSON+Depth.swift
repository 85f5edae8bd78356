extension JSON {
  /// How deep arrays and objects are nested: 0 for a scalar. O(size), without recursion.
  package var depth: Int {
    guard count > 0 else { return kind == .array || kind == .object ? 1 : 0 }
    return withFlatBytes { bytes in
      guard let start = bytes.baseAddress else { return 0 }
      var open: [(payloadEnd: UnsafeRawPointer, end: UnsafeRawPointer)] = []
      var deepest = 0
      var at = start
      repeat {
        if FlatLayout.isContainer(FlatLayout.tag(at)) {
          let container = FlatContainer(at)
          open.append((container.payloadEnd, at + FlatLayout.size(at)))
          deepest = max(deepest, open.count)
          at = container.payload
        } else {
          at += FlatLayout.size(at)
        }
        while let last = open.last, last.payloadEnd == at {
          at = last.end
          open.removeLast()
        }
      } while !open.isEmpty
      return deepest
    }
  }

  /// Whether arrays and objects are nested in more than `levels` levels. O(1) for values too small for that.
  package func isDeeper(than levels: Int) -> Bool {
    // A level takes at least its header.
    flatSize > levels * FlatLayout.smallHeader && depth > levels
  }
}
