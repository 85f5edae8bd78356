@_spi(Flat) import SynqJSON

/// Writing the operations of an array whose elements were matched.
extension UnsafeDiffer {
  /// Nothing travels: operations in ascending order of the new array.
  mutating func emitInPlace(_ firstGap: Int, _ oldBase: Int, _ newBase: Int, oldCount: Int) {
    let end = gaps.count
    for g in firstGap..<end {
      let gap = gaps[g]
      if gap.isPair {
        emitEdit(gap.old, gap.new, at: gap.newIndex, known: gap.known)
        continue
      }
      var i = gap.oldEntry
      var j = gap.newEntry
      let endI = i + gap.oldCount
      let endJ = j + gap.newCount
      while true {
        let first = j
        while i < endI, oldSide[i].fate != .stays {
          emitRemove(at: gap.newIndex + (first - gap.newEntry))
          i += 1
        }
        while j < endJ, newSide[j].fate != .stays { j += 1 }
        if j > first {
          let isAtEnd = i == endI && gap.oldIndex + gap.oldCount == oldCount
          emitAdds(newSide[first].place, j - first, at: newSide[first].index, isAtEnd: isAtEnd)
        }
        if i == endI, j == endJ { break }
        emitEdit(oldSide[i].place, newSide[j].place, at: newSide[j].index, known: 0)
        i += 1
        j += 1
      }
    }
  }

  /// Removals, then moves and additions, then edits at the final indices.
  mutating func emitWithMoves(_ firstGap: Int, _ oldBase: Int, _ newBase: Int, oldCount: Int) {
    var removed = 0
    for i in oldBase..<oldSide.count where oldSide[i].fate == .single {
      emitRemove(at: oldSide[i].index - removed)
      removed += 1
    }
    // From the front every element finds its place behind the one before it, from the back before the one
    // behind it: what has yet to leave is in the way of the one or of the other.
    let front = steps(
      slots(firstGap, oldCount, fillsFirst: true), newBase: newBase, oldBase: oldBase, backwards: false)
    let back = steps(
      slots(firstGap, oldCount, fillsFirst: false), newBase: newBase, oldBase: oldBase, backwards: true)
    for step in back.digits < front.digits ? back.steps : front.steps {
      if step.from >= 0 {
        emitMove(from: step.from, to: step.to < 0 ? nil : step.to)
      } else {
        emitAdd(at: step.to < 0 ? nil : step.to, newSide[step.entry].place)
      }
    }
    let end = gaps.count
    for g in firstGap..<end {
      let gap = gaps[g]
      if gap.isPair {
        emitEdit(gap.old, gap.new, at: gap.newIndex, known: gap.known)
        continue
      }
      for j in gap.newEntry..<(gap.newEntry + gap.newCount) where newSide[j].match >= 0 {
        emitEdit(oldSide[oldBase + newSide[j].match].place, newSide[j].place, at: newSide[j].index, known: 0)
      }
    }
  }

  /// A place in the array between removals and edits: of an element that travels, before it leaves, or of one
  /// that comes.
  private struct Slot {
    let entry: Int
    let isFill: Bool
    /// How many elements that stay stand before it.
    let stayBefore: Int
  }

  /// All places in their order, and in `block` of each old entry that travels, which one is its own.
  private mutating func slots(
    _ firstGap: Int, _ oldCount: Int, fillsFirst: Bool
  ) -> (slots: [Slot], stays: Int) {
    var slots: [Slot] = []
    // Old elements met so far that do not stay.
    var leaving = 0
    for g in firstGap..<gaps.count where !gaps[g].isPair {
      let gap = gaps[g]
      var i = gap.oldEntry
      var j = gap.newEntry
      let endI = i + gap.oldCount
      let endJ = j + gap.newCount
      var index = gap.oldIndex
      while true {
        let stayBefore = index - leaving
        let firstI = i
        while i < endI, oldSide[i].fate != .stays { i += 1 }
        let firstJ = j
        while j < endJ, newSide[j].fate != .stays { j += 1 }
        if fillsFirst {
          for entry in firstJ..<j { slots.append(Slot(entry: entry, isFill: true, stayBefore: stayBefore)) }
        }
        for entry in firstI..<i where oldSide[entry].fate == .moves {
          oldSide[entry].block = slots.count
          slots.append(Slot(entry: entry, isFill: false, stayBefore: stayBefore))
        }
        if !fillsFirst {
          for entry in firstJ..<j { slots.append(Slot(entry: entry, isFill: true, stayBefore: stayBefore)) }
        }
        leaving += i - firstI
        if i == endI, j == endJ { break }
        index = oldSide[i].index + 1
        i += 1
        j += 1
      }
    }
    return (slots, oldCount - leaving)
  }

  /// A move or an addition, with the indices of its moment.
  private struct Travel {
    let entry: Int
    /// -1 for an addition.
    let from: Int
    /// -1 for the end.
    let to: Int
  }

  /// Fills one place after the other; and how many digits the indices have.
  ///
  /// How many places before one are taken is kept in a Fenwick tree: O(log n) for each operation.
  private mutating func steps(
    _ order: (slots: [Slot], stays: Int), newBase: Int, oldBase: Int, backwards: Bool
  ) -> (steps: [Travel], digits: Int) {
    let slots = order.slots
    var taken = FenwickTree(slots.count)
    var length = order.stays
    for (k, slot) in slots.enumerated() where !slot.isFill {
      taken.add(1, at: k)
      length += 1
    }
    var steps: [Travel] = []
    steps.reserveCapacity(slots.count)
    var digits = 0
    for turn in slots.indices {
      let k = backwards ? slots.count - 1 - turn : turn
      let slot = slots[k]
      guard slot.isFill else { continue }
      var from = -1
      if newSide[slot.entry].fate == .moves {
        let source = oldSide[oldBase + newSide[slot.entry].match].block
        from = slots[source].stayBefore + taken.sum(before: source)
        taken.add(-1, at: source)
        length -= 1
      }
      let to = slot.stayBefore + taken.sum(before: k)
      if from != to {
        let isEnd = to == length
        digits += (from < 0 ? 0 : decimalDigits(from)) + (isEnd ? 1 : decimalDigits(to))
        steps.append(Travel(entry: slot.entry, from: from, to: isEnd ? -1 : to))
      }
      taken.add(1, at: k)
      length += 1
    }
    return (steps, digits)
  }
}

/// Sums of prefixes of a list of numbers that change.
private struct FenwickTree {
  private var nodes: [Int32]

  init(_ count: Int) { nodes = [Int32](repeating: 0, count: count + 1) }

  mutating func add(_ value: Int32, at index: Int) {
    var node = index + 1
    while node < nodes.count {
      nodes[node] += value
      node += node & -node
    }
  }

  func sum(before index: Int) -> Int {
    var node = index
    var sum: Int32 = 0
    while node > 0 {
      sum += nodes[node]
      node &= node - 1
    }
    return Int(sum)
  }
}
