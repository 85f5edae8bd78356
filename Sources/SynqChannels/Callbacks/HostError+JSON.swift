import SynqJSON

extension HostError {
  /// A text that should be JSON. `argument` is its name in the host's call.
  public init(parsing error: JSONError, argument: String) {
    self.init(.json, "\(argument): \(error)")
  }

  /// A text that should be a JSON Pointer.
  public init(pointer error: JSONPointerError, in text: String, argument: String = "pointer") {
    self.init(.pointer, "\(argument): \"\(text)\": \(error)")
  }

  /// An edit that its value does not allow.
  init(editing error: JSONEditError, at pointer: JSONPointer) {
    let code: Code =
      switch error.code {
      case .noSuchMember, .indexOutOfRange: .notFound
      case .invalidIndex, .isRoot: .pointer
      case .notAContainer, .notAnArray, .notANumber: .type
      case .overflow: .range
      case .moveIntoItself: .invalidArgument
      case .tooLarge: .limit
      }
    // The error's own place begins within the assign.
    let place =
      pointer.tokens.first.map { JSONPointer(tokens: [$0]).description + error.pointer.description } ?? ""
    let whole = place == pointer.description ? "" : "\(pointer): "
    self.init(code, "pointer: \(whole)\(place): \(error.code.reason)")
  }
}

extension JSONEditError.Code {
  fileprivate var reason: String {
    switch self {
    case .noSuchMember: "there is no such member"
    case .indexOutOfRange: "the index is out of range"
    case .invalidIndex: "the last token is no array index"
    case .notAContainer: "it is inside of a value that is neither array nor object"
    case .notAnArray: "it is no array"
    case .notANumber: "it is no number"
    case .overflow: "the sum is out of range"
    case .moveIntoItself: "it is inside of the value that is moved"
    case .isRoot: "it is no place in an array"
    case .tooLarge: "the value would exceed 4 GiB"
    }
  }
}
