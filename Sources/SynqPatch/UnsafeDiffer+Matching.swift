@_spi(Flat) import SynqJSON

/// One element of a gap.
struct Entry {
  enum Fate: UInt8 {
    /// To be removed (old side) or added (new side).
    case single
    /// Stays where it is, against its `match`.
    case stays
    /// Travels to, or comes from, its `match`.
    case moves
  }

  let place: FlatPlace
  let index: Int
  /// Which gap.
  let gap: Int
  /// The entry on the other side, relative to where this array's entries start; -1 for none.
  var match = -1
  var fate = Fate.single
  /// The run between two elements that stay, or where it stands in the order of moves.
  var block = 0
}

/// Arrays, second half: elements of the gaps are matched by their bytes, then by identity; of those that
/// match within a gap the longest increasing run stays, the others travel where that is shorter.
extension UnsafeDiffer {
  mutating func match(_ firstGap: Int, oldCount: Int) {
    // The entries of all levels above are kept meanwhile.
    var entries = 0
    for g in firstGap..<gaps.count where !gaps[g].isPair { entries &+= gaps[g].oldCount &+ gaps[g].newCount }
    waste &-= entries &* Self.wastePerEntry
    guard waste >= 0 else { return giveUp() }
    let oldBase = oldSide.count
    let newBase = newSide.count
    var bytes = 0
    for g in firstGap..<gaps.count {
      gaps[g].oldEntry = oldSide.count
      gaps[g].newEntry = newSide.count
      if gaps[g].isPair { continue }
      var x = gaps[g].old
      for k in 0..<gaps[g].oldCount {
        oldSide.push(Entry(place: x, index: gaps[g].oldIndex + k, gap: g))
        x += FlatLayout.size(x)
      }
      bytes += x - gaps[g].old
      var y = gaps[g].new
      for k in 0..<gaps[g].newCount {
        newSide.push(Entry(place: y, index: gaps[g].newIndex + k, gap: g))
        y += FlatLayout.size(y)
      }
      bytes += y - gaps[g].new
    }
    if budget > bytes {
      budget -= bytes
      matchEqual(oldBase, newBase)
      if !identity.isEmpty { matchIdentity(oldBase, newBase) }
    }
    for g in firstGap..<gaps.count where !gaps[g].isPair { keepLongestRun(gaps[g], oldBase, newBase) }
    let travels = chooseMoves(firstGap, oldBase, newBase)
    if travels {
      emitWithMoves(firstGap, oldBase, newBase, oldCount: oldCount)
    } else {
      emitInPlace(firstGap, oldBase, newBase, oldCount: oldCount)
    }
    oldSide.truncate(to: oldBase)
    newSide.truncate(to: newBase)
  }

  /// Matches equal elements, the k-th of its kind to the k-th.
  private mutating func matchEqual(_ oldBase: Int, _ newBase: Int) {
    let olds = oldSide.count - oldBase
    chains.prepare(olds)
    for i in (0..<olds).reversed() {
      let place = oldSide[oldBase + i].place
      chains.insert(i, FlatHash.bytes(place, FlatLayout.size(place), seed: FlatHash.seed))
    }
    for j in newBase..<newSide.count {
      let place = newSide[j].place
      let hash = FlatHash.bytes(place, FlatLayout.size(place), seed: FlatHash.seed)
      guard let i = chains.take(hash), sameBytes(oldSide[oldBase + i].place, place) else { continue }
      oldSide[oldBase + i].match = j - newBase
      newSide[j].match = i
    }
  }

  /// Matches what is left by identity, the k-th of its kind to the k-th.
  private mutating func matchIdentity(_ oldBase: Int, _ newBase: Int) {
    @inline(__always) func hash(_ key: FlatPlace) -> UInt64 {
      let value = key + FlatLayout.size(key)
      return FlatHash.bytes(key, value + FlatLayout.size(value) - key, seed: FlatHash.seed)
    }
    let olds = oldSide.count - oldBase
    chains.prepare(olds)
    var hasAny = false
    for i in (0..<olds).reversed() where oldSide[oldBase + i].match < 0 {
      guard let key = identity.key(of: oldSide[oldBase + i].place) else { continue }
      hasAny = true
      chains.insert(i, hash(key))
    }
    guard hasAny else { return }
    for j in newBase..<newSide.count where newSide[j].match < 0 {
      guard let key = identity.key(of: newSide[j].place), let i = chains.take(hash(key)),
        identity.same(oldSide[oldBase + i].place, newSide[j].place)
      else { continue }
      oldSide[oldBase + i].match = j - newBase
      newSide[j].match = i
    }
  }

  /// Of the matches within a gap, lets the longest run that keeps its order stay.
  ///
  /// Complexity: O(n log n), O(n) when all keep their order.
  private mutating func keepLongestRun(_ gap: Gap, _ oldBase: Int, _ newBase: Int) {
    let olds = (gap.oldEntry - oldBase)..<(gap.oldEntry - oldBase + gap.oldCount)
    let news = gap.newEntry..<(gap.newEntry + gap.newCount)
    var members: [Int] = []
    var isSorted = true
    for j in news where olds.contains(newSide[j].match) {
      if let last = members.last, newSide[last].match > newSide[j].match { isSorted = false }
      members.append(j)
    }
    if !isSorted {
      // Patience: the member with the lowest end for each length, and whom each member follows.
      var tails: [Int] = []
      var before = [Int](repeating: -1, count: members.count)
      for m in members.indices {
        let match = newSide[members[m]].match
        var low = 0
        var high = tails.count
        while low < high {
          let middle = (low + high) / 2
          if newSide[members[tails[middle]]].match < match { low = middle + 1 } else { high = middle }
        }
        if low > 0 { before[m] = tails[low - 1] }
        if low == tails.count { tails.append(m) } else { tails[low] = m }
      }
      var run: [Int] = []
      var m = tails.last ?? -1
      while m >= 0 {
        run.append(members[m])
        m = before[m]
      }
      members = run.reversed()
    }
    for j in members {
      newSide[j].fate = .stays
      oldSide[oldBase + newSide[j].match].fate = .stays
    }
  }

  /// Decides what travels, and pairs what is left over on the same spot; whether anything travels.
  ///
  /// A move saves an addition or a replacement at one place, and a removal at the other, but may turn a
  /// replacement there into an addition; both depend on how many are left on each side of the two places.
  private mutating func chooseMoves(_ firstGap: Int, _ oldBase: Int, _ newBase: Int) -> Bool {
    var oldsLeft: [Int] = []
    var newsLeft: [Int] = []
    forEachBlock(firstGap, oldBase, newBase) { differ, olds, news in
      for i in olds { differ.oldSide[i].block = oldsLeft.count }
      for j in news { differ.newSide[j].block = oldsLeft.count }
      oldsLeft.append(olds.count)
      newsLeft.append(news.count)
    }
    let place = pathSize + 4
    var travels = false
    for j in newBase..<newSide.count where newSide[j].match >= 0 && newSide[j].fate == .single {
      let i = oldBase + newSide[j].match
      let from = oldSide[i].block
      let to = newSide[j].block
      let size = FlatLayout.size(newSide[j].place)
      let isEqual = size == FlatLayout.size(oldSide[i].place) && sameBytes(oldSide[i].place, newSide[j].place)
      let value = isEqual ? size : size / 2
      let saved =
        (oldsLeft[from] > newsLeft[from] ? 26 + place : 4)
        + (newsLeft[to] > oldsLeft[to] ? 33 + place + value : 9 + value)
      if saved > 34 + 2 * place {
        newSide[j].fate = .moves
        oldSide[i].fate = .moves
        oldsLeft[from] -= 1
        newsLeft[to] -= 1
        travels = true
      } else {
        newSide[j].match = -1
        oldSide[i].match = -1
      }
    }
    forEachBlock(firstGap, oldBase, newBase) { differ, olds, news in
      differ.pairLeftovers(olds, news, oldBase, newBase)
    }
    return travels
  }

  /// Calls `body` with the entries of each run between two elements that stay.
  private mutating func forEachBlock(
    _ firstGap: Int, _ oldBase: Int, _ newBase: Int,
    _ body: (inout UnsafeDiffer, _ olds: Range<Int>, _ news: Range<Int>) -> Void
  ) {
    for g in firstGap..<gaps.count where !gaps[g].isPair {
      var i = gaps[g].oldEntry
      var j = gaps[g].newEntry
      let endI = i + gaps[g].oldCount
      let endJ = j + gaps[g].newCount
      while true {
        let (startI, startJ) = (i, j)
        while i < endI, oldSide[i].fate != .stays { i += 1 }
        while j < endJ, newSide[j].fate != .stays { j += 1 }
        let (stopI, stopJ) = (i, j)
        // Read before the body, which may let more entries stay.
        if startI < stopI || startJ < stopJ { body(&self, startI..<stopI, startJ..<stopJ) }
        if stopI == endI, stopJ == endJ { break }
        i += 1
        j += 1
      }
    }
  }

  /// Lets elements that are left over on both sides of one place stay as each other's old and new form.
  private mutating func pairLeftovers(_ olds: Range<Int>, _ news: Range<Int>, _ oldBase: Int, _ newBase: Int)
  {
    let x = olds.filter { oldSide[$0].fate == .single }
    let y = news.filter { newSide[$0].fate == .single }
    guard !x.isEmpty, !y.isEmpty else { return }
    var pairs: [(Int, Int)]
    if x.count == y.count || x.count * y.count > 256 {
      pairs = Array(zip(x, y))
    } else {
      pairs = alignLeftovers(x, y)
    }
    for (i, j) in pairs {
      oldSide[i].fate = .stays
      oldSide[i].match = j - newBase
      newSide[j].fate = .stays
      newSide[j].match = i - oldBase
    }
  }

  /// Pairs all of the shorter side, in order, with those of the other side that they resemble most.
  private mutating func alignLeftovers(_ x: [Int], _ y: [Int]) -> [(Int, Int)] {
    let isSwapped = x.count > y.count
    let few = isSwapped ? y : x
    let many = isSwapped ? x : y
    let spare = many.count - few.count
    // best[f][s]: the most bytes saved with the first f, s of the many being passed over.
    var best = [[Int]](repeating: [Int](repeating: 0, count: spare + 1), count: few.count + 1)
    var likeness = best
    for f in few.indices.reversed() {
      for s in (0...spare).reversed() {
        let old = isSwapped ? many[f + s] : few[f]
        let new = isSwapped ? few[f] : many[f + s]
        likeness[f][s] = resemblance(oldSide[old].place, newSide[new].place) + best[f + 1][s]
        best[f][s] = s < spare ? max(likeness[f][s], best[f][s + 1]) : likeness[f][s]
      }
    }
    var pairs: [(Int, Int)] = []
    var s = 0
    for f in few.indices {
      while s < spare, likeness[f][s] < best[f][s] { s += 1 }
      pairs.append(isSwapped ? (many[f + s], few[f]) : (few[f], many[f + s]))
    }
    return pairs
  }

  /// The bytes that two elements share at their start and end, if an edit could make use of them.
  private mutating func resemblance(_ x: FlatPlace, _ y: FlatPlace) -> Int {
    let tag = FlatLayout.tag(x)
    guard FlatLayout.isContainer(tag), (tag ^ FlatLayout.tag(y)) & 0xFE == 0 else {
      // A large value is better added than replaced by: the same text, but three bytes less of name.
      return 0
    }
    let a = FlatContainer(x)
    let b = FlatContainer(y)
    let room = min(a.payloadSize, b.payloadSize)
    guard budget > room else { return 0 }
    budget -= room
    let start = firstDifference(a.payload, b.payload, room)
    return 1 + start + commonSuffix(a.payloadEnd, b.payloadEnd, room - start)
  }
}
