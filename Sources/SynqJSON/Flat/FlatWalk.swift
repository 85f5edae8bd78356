/// Goes through a value in the order of its bytes, without recursion.
package struct FlatWalk {
  /// What comes next.
  package enum Step {
    case begin(FlatContainer)
    case key(UnsafeRawPointer)
    case scalar(UnsafeRawPointer)
    case end(FlatContainer)
  }

  private struct Level {
    let container: FlatContainer
    var at: UnsafeRawPointer
    /// Elements begun.
    var index = 0
    var isAtValue = false
  }

  private var levels: [Level] = []
  private var root: UnsafeRawPointer?

  /// Starts at a value.
  package init(_ value: UnsafeRawPointer) { root = value }

  /// The next step; nil behind the end. O(1).
  package mutating func next() -> Step? {
    if let value = root {
      root = nil
      return enter(value)
    }
    guard let last = levels.indices.last else { return nil }
    let at = levels[last].at
    if levels[last].isAtValue {
      levels[last].isAtValue = false
      levels[last].at = at + FlatLayout.size(at)
      return enter(at)
    }
    let container = levels[last].container
    if at == container.payloadEnd {
      levels.removeLast()
      return .end(container)
    }
    levels[last].index += 1
    if container.isObject {
      levels[last].at = at + FlatLayout.size(at)
      levels[last].isAtValue = true
      return .key(at)
    }
    levels[last].at = at + FlatLayout.size(at)
    return enter(at)
  }

  private mutating func enter(_ value: UnsafeRawPointer) -> Step {
    guard FlatLayout.isContainer(FlatLayout.tag(value)) else { return .scalar(value) }
    let container = FlatContainer(value)
    levels.append(Level(container: container, at: container.payload))
    return .begin(container)
  }

  /// Leaves out the value whose key was the last step.
  package mutating func skipMember() {
    guard let last = levels.indices.last, levels[last].isAtValue else { return }
    levels[last].isAtValue = false
    levels[last].at += FlatLayout.size(levels[last].at)
  }

  /// The place of the member whose key was the last step. O(size of the containers above it).
  package func pointer(to key: UnsafeRawPointer) -> JSONPointer {
    var tokens: [String] = []
    for (depth, level) in levels.enumerated() {
      guard level.container.isObject else {
        tokens.append(String(level.index - 1))
        continue
      }
      // The member that is open here starts at the last key before the level below, or is `key`.
      let inner = depth + 1 < levels.count ? levels[depth + 1].container.start : key
      var at = level.container.payload
      while level.container.next(at) <= inner { at = level.container.next(at) }
      tokens.append(String(decoding: FlatLayout.text(at), as: UTF8.self))
    }
    return JSONPointer(tokens: tokens)
  }
}
