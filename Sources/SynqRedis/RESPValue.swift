/// What Redis answers, in the forms that this client needs.
///
/// The two versions of the protocol look the same here: RESP3's maps come as RESP2's lists of names and values, its sets
/// as arrays, its booleans as 1 and 0, its other numbers and strings as their text.
package enum RESPValue: Sendable, Hashable {
  case string([UInt8])
  case integer(Int64)
  case null
  /// An error that Redis answered with; the first word is its kind, as in `WRONGTYPE` or `NOAUTH`.
  case error(String)
  case array([RESPValue])
  /// What comes unasked, as a message of a subscription does.
  case push([RESPValue])

  /// The text of a string; nil for anything else, and for bytes that are not UTF-8.
  package var text: String? {
    if case .string(let bytes) = self { String(validating: bytes, as: UTF8.self) } else { nil }
  }

  /// The bytes of a string.
  package var bytes: [UInt8]? {
    if case .string(let bytes) = self { bytes } else { nil }
  }

  /// An integer, also one that is written as a string.
  package var int64: Int64? {
    switch self {
    case .integer(let value): value
    case .string: text.flatMap { Int64($0) }
    case .null, .error, .array, .push: nil
    }
  }

  /// The elements of an array or a push.
  package var elements: [RESPValue]? {
    switch self {
    case .array(let elements), .push(let elements): elements
    case .string, .integer, .null, .error: nil
    }
  }

  /// The value that follows a name in a list of names and values.
  package subscript(name: String) -> RESPValue? {
    guard let elements else { return nil }
    for index in stride(from: 0, to: elements.count - 1, by: 2) where elements[index].text == name {
      return elements[index + 1]
    }
    return nil
  }
}
