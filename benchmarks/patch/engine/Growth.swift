import SynqJSON
import SynqPatch

/// Prints how the time of a diff grows with the number of elements.
func growth() {
  for shape in Shape.allCases {
    for change in Change.allCases {
      for count in [10, 100, 1_000, 10_000, 100_000] {
        let (old, new) = shape.pair(count, change)
        var out = ByteWriter(capacity: 1 << 16)
        let time = measure(batches: 5) {
          out.removeAll()
          JSONPatch.writeDiff(from: old, to: new, into: &out)
        }
        out.removeAll()
        let operations = JSONPatch.writeDiff(from: old, to: new, into: &out)
        print(
          """
          {"shape":"\(shape)","change":"\(change)","count":\(count),"us":\(rounded(time)),\
          "ns_per_element":\(rounded(time * 1000 / Double(count))),"operations":\(operations),"bytes":\(out.count)}
          """)
      }
    }
  }
}

private enum Change: String, CaseIterable {
  case insert, remove, move, moveBlock, reverse, shuffle, replaceAll, editEveryOther
}

private enum Shape: String, CaseIterable {
  /// Objects with an identity.
  case items
  /// Objects without one.
  case records
  case numbers
  case booleans
  /// The members of an object.
  case members

  func pair(_ count: Int, _ change: Change) -> (JSON, JSON) {
    var elements = (0..<count).map { element($0, edited: false) }
    let old = build(elements, Array(0..<count))
    var order = Array(0..<count)
    switch change {
    case .insert:
      order.insert(count, at: count / 2)
      elements.insert(element(count + 7, edited: false), at: count / 2)
    case .remove:
      order.remove(at: count / 2)
      elements.remove(at: count / 2)
    case .move:
      order.insert(order.removeLast(), at: 1)
      elements.insert(elements.removeLast(), at: 1)
    case .moveBlock:
      order = Array(order[(count / 3)...] + order[..<(count / 3)])
      elements = Array(elements[(count / 3)...] + elements[..<(count / 3)])
    case .reverse:
      order.reverse()
      elements.reverse()
    case .shuffle:
      var state: UInt64 = 42
      for i in stride(from: count - 1, to: 0, by: -1) {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let j = Int((state >> 33) % UInt64(i + 1))
        order.swapAt(i, j)
        elements.swapAt(i, j)
      }
    case .replaceAll:
      elements = (0..<count).map { element($0 + count, edited: true) }
    case .editEveryOther:
      for i in stride(from: 0, to: count, by: 2) { elements[i] = element(i, edited: true) }
    }
    return (old, build(elements, order))
  }

  private func element(_ index: Int, edited: Bool) -> JSON {
    switch self {
    case .items: ["id": JSON(index), "title": JSON("item number \(index)"), "done": JSON(edited)]
    case .records: ["title": JSON("record number \(index)"), "done": JSON(edited), "n": JSON(index)]
    case .numbers: JSON(index * 7919 % 1_000_003 + (edited ? 2_000_000 : 0))
    case .booleans: JSON(((index * 7919 % 1_000_003) & 4 == 0) != edited)
    case .members: ["v": JSON(index), "done": JSON(edited)]
    }
  }

  private func build(_ elements: [JSON], _ order: [Int]) -> JSON {
    guard self == .members else { return JSON(elements) }
    return JSON(members: zip(order, elements).map { ("member \($0)", $1) })
  }
}
