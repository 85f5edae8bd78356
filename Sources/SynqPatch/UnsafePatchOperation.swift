@_spi(Flat) import SynqJSON

/// One operation of a patch, its members checked. The texts lie in the memory of the patch.
struct PatchOperation {
  enum Kind {
    case add, remove, replace, move, copy, test
  }

  let kind: Kind
  let index: Int
  let path: UnsafeRawBufferPointer
  /// Empty where the operation has none.
  let from: UnsafeRawBufferPointer
  /// Null where the operation has none.
  let value: JSON

  /// Reads an element of a patch. Members that the operation does not know are ignored (RFC 6902, 4).
  init(_ json: JSON, index: Int) throws(PatchError) {
    self.index = index
    guard json.kind == .object else {
      throw PatchError(
        .notAnOperation, operation: index, "an operation is an object, not \(json.kind.withArticle)")
    }
    guard let name = json["op"] else {
      throw PatchError(.invalidMember, operation: index, "the member op is missing")
    }
    switch name.stringValue {
    case "add": kind = .add
    case "remove": kind = .remove
    case "replace": kind = .replace
    case "move": kind = .move
    case "copy": kind = .copy
    case "test": kind = .test
    case let other?:
      throw PatchError(.unknownOperation, operation: index, "there is no operation \(other.prefix(64))")
    case nil:
      throw PatchError(
        .invalidMember, operation: index, "the member op is \(name.kind.withArticle), not a string")
    }
    path = try Self.pointer("path", in: json, index)
    switch kind {
    case .add, .replace, .test:
      guard let value = json["value"] else {
        throw PatchError(.invalidMember, operation: index, path: path.text, "the member value is missing")
      }
      self.value = value
      from = UnsafeRawBufferPointer(start: nil, count: 0)
    case .move, .copy:
      from = try Self.pointer("from", in: json, index)
      value = .null
    case .remove:
      from = UnsafeRawBufferPointer(start: nil, count: 0)
      value = .null
    }
  }

  private static func pointer(
    _ name: String, in json: JSON, _ index: Int
  ) throws(PatchError) -> UnsafeRawBufferPointer {
    guard let member = json[name] else {
      throw PatchError(.invalidMember, operation: index, "the member \(name) is missing")
    }
    guard member.kind == .string else {
      throw PatchError(
        .invalidMember, operation: index, "the member \(name) is \(member.kind.withArticle), not a string")
    }
    // Valid as long as the patch is, which outlives its operations.
    let text = member.withFlatBytes { $0.baseAddress.map { FlatLayout.text($0) } }
    guard let text else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    if let error = FlatPointer.check(text) {
      throw PatchError(.invalidPointer, operation: index, path: text.text, "\(error)")
    }
    return text
  }
}

extension UnsafeRawBufferPointer {
  /// The bytes as a string.
  var text: String { String(decoding: self, as: UTF8.self) }
}
