@_spi(Flat) import SynqJSON

/// A place where two arrays differ: a run of old elements that stands against a run of new ones.
struct Gap {
  var old: FlatPlace
  var new: FlatPlace
  var oldIndex: Int
  var newIndex: Int
  var oldCount: Int
  var newCount: Int
  /// Bytes known to be equal at the start of the first pair.
  var known = 0
  /// Whether this is one element on each side with the same identity, and so not for sale.
  var isPair = false
  /// Whether this is all that the walk could not settle.
  var isRest = false
  /// The first entries of this gap, once the matching has listed them.
  var oldEntry = 0
  var newEntry = 0
}

/// Arrays, first half: what differs where. The arrays are walked in lockstep; where they part, both are
/// searched a few elements ahead for a place where they meet again. What this does not settle goes, once,
/// to the hashes of the matching.
extension UnsafeDiffer {
  /// How many elements ahead the walk looks for a place to meet.
  static let window = 8

  mutating func diffArrays(_ old: FlatPlace, _ new: FlatPlace, known: Int) {
    let a = FlatContainer(old)
    let b = FlatContainer(new)
    let firstGap = gaps.count
    findGaps(a, b, known: a.headSize == b.headSize ? max(0, known &- a.headSize) : 0)
    guard gaps.count > firstGap else { return }
    if !needsMatching(firstGap) {
      emitGaps(firstGap, oldCount: a.count)
    } else {
      match(firstGap, oldCount: a.count)
    }
    gaps.truncate(to: firstGap)
  }

  private mutating func findGaps(_ a: FlatContainer, _ b: FlatContainer, known start: Int) {
    var x = a.payload
    var y = b.payload
    var i = 0
    var j = 0
    var known = start
    var triedRun = false
    while true {
      let room = min(a.payloadEnd - x, b.payloadEnd - y)
      var offset = known &+ firstDifference(x + known, y + known, room &- known)
      known = 0
      if offset >= room {
        // The shorter one is used up; what the other has left is one last gap.
        let skipped = x + room == a.payloadEnd ? a.count &- i : b.count &- j
        i &+= skipped
        j &+= skipped
        if i < a.count || j < b.count {
          gaps.push(
            Gap(
              old: x + room, new: y + room, oldIndex: i, newIndex: j,
              oldCount: a.count &- i, newCount: b.count &- j))
        }
        return
      }
      if a.tableEntries > 0 {
        let anchor = a.anchor(before: (x - a.payload) &+ offset)
        let skip = anchor.offset &- (x - a.payload)
        if skip > 0 {
          x += skip
          y += skip
          offset &-= skip
          j &+= anchor.index &- i
          i = anchor.index
        }
      }
      // All elements before the one that holds the byte are equal, so the sizes read in `a` hold for `b` too.
      var size = FlatLayout.size(x)
      while size <= offset {
        x += size
        y += size
        offset &-= size
        i &+= 1
        j &+= 1
        size = FlatLayout.size(x)
      }
      var gap = Gap(
        old: x, new: y, oldIndex: i, newIndex: j, oldCount: 1, newCount: 1, known: offset)
      // Where the counts differ, it is often by one run of elements: if all behind it is equal, this is the best that
      // can be said, also where the elements are so few of a kind that looking ahead meets by chance.
      if a.count != b.count, !triedRun {
        triedRun = true
        var run = gap
        trimSuffix(&run, a, b)
        if run.oldCount == 0 || run.newCount == 0 {
          gaps.push(run)
          return
        }
      }
      let nextX = x + size
      let nextY = y + FlatLayout.size(y)
      let (meets, isPair) = meet(&gap, nextX, nextY, a, b)
      if !meets {
        trimSuffix(&gap, a, b)
        gap.isRest = true
        gaps.push(gap)
        return
      }
      gap.isPair = isPair
      gaps.push(gap)
      i &+= gap.oldCount
      j &+= gap.newCount
      x = gap.oldCount == 1 ? nextX : Self.skip(gap.old, gap.oldCount)
      y = gap.newCount == 1 ? nextY : Self.skip(gap.new, gap.newCount)
    }
  }

  @inline(__always)
  private static func skip(_ element: FlatPlace, _ count: Int) -> FlatPlace {
    var element = element
    for _ in 0..<count { element += FlatLayout.size(element) }
    return element
  }

  /// Sets how many elements of each side the gap takes for the arrays to meet behind it.
  @inline(__always)
  private mutating func meet(
    _ gap: inout Gap, _ nextX: FlatPlace, _ nextY: FlatPlace, _ a: FlatContainer, _ b: FlatContainer
  ) -> (meets: Bool, isPair: Bool) {
    let hasX = nextX < a.payloadEnd
    let hasY = nextY < b.payloadEnd
    if let idX = identity.key(of: gap.old), let idY = identity.key(of: gap.new) {
      if IdentityNames.sameIdentity(idX, idY) {
        // An identity that the next element has too is none.
        let isShifted = hasY && sameBytes(gap.old, nextY) || hasX && sameBytes(nextX, gap.new)
        if !isShifted { return (true, true) }
      }
      // Elements that are the same have the same identity, so the keys at hand are compared, not the elements.
      let nextIdX = hasX ? identity.key(of: nextX) : nil
      let nextIdY = hasY ? identity.key(of: nextY) : nil
      if let nextIdX, let nextIdY, IdentityNames.sameIdentity(nextIdX, nextIdY) { return (true, false) }
      if let nextIdY, IdentityNames.sameIdentity(idX, nextIdY) {
        gap.oldCount = 0
        return (true, false)
      }
      if let nextIdX, IdentityNames.sameIdentity(nextIdX, idY) {
        gap.newCount = 0
        return (true, false)
      }
      return (hasX || hasY ? lookAhead(&gap, a, b) : true, false)
    }
    if !hasX, !hasY { return (true, false) }
    if hasX, hasY, same(nextX, nextY) { return (true, false) }
    if hasY, affordably(gap.old, nextY) {
      gap.oldCount = 0
      return (true, false)
    }
    if hasX, affordably(nextX, gap.new) {
      gap.newCount = 0
      return (true, false)
    }
    return (lookAhead(&gap, a, b), false)
  }

  /// Whether two elements are the same thing: the same identity where there is one, else the same bytes.
  @inline(__always)
  private mutating func same(_ x: FlatPlace, _ y: FlatPlace) -> Bool {
    if let idX = identity.key(of: x), let idY = identity.key(of: y) {
      return IdentityNames.sameIdentity(idX, idY)
    }
    return affordably(x, y)
  }

  /// `sameBytes` on the budget.
  @inline(__always)
  private mutating func affordably(_ x: FlatPlace, _ y: FlatPlace) -> Bool {
    let size = FlatLayout.size(x)
    guard size == FlatLayout.size(y), budget > size else { return false }
    if size > 64 { budget &-= size }
    return sameBytes(x, y)
  }

  /// Looks for the nearest pair within the window, the diagonal first.
  @inline(never)
  private mutating func lookAhead(_ gap: inout Gap, _ a: FlatContainer, _ b: FlatContainer) -> Bool {
    withUnsafeTemporaryAllocation(of: FlatPlace.self, capacity: 4 * (Self.window + 1)) { scratch in
      let xs = scratch.baseAddress.unsafelyUnwrapped
      let ys = xs + (Self.window + 1)
      // The identities where all have one, so that each is looked up once.
      let idsX = ys + (Self.window + 1)
      let idsY = idsX + (Self.window + 1)
      let (countX, hasIdsX) = collect(xs, idsX, gap.old, a.payloadEnd)
      let (countY, hasIdsY) = collect(ys, idsY, gap.new, b.payloadEnd)
      let hasIds = hasIdsX && hasIdsY
      for sum in 1..<(countX + countY - 1) {
        // From the middle outwards: an even split first.
        let low = max(0, sum - (countY - 1))
        let high = min(sum, countX - 1)
        guard low <= high else { continue }
        let middle = sum / 2
        for step in 0...sum {
          let s = step & 1 == 0 ? middle - step / 2 : middle + step / 2 + 1
          guard s >= low, s <= high else { continue }
          let t = sum - s
          let isSame =
            hasIds ? IdentityNames.sameIdentity(idsX[s], idsY[t]) : affordably(xs[s], ys[t])
          if isSame {
            gap.oldCount = s
            gap.newCount = t
            return true
          }
        }
      }
      return false
    }
  }

  private mutating func collect(
    _ places: UnsafeMutablePointer<FlatPlace>, _ ids: UnsafeMutablePointer<FlatPlace>,
    _ start: FlatPlace, _ end: FlatPlace
  ) -> (count: Int, hasIds: Bool) {
    var at = start
    var count = 0
    var hasIds = true
    while at < end, count <= Self.window {
      places[count] = at
      if hasIds, let id = identity.key(of: at) { ids[count] = id } else { hasIds = false }
      count += 1
      at += FlatLayout.size(at)
    }
    return (count, hasIds)
  }

  /// Lets the gap take all that is left but for the elements that are equal at the end.
  private mutating func trimSuffix(_ gap: inout Gap, _ a: FlatContainer, _ b: FlatContainer) {
    gap.oldCount = a.count - gap.oldIndex
    gap.newCount = b.count - gap.newIndex
    gap.known = 0
    let room = min(a.payloadEnd - gap.old, b.payloadEnd - gap.new)
    let common = commonSuffix(a.payloadEnd, b.payloadEnd, room)
    guard common > 0 else { return }
    // Equal bytes are equal elements only from a place where an element starts in both.
    var (x, i) = Self.boundary(a, gap.old, gap.oldIndex, from: a.payloadEnd - common)
    var (y, j) = Self.boundary(b, gap.new, gap.newIndex, from: b.payloadEnd - common)
    while true {
      let restX = a.payloadEnd - x
      let restY = b.payloadEnd - y
      if restX == restY { break }
      if restX > restY {
        x += FlatLayout.size(x)
        i += 1
      } else {
        y += FlatLayout.size(y)
        j += 1
      }
    }
    gap.oldCount = i - gap.oldIndex
    gap.newCount = j - gap.newIndex
  }

  /// The first element that starts at `place` or behind it.
  private static func boundary(
    _ array: FlatContainer, _ start: FlatPlace, _ index: Int, from place: FlatPlace
  ) -> (FlatPlace, Int) {
    var at = start
    var index = index
    let anchor = array.anchor(before: place - array.payload)
    if anchor.index > index {
      at = array.payload + anchor.offset
      index = anchor.index
    }
    while at < place {
      at += FlatLayout.size(at)
      index += 1
    }
    return (at, index)
  }
}
