import SynqJSON

/// Carries out operations on a document, of which it opens what they reach into.
struct PatchApplier {
  private(set) var root: PatchItem
  private let maxDepth: Int
  private var copyAllowance: Int
  private let limits: PatchLimits

  init(_ document: JSON, limits: PatchLimits) {
    root = .flat(document)
    maxDepth = min(limits.maxDepth, PatchLimits.maxDepthThatCounts)
    copyAllowance = limits.maxCopiedBytes
    self.limits = limits
  }

  mutating func run(_ operation: PatchOperation) throws(PatchError) {
    let place = PatchPlace(operation.path, operation)
    switch operation.kind {
    case .add:
      try checkDepth(operation.value.depth, at: place)
      try add(.flat(operation.value), at: place)
    case .replace:
      try checkDepth(operation.value.depth, at: place)
      try replace(with: operation.value, at: place)
    case .remove:
      _ = try remove(at: place)
    case .move:
      try move(from: PatchPlace(operation.from, operation), to: place)
    case .copy:
      try copy(from: PatchPlace(operation.from, operation), to: place)
    case .test:
      let found = try value(at: place)
      guard PatchEquality.areEqual(found, operation.value) else {
        throw place.error(
          .testFailed, "expected \(PatchError.excerpt(operation.value)), found \(PatchError.excerpt(found))")
      }
    }
  }

  // MARK: The operations

  private mutating func add(_ item: PatchItem, at place: PatchPlace) throws(PatchError) {
    guard let (node, token) = try open(place) else {
      root = item
      return
    }
    if node.isObject {
      node.members[JSON(token.string)] = item
    } else if token.isEnd {
      node.elements.insert(item, at: node.elements.count)
    } else {
      node.elements.insert(item, at: try place.index(token, below: node.elements.count + 1))
    }
  }

  private mutating func replace(with value: JSON, at place: PatchPlace) throws(PatchError) {
    guard let (node, token) = try open(place) else {
      root = .flat(value)
      return
    }
    if node.isObject {
      let key = JSON(token.string)
      guard node.members[key] != nil else { throw place.noMember(token) }
      node.members[key] = .flat(value)
    } else {
      node.elements[try place.index(token, below: node.elements.count)] = .flat(value)
    }
  }

  private mutating func remove(at place: PatchPlace) throws(PatchError) -> PatchItem {
    guard let (node, token) = try open(place) else {
      throw place.error(.removesDocument, "the whole document cannot be removed")
    }
    if node.isObject {
      let key = JSON(token.string)
      guard let item = node.members[key] else { throw place.noMember(token) }
      node.members[key] = nil
      return item
    }
    return node.elements.remove(at: try place.index(token, below: node.elements.count))
  }

  private mutating func move(from source: PatchPlace, to place: PatchPlace) throws(PatchError) {
    if source.isSame(as: place) {
      _ = try find(source)
      return
    }
    if place.isInside(source) {
      throw place.error(.moveIntoItself, "a value cannot be moved into itself, from \(source.pointer.text)")
    }
    var item = try remove(at: source)
    if place.depth > source.depth {
      // Puts together what was opened there: not more often than copies may.
      let moved = item.json()
      try spend(moved.flatSize, at: place)
      try checkDepth(moved.depth, at: place)
      item = .flat(moved)
    }
    try add(item, at: place)
  }

  private mutating func copy(from source: PatchPlace, to place: PatchPlace) throws(PatchError) {
    let copied = try value(at: source)
    try spend(copied.flatSize, at: place)
    if place.depth > source.depth { try checkDepth(copied.depth, at: place) }
    try add(.flat(copied), at: place)
  }

  private mutating func spend(_ bytes: Int, at place: PatchPlace) throws(PatchError) {
    copyAllowance -= bytes
    guard copyAllowance >= 0 else {
      throw place.error(
        .tooLarge, "copies and moves to deeper places are limited to \(limits.maxCopiedBytes) bytes")
    }
  }

  private func checkDepth(_ depth: Int, at place: PatchPlace) throws(PatchError) {
    guard place.depth + depth <= maxDepth else {
      throw place.error(.tooDeep, "this is deeper than the limit of \(maxDepth) levels")
    }
  }

  // MARK: Finding places

  /// The opened array or object that holds a place, and the token for the place in it; nil for the document.
  private mutating func open(_ place: PatchPlace) throws(PatchError) -> (PatchNode, FlatPointer.Token)? {
    var tokens = FlatPointer(place.pointer)
    guard var token = tokens.next() else { return nil }
    guard place.depth <= maxDepth else {
      throw place.error(.tooDeep, "this is deeper than the limit of \(maxDepth) levels")
    }
    var node: PatchNode
    switch root {
    case .node(let opened): node = opened
    case .flat(let json):
      node = try place.opened(json, before: token)
      root = .node(node)
    }
    while let next = tokens.next() {
      if node.isObject {
        let key = JSON(token.string)
        switch node.members[key] {
        case nil: throw place.noMember(token)
        case .node(let opened)?: node = opened
        case .flat(let json)?:
          let child = try place.opened(json, before: next)
          node.members[key] = .node(child)
          node = child
        }
      } else {
        let index = try place.index(token, below: node.elements.count)
        switch node.elements[index] {
        case .node(let opened): node = opened
        case .flat(let json):
          let child = try place.opened(json, before: next)
          node.elements[index] = .node(child)
          node = child
        }
      }
      token = next
    }
    return (node, token)
  }

  /// What is at a place, and the opened array or object that holds it, if one does.
  private func find(
    _ place: PatchPlace
  ) throws(PatchError) -> (item: PatchItem, holder: (node: PatchNode, token: FlatPointer.Token)?) {
    var tokens = FlatPointer(place.pointer)
    var item = root
    var holder: (node: PatchNode, token: FlatPointer.Token)?
    while let token = tokens.next() {
      switch item {
      case .flat(let json):
        item = .flat(try place.step(json, token))
        holder = nil
      case .node(let node):
        holder = (node, token)
        if node.isObject {
          guard let member = node.members[JSON(token.string)] else { throw place.noMember(token) }
          item = member
        } else {
          item = node.elements[try place.index(token, below: node.elements.count)]
        }
      }
    }
    return (item, holder)
  }

  /// The value at a place. What was opened there is put together, and kept so.
  private mutating func value(at place: PatchPlace) throws(PatchError) -> JSON {
    let (item, holder) = try find(place)
    guard case .node = item else { return item.json() }
    let json = item.json()
    if let (node, token) = holder {
      if node.isObject {
        node.members[JSON(token.string)] = .flat(json)
      } else {
        node.elements[try place.index(token, below: node.elements.count)] = .flat(json)
      }
    } else {
      root = .flat(json)
    }
    return json
  }
}
