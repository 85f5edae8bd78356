import SynqJSON

/// Values made by a seed: the same on every machine.
struct RandomValues {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// SplitMix64.
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

  mutating func pick<T>(_ values: [T]) -> T { values[below(values.count)] }

  private static let keys = [
    "a", "b", "c", "id", "key", "name", "", "/", "~", "~1", "~0", "a/b", "m~n", "\"", "\\", "é", "e\u{301}",
    "日本", "😀", "line\nfeed", "\u{0}", "\u{1F}", "-", "0", "01", "__proto__",
    "a key of more than sixty-two bytes, which the layout keeps otherwise",
  ]

  private static let scalars: [JSON] = [
    nil, true, false, 0, 1, 2, -1, 1.5, "", "a", "b", "text", "quote \" and \\", "tab\t", "\u{1}", "é", "日本語",
    "😀",
    "a text that is longer than sixty-two bytes, for which the layout has another form of header",
  ]

  private static let numbers = ["1.0", "1e0", "-0", "0.1", "1E400", "123456789012345678901234567890"]

  mutating func scalar() -> JSON {
    if below(8) == 0, let number = try? JSON(parsing: pick(Self.numbers)) { return number }
    return below(3) == 0 ? JSON(below(1000)) : pick(Self.scalars)
  }

  mutating func value(depth: Int) -> JSON {
    switch depth == 0 ? 0 : below(6) {
    case 0, 1: return scalar()
    case 2, 3:
      let count = below(40) == 0 ? 20 + below(30) : below(6)
      return JSON((0..<count).map { _ in value(depth: depth - 1) })
    case 4:
      return list(count: below(6))
    default:
      let count = below(40) == 0 ? 20 + below(30) : below(6)
      var members: [(String, JSON)] = []
      var names: Set<[UInt8]> = []
      for index in 0..<count {
        let name = count > 6 ? "member \(index)" : pick(Self.keys)
        if names.insert(Array(name.utf8)).inserted { members.append((name, value(depth: depth - 1))) }
      }
      return JSON(members: members)
    }
  }

  /// A list of objects with identities.
  mutating func list(count: Int) -> JSON {
    JSON((0..<count).map { index in ["id": JSON(index), "text": scalar(), "done": JSON(below(2) == 0)] })
  }

  /// The value with one or several changes anywhere in it.
  mutating func mutation(of value: JSON) -> JSON {
    var value = value
    for _ in 0...below(3) { value = changed(value) }
    return value
  }

  private mutating func changed(_ json: JSON) -> JSON {
    if below(5) == 0 { return value(depth: 2) }
    switch json.kind {
    case .array:
      var elements = Array(json.elements)
      if elements.isEmpty { return [scalar()] }
      let at = below(elements.count)
      switch below(6) {
      case 0: elements.remove(at: at)
      case 1: elements.insert(value(depth: 2), at: below(elements.count + 1))
      case 2:
        let moved = elements.remove(at: at)
        elements.insert(moved, at: below(elements.count + 1))
      case 3: elements.insert(elements[at], at: below(elements.count + 1))
      default: elements[at] = changed(elements[at])
      }
      return JSON(elements)
    case .object:
      var members = json.members.map { ($0.name, $0.value) }
      if members.isEmpty { return ["a": scalar()] }
      let at = below(members.count)
      switch below(6) {
      case 0: members.remove(at: at)
      case 1: members.append(("new \(below(9))", value(depth: 2)))
      case 2: members[at].0 = "renamed"
      case 3:
        let moved = members.remove(at: at)
        members.insert(moved, at: below(members.count + 1))
      default: members[at].1 = changed(members[at].1)
      }
      return JSON(members: members)
    case .null, .boolean, .number, .string:
      return scalar()
    }
  }

  /// A list with some elements moved, edited, added and removed.
  mutating func rearrangement(of list: JSON) -> JSON {
    var elements = Array(list.elements)
    for _ in 0..<(1 + below(elements.count)) {
      switch below(5) {
      case 0 where elements.count > 1: elements.remove(at: below(elements.count))
      case 1:
        elements.insert(["id": JSON(1000 + below(1000)), "text": scalar()], at: below(elements.count + 1))
      case 2 where !elements.isEmpty:
        let at = below(elements.count)
        elements[at] = changed(elements[at])
      case _ where !elements.isEmpty:
        let moved = elements.remove(at: below(elements.count))
        elements.insert(moved, at: below(elements.count + 1))
      default: break
      }
    }
    return JSON(elements)
  }

  /// The same value, the members of its objects in another order.
  mutating func reordered(_ json: JSON) -> JSON {
    switch json.kind {
    case .array: return JSON(json.elements.map { reordered($0) })
    case .object:
      var members = json.members.map { ($0.name, reordered($0.value)) }
      for i in members.indices.dropFirst() { members.swapAt(i, below(i + 1)) }
      return JSON(members: members)
    case .null, .boolean, .number, .string: return json
    }
  }

  /// All values of up to three scalars, nested up to two levels.
  static func smallShapes() -> [JSON] {
    let scalars: [JSON] = [nil, 1, "a"]
    func containers(_ parts: [JSON]) -> [JSON] {
      var shapes: [JSON] = [[], [:]]
      for x in parts {
        shapes.append([x])
        shapes.append(["a": x])
        shapes.append(["b/~": x])
        for y in parts {
          shapes.append([x, y])
          shapes.append(["a": x, "b/~": y])
        }
      }
      return shapes
    }
    let flat = scalars + containers(scalars)
    return flat + containers(Array(flat.prefix(14)))
  }
}
