import SynqJSON

/// Carries out a few operations by splicing bytes: a copy of the document for each, and nothing else of it is touched.
enum PatchSplicer {
  /// Up to so many copies of the bytes cost less than opening arrays and objects and putting them together again.
  static let maxOperations = 12

  /// The document after the patch; nil for every patch that fails, and for some that do not.
  static func apply(_ patch: JSON, to document: JSON, limits: PatchLimits) -> JSON? {
    let maxDepth = min(limits.maxDepth, PatchLimits.maxDepthThatCounts)
    var copyAllowance = limits.maxCopiedBytes
    var result = document
    var index = 0
    do {
      for json in patch.elements {
        let operation = try PatchOperation(json, index: index)
        index += 1
        let place = PatchPlace(operation.path, operation)
        guard place.depth <= maxDepth else { return nil }
        let pointer = try JSONPointer(operation.path.text)
        switch operation.kind {
        case .add:
          guard place.depth + operation.value.depth <= maxDepth else { return nil }
          try result.insert(operation.value, at: pointer)
        case .replace:
          guard place.depth + operation.value.depth <= maxDepth, result[pointer] != nil else { return nil }
          try result.set(operation.value, at: pointer)
        case .remove:
          try result.remove(at: pointer)
        case .move:
          let source = PatchPlace(operation.from, operation)
          guard place.depth <= source.depth, !place.isInside(source), !place.isSame(as: source) else {
            return nil
          }
          let moved = try result.remove(at: JSONPointer(operation.from.text))
          try result.insert(moved, at: pointer)
        case .test:
          guard let found = result[pointer], PatchEquality.areEqual(found, operation.value) else {
            return nil
          }
        case .copy:
          let source = PatchPlace(operation.from, operation)
          guard let copied = try result[JSONPointer(operation.from.text)] else { return nil }
          copyAllowance -= copied.flatSize
          guard copyAllowance >= 0, place.depth <= source.depth || place.depth + copied.depth <= maxDepth
          else {
            return nil
          }
          try result.insert(copied, at: pointer)
        }
      }
    } catch {
      return nil
    }
    return result
  }
}
