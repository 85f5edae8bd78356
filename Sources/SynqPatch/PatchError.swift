import SynqJSON

/// Why a patch was not applied: which operation failed, at which place, and for what reason.
///
/// The document is as it was: a patch is applied whole or not at all.
public struct PatchError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The reason.
  public enum Code: String, Sendable, Hashable, CaseIterable {
    /// The patch is not an array.
    case notAPatch
    /// An element of the patch is not an object.
    case notAnOperation
    /// `op`, `path`, `from` or `value` is absent where the operation needs it, or not a string where it is one.
    case invalidMember
    /// `op` is none of the six.
    case unknownOperation
    /// `path` or `from` is not a pointer.
    case invalidPointer
    /// There is no value at this place.
    case notFound
    /// The token for an array is not an index: `01`, `-1`, `1e0`, a name, or `-` where an element has to exist.
    case invalidIndex
    /// The index is behind the end of the array.
    case indexOutOfRange
    /// The place lies within a number, a string, a boolean or null.
    case notAContainer
    /// `move` would put a value into itself.
    case moveIntoItself
    /// `remove` of, or `move` from, the whole document, which leaves nothing.
    case removesDocument
    /// `test` found another value.
    case testFailed
    /// Beyond `PatchLimits.maxOperations`.
    case tooManyOperations
    /// Beyond `PatchLimits.maxDepth`.
    case tooDeep
    /// Beyond `PatchLimits.maxCopiedBytes`.
    case tooLarge
  }

  /// The reason.
  public let code: Code
  /// The index of the operation in the patch; nil when it is the patch as a whole.
  public let operation: Int?
  /// The pointer of the operation that could not be followed, its `path` or `from`; empty where none is involved.
  public let path: String
  /// What was found, for people.
  public let detail: String

  init(_ code: Code, operation: Int?, path: String = "", _ detail: String) {
    self.code = code
    self.operation = operation
    self.path = path
    self.detail = detail
  }

  /// The whole error in a line: which operation, where, why.
  public var description: String {
    guard let operation else { return "patch: \(detail)" }
    return path.isEmpty
      ? "patch operation \(operation): \(detail)" : "patch operation \(operation) at \(path): \(detail)"
  }
}

/// What ``JSONPatch/apply(_:to:limits:)`` refuses to do for a patch.
public struct PatchLimits: Sendable, Hashable {
  /// The most operations. Stops a patch from keeping a thread busy. Default 1 million.
  public var maxOperations: Int
  /// How deep an operation may reach, and what it puts there with it. Stops a patch from nesting a document, one
  /// level each time, beyond what its readers can take. Default 128, at most 1,024 counts.
  public var maxDepth: Int
  /// The most bytes that `copy` may add, and `move` take to deeper places, in all. Stops 30 operations, each of which copies the whole document
  /// into itself, from making a thousand million of it. Default 64 MiB.
  public var maxCopiedBytes: Int

  /// Makes limits; each has the default of its property.
  public init(maxOperations: Int = 1_000_000, maxDepth: Int = 128, maxCopiedBytes: Int = 64 << 20) {
    self.maxOperations = maxOperations
    self.maxDepth = maxDepth
    self.maxCopiedBytes = maxCopiedBytes
  }

  /// Bounds the recursion over what was opened.
  static let maxDepthThatCounts = 1024
}
