import SynqJSON

/// A pointer of an operation, and the errors that following it may give.
struct PatchPlace {
  let pointer: UnsafeRawBufferPointer
  let operation: Int
  /// The number of tokens.
  let depth: Int

  init(_ pointer: UnsafeRawBufferPointer, _ operation: PatchOperation) {
    self.pointer = pointer
    self.operation = operation.index
    depth = pointer.reduce(0) { $1 == 0x2F ? $0 + 1 : $0 }
  }

  func isSame(as other: PatchPlace) -> Bool { pointer.elementsEqual(other.pointer) }

  /// Whether this place lies within the value at `other`.
  func isInside(_ other: PatchPlace) -> Bool {
    pointer.count > other.pointer.count && pointer[other.pointer.count] == 0x2F
      && pointer.starts(with: other.pointer)
  }

  func error(_ code: PatchError.Code, _ detail: String) -> PatchError {
    PatchError(code, operation: operation, path: pointer.text, detail)
  }

  func noMember(_ token: FlatPointer.Token) -> PatchError {
    error(.notFound, "there is no member \(JSON(PatchError.excerpt(token.string)))")
  }

  /// The index that a token is, for an array of which `count` places exist.
  func index(_ token: FlatPointer.Token, below count: Int) throws(PatchError) -> Int {
    guard let index = token.index else {
      if token.isEnd {
        throw error(.invalidIndex, "- is the place behind the last element, where nothing is")
      }
      let isLarge =
        token.text.count > 18 && token.text.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } && token.text[0] != 0x30
      let text = PatchError.excerpt(token.string)
      if isLarge { throw error(.indexOutOfRange, "the index \(text) is behind the end of the array") }
      throw error(.invalidIndex, "\(JSON(text)) is not an index of an array")
    }
    guard index < count else {
      throw error(.indexOutOfRange, "the index \(index) is behind the end of the array")
    }
    return index
  }

  /// Opens a value that is expected to hold what a token names.
  func opened(_ json: JSON, before token: FlatPointer.Token) throws(PatchError) -> PatchNode {
    guard json.kind == .array || json.kind == .object else { throw scalar(json, token) }
    return PatchNode(json)
  }

  /// The element or the member's value that a token leads to.
  func step(_ json: JSON, _ token: FlatPointer.Token) throws(PatchError) -> JSON {
    if let child = json.step(token) { return child }
    switch json.kind {
    case .object: throw noMember(token)
    case .array:
      _ = try index(token, below: json.count)
      throw error(.notFound, "there is no element \(PatchError.excerpt(token.string))")
    case .null, .boolean, .number, .string: throw scalar(json, token)
    }
  }

  private func scalar(_ json: JSON, _ token: FlatPointer.Token) -> PatchError {
    error(.notAContainer, "\(json.kind.withArticle) has no \(JSON(PatchError.excerpt(token.string)))")
  }
}

extension PatchError {
  /// The start of a text from the patch, so that a message stays a line.
  static func excerpt(_ text: String) -> String {
    text.utf8.count <= 64 ? text : text.prefix(60) + "…"
  }

  /// The start of a value's text.
  static func excerpt(_ json: JSON) -> String {
    json.flatSize <= 4096 ? excerpt(json.description) : "\(json.kind.withArticle) of \(json.flatSize) bytes"
  }
}
