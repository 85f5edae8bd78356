@_spi(Flat) import SynqJSON

/// Objects: members are compared in lockstep as long as their keys agree; what does not is set aside and
/// looked up at the end. The order of members is no difference.
extension UnsafeDiffer {
  /// How far a key is looked for before it is set aside.
  private static let keyWindow = 8

  mutating func diffObjects(_ old: FlatPlace, _ new: FlatPlace, known: Int) {
    let a = FlatContainer(old)
    let b = FlatContainer(new)
    var x = a.payload
    var y = b.payload
    var known = a.headSize == b.headSize ? max(0, known &- a.headSize) : 0
    let firstOld = oldMembers.count
    let firstNew = newMembers.count
    while true {
      let room = min(a.payloadEnd - x, b.payloadEnd - y)
      var offset = known &+ firstDifference(x + known, y + known, room &- known)
      known = 0
      if offset >= room {
        x += room
        y += room
        break
      }
      if a.tableEntries > 0 {
        let skip = a.anchor(before: (x - a.payload) &+ offset).offset &- (x - a.payload)
        if skip > 0 {
          x += skip
          y += skip
          offset &-= skip
        }
      }
      // All members before the one that holds the byte are equal, so the sizes read in `a` hold for `b` too.
      var keySize = FlatLayout.size(x)
      while keySize <= offset {
        let size = keySize &+ FlatLayout.size(x + keySize)
        if size > offset { break }
        x += size
        y += size
        offset &-= size
        keySize = FlatLayout.size(x)
      }
      if keySize <= offset {
        path.push(Step(key: x, index: 0))
        x += keySize
        y += keySize
        diff(x, y, known: offset &- keySize)
        path.pop()
        x += FlatLayout.size(x)
        y += FlatLayout.size(y)
      } else {
        setMembersAside(&x, &y, a, b)
      }
    }
    while x < a.payloadEnd {
      oldMembers.push(x)
      x = a.next(x)
    }
    while y < b.payloadEnd {
      newMembers.push(y)
      y = b.next(y)
    }
    if oldMembers.count > firstOld || newMembers.count > firstNew {
      settleMembers(firstOld, firstNew)
      oldMembers.truncate(to: firstOld)
      newMembers.truncate(to: firstNew)
    }
  }

  /// The keys at `x` and `y` differ: sets aside what has to go for one of them to be met on the other side.
  @inline(never)
  private mutating func setMembersAside(
    _ x: inout FlatPlace, _ y: inout FlatPlace, _ a: FlatContainer, _ b: FlatContainer
  ) {
    var nextX = a.next(x)
    var nextY = b.next(y)
    for _ in 0..<Self.keyWindow {
      if nextY < b.payloadEnd {
        if sameBytes(x, nextY) {
          while y < nextY {
            newMembers.push(y)
            y = b.next(y)
          }
          return
        }
        nextY = b.next(nextY)
      }
      if nextX < a.payloadEnd {
        if sameBytes(nextX, y) {
          while x < nextX {
            oldMembers.push(x)
            x = a.next(x)
          }
          return
        }
        nextX = a.next(nextX)
      }
    }
    oldMembers.push(x)
    newMembers.push(y)
    x = a.next(x)
    y = b.next(y)
  }

  /// Pairs the members set aside by key, then by value (a renamed member), and adds and removes the rest.
  @inline(never)
  private mutating func settleMembers(_ firstOld: Int, _ firstNew: Int) {
    let endOld = oldMembers.count
    let endNew = newMembers.count
    if endOld > firstOld, endNew > firstNew {
      // All pairs before what they need: the levels below use the same tables.
      for (x, y) in pairMembers(firstOld..<endOld, firstNew..<endNew, byValue: false) {
        let old = x + FlatLayout.size(x)
        let new = y + FlatLayout.size(y)
        if sameBytes(old, new) { continue }
        path.push(Step(key: x, index: 0))
        diff(old, new, known: 0)
        path.pop()
      }
      for (x, y) in pairMembers(firstOld..<endOld, firstNew..<endNew, byValue: true) {
        emitRename(from: x, to: y)
      }
    }
    for i in firstOld..<endOld {
      guard let key = oldMembers[i] else { continue }
      path.push(Step(key: key, index: 0))
      emitRemove()
      path.pop()
    }
    for j in firstNew..<endNew {
      guard let key = newMembers[j] else { continue }
      path.push(Step(key: key, index: 0))
      emitAdd(key + FlatLayout.size(key))
      path.pop()
    }
  }

  /// The keys of the members that are equal in their key, or in their value, each used once; paired members
  /// become nil.
  ///
  /// Complexity: O(n).
  private mutating func pairMembers(
    _ old: Range<Int>, _ new: Range<Int>, byValue: Bool
  ) -> [(old: FlatPlace, new: FlatPlace)] {
    @inline(__always) func subject(_ key: FlatPlace) -> FlatPlace {
      byValue ? key + FlatLayout.size(key) : key
    }
    var pairs: [(old: FlatPlace, new: FlatPlace)] = []
    let isSmall = old.count * new.count <= 64
    if !isSmall {
      chains.prepare(old.count)
      for i in old.reversed() {
        guard let key = oldMembers[i].map(subject) else { continue }
        chains.insert(i - old.lowerBound, FlatHash.bytes(key, FlatLayout.size(key), seed: FlatHash.seed))
      }
    }
    for j in new {
      guard let newKey = newMembers[j] else { continue }
      let wanted = subject(newKey)
      var found: Int?
      if isSmall {
        for i in old {
          if let key = oldMembers[i], sameBytes(subject(key), wanted) {
            found = i
            break
          }
        }
      } else {
        let hash = FlatHash.bytes(wanted, FlatLayout.size(wanted), seed: FlatHash.seed)
        found = chains.take(hash).map { $0 + old.lowerBound }
      }
      guard let i = found, let oldKey = oldMembers[i], sameBytes(subject(oldKey), wanted) else { continue }
      pairs.append((oldKey, newKey))
      oldMembers[i] = nil
      newMembers[j] = nil
    }
    return pairs
  }
}
