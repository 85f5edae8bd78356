/// Why an edit of a value was not possible, and where. The value is as it was.
public struct JSONEditError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The reason.
  public enum Code: String, Error, Sendable, Hashable, CaseIterable {
    /// The object at the place has no such member.
    case noSuchMember
    /// The array at the place has no such element (for an insertion: it is longer than the array).
    case indexOutOfRange
    /// The token is not an array index: digits without a leading zero, or `-` where something is inserted.
    case invalidIndex
    /// The place is inside of a scalar.
    case notAContainer
    /// Something was to be appended to what is not an array.
    case notAnArray
    /// What was to be incremented is not a number.
    case notANumber
    /// The sum does not fit an `Int64`, or is beyond the range of a double.
    case overflow
    /// A value was to be moved into itself.
    case moveIntoItself
    /// The root cannot be removed or moved.
    case isRoot
    /// The value would exceed 4 GiB.
    case tooLarge
  }

  /// The reason.
  public let code: Code
  /// The place that was not right: the pointer of the edit up to and including the first token that failed.
  public let pointer: JSONPointer

  package init(_ code: Code, at pointer: JSONPointer) {
    self.code = code
    self.pointer = pointer
  }

  /// A sentence for people.
  public var description: String {
    let place = pointer.isRoot ? "the root" : pointer.description
    return switch code {
    case .noSuchMember: "there is no member at \(place)"
    case .indexOutOfRange: "the index at \(place) is out of range"
    case .invalidIndex: "the last token of \(place) is not an array index"
    case .notAContainer: "\(place) is inside of a value that is neither array nor object"
    case .notAnArray: "\(place) is not an array"
    case .notANumber: "\(place) is not a number"
    case .overflow: "the sum at \(place) is out of range"
    case .moveIntoItself: "\(place) is inside of the value that is moved"
    case .isRoot: "the root cannot be removed or moved"
    case .tooLarge: "the value would exceed 4 GiB"
    }
  }
}
