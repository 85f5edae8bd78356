/// Finds a run of bytes in flat bytes.
enum FlatSearch {
  /// Whether `needle` occurs in `bytes`. Compares two positions of 16 places at a time, and the rest where both fit.
  ///
  /// Complexity: O(bytes) where the two positions seldom fit, at worst O(bytes × needle).
  static func contains(_ needle: UnsafeRawBufferPointer, in bytes: UnsafeRawBufferPointer) -> Bool {
    guard let start = bytes.baseAddress, let wanted = needle.baseAddress, needle.count > 0,
      needle.count <= bytes.count
    else { return false }
    let distance = needle.count - 1
    let first = RawText.Block(repeating: wanted.load(as: Int8.self))
    let last = RawText.Block(repeating: (wanted + distance).load(as: Int8.self))
    let places = bytes.count - distance
    var place = 0
    while place + 16 <= places {
      var fits = (RawText.load(start + place) .== first) .& (RawText.load(start + place + distance) .== last)
      var lane = RawText.first(fits)
      while lane < 16 {
        if FlatLayout.equal(start + place + lane, wanted, needle.count) { return true }
        fits[lane] = false
        lane = RawText.first(fits)
      }
      place += 16
    }
    while place < places {
      if FlatLayout.equal(start + place, wanted, needle.count) { return true }
      place += 1
    }
    return false
  }
}
