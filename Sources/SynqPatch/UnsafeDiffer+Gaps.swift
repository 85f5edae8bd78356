@_spi(Flat) import SynqJSON

/// Arrays where nothing travels: every gap is settled on the spot.
extension UnsafeDiffer {
  /// Whether an element of one gap may be found in another, or a gap needs a choice of what is paired.
  mutating func needsMatching(_ firstGap: Int) -> Bool {
    // What a move of a small element costs more than two replacements of it.
    let minMoved = 18 &+ 2 &* pathSize
    var olds = 0
    var news = 0
    var isLarge = false
    for g in firstGap..<gaps.count where !gaps[g].isPair {
      let gap = gaps[g]
      if gap.oldCount > 0, gap.newCount > 0 {
        if gap.isRest, gap.oldCount > 1 || gap.newCount > 1 { return true }
        if gap.oldCount != gap.newCount { return true }
      }
      olds &+= gap.oldCount
      news &+= gap.newCount
      if !isLarge {
        isLarge =
          gap.oldCount != gap.newCount || FlatLayout.size(gap.old) > minMoved
          || FlatLayout.size(gap.new) > minMoved || gap.oldCount > 1
      }
    }
    // One against one has been looked at where it stands.
    if olds == 0 || news == 0 || gaps.count &- firstGap == 1 || !isLarge { return false }
    return olds &* news > 16 || hasEqualElements(firstGap)
  }

  private mutating func hasEqualElements(_ firstGap: Int) -> Bool {
    for g in firstGap..<gaps.count where !gaps[g].isPair {
      var x = gaps[g].old
      for _ in 0..<gaps[g].oldCount {
        for h in firstGap..<gaps.count where !gaps[h].isPair {
          var y = gaps[h].new
          for _ in 0..<gaps[h].newCount {
            if sameBytes(x, y) || identity.same(x, y) { return true }
            y += FlatLayout.size(y)
          }
        }
        x += FlatLayout.size(x)
      }
    }
    return false
  }

  /// Writes what the gaps need: elements that stand against each other are compared, the rest is removed or added.
  ///
  /// Operations in ascending order meet every element at its new index, those in descending order at its old
  /// one: the direction with fewer digits is taken.
  mutating func emitGaps(_ firstGap: Int, oldCount: Int) {
    let end = gaps.count
    var ascending = 0
    var descending = 0
    for g in firstGap..<end where gaps.count &- firstGap > 1 {
      let gap = gaps[g]
      let count = max(gap.oldCount, gap.newCount)
      ascending &+= count &* decimalDigits(gap.newIndex)
      descending &+= count &* decimalDigits(gap.oldIndex)
    }
    if descending < ascending {
      for g in (firstGap..<end).reversed() { emitGap(gaps[g], at: gaps[g].oldIndex, oldCount: oldCount) }
    } else {
      for g in firstGap..<end { emitGap(gaps[g], at: gaps[g].newIndex, oldCount: oldCount) }
    }
  }

  @inline(__always)
  private mutating func emitGap(_ gap: Gap, at index: Int, oldCount: Int) {
    var x = gap.old
    var y = gap.new
    let paired = min(gap.oldCount, gap.newCount)
    for k in 0..<paired {
      if k > 0 || !sameBytes(x, y) { emitEdit(x, y, at: index &+ k, known: k == 0 ? gap.known : 0) }
      x += FlatLayout.size(x)
      y += FlatLayout.size(y)
    }
    for _ in paired..<max(paired, gap.oldCount) { emitRemove(at: index &+ paired) }
    if gap.newCount > paired {
      let isAtEnd = gap.oldIndex &+ gap.oldCount == oldCount
      emitAdds(y, gap.newCount &- paired, at: index &+ paired, isAtEnd: isAtEnd)
    }
  }

  /// Adds elements that follow each other in the new array.
  mutating func emitAdds(_ first: FlatPlace, _ count: Int, at index: Int, isAtEnd: Bool) {
    var y = first
    if isAtEnd {
      for _ in 0..<count {
        emitAdd(at: nil, y)
        y += FlatLayout.size(y)
      }
    } else if decimalDigits(index) == decimalDigits(index &+ count &- 1) {
      for k in 0..<count {
        emitAdd(at: index &+ k, y)
        y += FlatLayout.size(y)
      }
    } else {
      // All at the index of the first, the last one first: no index grows by a digit.
      var places: [FlatPlace] = []
      places.reserveCapacity(count)
      for _ in 0..<count {
        places.append(y)
        y += FlatLayout.size(y)
      }
      for place in places.reversed() { emitAdd(at: index, place) }
    }
  }

  /// Writes what turns one element of the array at `path` into another one.
  ///
  /// - Parameter index: where it stands when the operations are carried out.
  @inline(__always)
  mutating func emitEdit(_ old: FlatPlace, _ new: FlatPlace, at index: Int, known: Int) {
    guard FlatLayout.isContainer(FlatLayout.tag(new)) else {
      if !sameBytes(old, new) { emitReplace(at: index, new) }
      return
    }
    path.push(Step(key: nil, index: index))
    if known > 0 || !sameBytes(old, new) { diff(old, new, known: known) }
    path.pop()
  }
}

/// How many decimal digits an index has.
@inline(__always)
func decimalDigits(_ index: Int) -> Int {
  if index < 100 { return index < 10 ? 1 : 2 }
  var digits = 3
  var bound = 1000
  while index >= bound {
    digits &+= 1
    bound = bound.multipliedReportingOverflow(by: 10).partialValue
  }
  return digits
}
