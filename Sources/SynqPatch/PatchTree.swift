@_spi(Flat) import SynqJSON

/// A value in a document that is being patched: as it was, or opened because an operation reached into it.
enum PatchItem {
  case flat(JSON)
  case node(PatchNode)

  var kind: JSON.Kind {
    switch self {
    case .flat(let json): json.kind
    case .node(let node): node.isObject ? .object : .array
    }
  }

  /// The value, an opened one being put together. O(size).
  func json() -> JSON {
    switch self {
    case .flat(let json): return json
    case .node:
      var builder = JSONBuilder()
      write(into: &builder)
      return builder.finish()
    }
  }

  // Recursive, but only over opened nodes, whose depth `PatchLimits.maxDepth` bounds.
  private func write(into builder: inout JSONBuilder) {
    switch self {
    case .flat(let json):
      builder.append(json)
    case .node(let node) where node.isObject:
      builder.beginObject()
      node.members.forEach { key, item in
        key.withFlatBytes { bytes in
          if let start = bytes.baseAddress { builder.key(utf8: FlatLayout.text(start)) }
        }
        item.write(into: &builder)
      }
      builder.endObject()
    case .node(let node):
      builder.beginArray()
      node.elements.forEach { $0.write(into: &builder) }
      builder.endArray()
    }
  }
}

/// An array or object that was opened.
final class PatchNode {
  let isObject: Bool
  var elements = PatchElements()
  var members = PatchMembers()

  /// Opens an array or object. O(elements).
  init(_ json: JSON) {
    isObject = json.kind == .object
    if isObject { members = PatchMembers(json) } else { elements = PatchElements(json) }
  }
}

/// The elements of an opened array, in chunks: inserting and removing anywhere costs O(√n), in practice the
/// length of a chunk and a look at each chunk's count.
struct PatchElements {
  private var chunks: [[PatchItem]] = []
  private var counts: [Int] = []
  private(set) var count = 0

  private static let maxChunk = 256

  init() {}

  init(_ json: JSON) {
    count = json.count
    var chunk: [PatchItem] = []
    for element in json.elements {
      chunk.append(.flat(element))
      if chunk.count == Self.maxChunk / 2 {
        chunks.append(chunk)
        counts.append(chunk.count)
        chunk = []
      }
    }
    if !chunk.isEmpty || chunks.isEmpty {
      chunks.append(chunk)
      counts.append(chunk.count)
    }
  }

  /// The chunk and the index in it. For `count`, the end of the last chunk.
  private func find(_ index: Int) -> (chunk: Int, index: Int) {
    var rest = index
    var chunk = 0
    while chunk < counts.count - 1, rest >= counts[chunk] {
      rest -= counts[chunk]
      chunk += 1
    }
    return (chunk, rest)
  }

  subscript(index: Int) -> PatchItem {
    get {
      let place = find(index)
      return chunks[place.chunk][place.index]
    }
    set {
      let place = find(index)
      chunks[place.chunk][place.index] = newValue
    }
  }

  mutating func insert(_ item: PatchItem, at index: Int) {
    let place = find(index)
    chunks[place.chunk].insert(item, at: place.index)
    counts[place.chunk] += 1
    count += 1
    guard counts[place.chunk] > Self.maxChunk else { return }
    let tail = Array(chunks[place.chunk][(Self.maxChunk / 2)...])
    chunks[place.chunk].removeSubrange((Self.maxChunk / 2)...)
    counts[place.chunk] = Self.maxChunk / 2
    chunks.insert(tail, at: place.chunk + 1)
    counts.insert(tail.count, at: place.chunk + 1)
  }

  mutating func remove(at index: Int) -> PatchItem {
    let place = find(index)
    count -= 1
    counts[place.chunk] -= 1
    let item = chunks[place.chunk].remove(at: place.index)
    if counts[place.chunk] == 0, counts.count > 1 {
      chunks.remove(at: place.chunk)
      counts.remove(at: place.chunk)
    }
    return item
  }

  func forEach(_ body: (PatchItem) -> Void) {
    for chunk in chunks { for item in chunk { body(item) } }
  }
}

/// The members of an opened object, in order.
struct PatchMembers {
  private var slots: [(key: JSON, item: PatchItem)?] = []
  private var indices: [JSON: Int] = [:]

  init() {}

  init(_ json: JSON) {
    slots.reserveCapacity(json.count)
    indices.reserveCapacity(json.count)
    for (key, value) in json.keyedViews {
      indices[key] = slots.count
      slots.append((key, .flat(value)))
    }
  }

  var count: Int { indices.count }

  /// The value of a member; setting it keeps its place, appends it, or with nil removes it. O(1).
  subscript(key: JSON) -> PatchItem? {
    get { indices[key].flatMap { slots[$0]?.item } }
    set {
      switch (indices[key], newValue) {
      case (let index?, let item?): slots[index]?.item = item
      case (let index?, nil):
        slots[index] = nil
        indices[key] = nil
      case (nil, let item?):
        indices[key] = slots.count
        slots.append((key, item))
      case (nil, nil): break
      }
    }
  }

  func forEach(_ body: (JSON, PatchItem) -> Void) {
    for case let slot? in slots { body(slot.key, slot.item) }
  }
}
