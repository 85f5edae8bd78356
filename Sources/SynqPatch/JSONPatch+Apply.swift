import SynqJSON

extension JSONPatch {
  /// The document after all operations of a patch (RFC 6902).
  ///
  /// The operations are carried out in their order, each on what the one before it left. When one fails, the
  /// error tells which one, where and why, and there is no result: `document` is a value and never changes.
  /// `test` compares as the RFC has it: members in any order, numbers by value (`1` equals `1.0`).
  ///
  /// Complexity: a few operations are spliced into the document's bytes, O(bytes) each at the speed of a copy;
  /// for many, the arrays and objects that they reach into are opened once, and an operation is O(√n) in the
  /// length of its array.
  public static func apply(
    _ patch: JSON, to document: JSON, limits: PatchLimits = PatchLimits()
  ) throws(PatchError) -> JSON {
    guard patch.kind == .array else {
      throw PatchError(
        .notAPatch, operation: nil, "a patch is an array of operations, not \(patch.kind.withArticle)")
    }
    guard patch.count <= limits.maxOperations else {
      throw PatchError(
        .tooManyOperations, operation: nil,
        "\(patch.count) operations are more than the limit of \(limits.maxOperations)")
    }
    if patch.count <= PatchSplicer.maxOperations {
      // What fails is carried out once more below, which finds out where and why.
      if let result = PatchSplicer.apply(patch, to: document, limits: limits) { return result }
    }
    return try applyByOpening(patch, to: document, limits: limits)
  }

  /// Carries the operations out on what they reach into, opened.
  package static func applyByOpening(
    _ patch: JSON, to document: JSON, limits: PatchLimits
  ) throws(PatchError) -> JSON {
    var applier = PatchApplier(document, limits: limits)
    var index = 0
    for json in patch.elements {
      try applier.run(PatchOperation(json, index: index))
      index += 1
    }
    return applier.root.json()
  }
}
