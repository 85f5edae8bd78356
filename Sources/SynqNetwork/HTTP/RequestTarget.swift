import SynqJSON

/// What a request asks for: the path's segments and the query, both decoded.
struct RequestTarget {
  /// The path's segments without the empty ones: "/a//b/" is a, b, as Plug reads it.
  var segments: [String]
  /// Whether the path ends in "/".
  var endsInSlash: Bool
  /// The query's pairs in order.
  var query: [(name: String, value: String)]

  /// How many pairs a query may have. Stops a request of a few kilobytes from costing much work before it is known who
  /// sends it. No page needs as many.
  static let maxPairs = 1_000

  /// Reads a request target in origin form, or absolute form as proxies send it (RFC 9112, section 3.2).
  ///
  /// Nil when it is neither, when what it encodes is not UTF-8 (Plug answers 400 too), or when its query has more than
  /// `maxPairs`. A `%` that begins no escape stays as it is (`wire/upgrade_bad_query`).
  init?(_ text: String) {
    var rest = Substring(text)
    if !rest.hasPrefix("/") {
      guard let scheme = rest.firstRange(of: "://") else { return nil }
      rest = rest[scheme.upperBound...]
      rest = rest.firstIndex(where: { $0 == "/" || $0 == "?" }).map { rest[$0...] } ?? "/"
    }
    let mark = rest.firstIndex(of: "?")
    let path = rest[..<(mark ?? rest.endIndex)]
    endsInSlash = path.last == "/"
    encodedSegments = path.split(separator: "/")
    segments = []
    for part in encodedSegments {
      guard let segment = percentDecoded(part.utf8, plusIsSpace: false) else { return nil }
      segments.append(segment)
    }
    query = []
    guard let mark else { return }
    for pair in rest[rest.index(after: mark)...].split(separator: "&") {
      guard query.count < Self.maxPairs else { return nil }
      let equals = pair.firstIndex(of: "=")
      guard let name = percentDecoded(pair[..<(equals ?? pair.endIndex)].utf8, plusIsSpace: true),
        let value = percentDecoded(
          (equals.map { pair[pair.index(after: $0)...] } ?? "").utf8, plusIsSpace: true)
      else { return nil }
      query.append((name, value))
    }
  }

  /// The path as it came with one "/" between segments and at its end: a place on this server, whatever it says.
  var withSlash: String { encodedSegments.reduce("/") { $0 + $1 + "/" } }

  private var encodedSegments: [Substring]

  /// The last value that the query gives for `name`.
  func value(of name: String) -> String? {
    query.last { $0.name == name }?.value
  }
}

/// Decodes percent escapes; nil when the result is not UTF-8.
func percentDecoded(_ text: Substring.UTF8View, plusIsSpace: Bool) -> String? {
  var bytes: [UInt8] = []
  bytes.reserveCapacity(text.count)
  var index = text.startIndex
  while index < text.endIndex {
    let byte = text[index]
    index = text.index(after: index)
    if byte == UInt8(ascii: "%") {
      let escape = text[index...].prefix(2)
      if escape.count == 2, let high = hexValue(escape[escape.startIndex]),
        let low = hexValue(escape[escape.index(after: escape.startIndex)])
      {
        bytes.append(high << 4 | low)
        index = text.index(index, offsetBy: 2)
        continue
      }
    }
    bytes.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
  }
  return String(validating: bytes, as: UTF8.self)
}

private func hexValue(_ byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
  default: nil
  }
}
