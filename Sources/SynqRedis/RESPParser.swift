/// Reads replies of Redis out of bytes that come in pieces. Pure: no socket, no clock.
///
/// Both RESP2 and RESP3 are read: https://redis.io/docs/latest/develop/reference/protocol-spec. A piece is looked at once,
/// however small the pieces are. After an error the parser is of no more use: the connection must be closed.
package struct RESPParser: Sendable {
  /// What a reply may be; beyond it the peer is not Redis, or something between is broken.
  package struct Limits: Sendable {
    /// Bytes of one string. Default 512 MB, Redis's own `proto-max-bulk-len`.
    package var maxStringBytes = 512 * 1024 * 1024
    /// Elements of one array, before its members are read. Default a million.
    package var maxElements = 1_000_000
    /// Arrays in arrays. Default 16; Redis nests less than half as deep.
    package var maxDepth = 16
    /// Bytes of one line: a number, an error. Default 64 KB.
    package var maxLineBytes = 64 * 1024

    package init() {}
  }

  /// Why bytes are not a reply.
  package struct Malformed: Error, Hashable, Sendable {
    package var reason: String
  }

  private enum Form {
    case array
    case push
    /// Tells about the reply that follows it, and is left out.
    case attribute
  }

  private struct OpenArray {
    var form: Form
    var missing: Int
    var elements: [RESPValue] = []
  }

  private enum StringForm {
    case plain
    case error
    /// Three letters of a format and a colon come first.
    case verbatim
  }

  private let limits: Limits
  private var bytes: [UInt8] = []
  /// Where what was not read yet begins.
  private var start = 0
  /// How far the end of the current line was looked for.
  private var searched = 0
  private var open: [OpenArray] = []
  /// A string whose length was read and whose bytes are not all here.
  private var string: (form: StringForm, count: Int)?

  package init(limits: Limits = Limits()) { self.limits = limits }

  /// Takes the next bytes.
  package mutating func append(_ more: some Sequence<UInt8>) {
    if start == bytes.count {
      bytes.removeAll(keepingCapacity: bytes.capacity <= 64 * 1024)
      (start, searched) = (0, 0)
    } else if start > 64 * 1024, start > bytes.count / 2 {
      bytes.removeFirst(start)
      searched -= start
      start = 0
    }
    bytes.append(contentsOf: more)
  }

  /// The next whole reply; nil when more bytes are needed.
  package mutating func next() throws(Malformed) -> RESPValue? {
    while true {
      var value: RESPValue?
      if let (form, count) = string {
        guard bytes.count - start >= count + 2 else { return nil }
        value = try takeString(form, count)
      } else {
        guard let line = try takeLine() else { return nil }
        value = try read(line)
      }
      guard let value else { continue }
      if let whole = close(with: value) { return whole }
    }
  }

  /// A line without its end; nil when it is not whole yet.
  private mutating func takeLine() throws(Malformed) -> Range<Int>? {
    searched = max(searched, start)
    guard let end = bytes[searched...].firstIndex(of: UInt8(ascii: "\n")) else {
      searched = bytes.count
      if bytes.count - start > limits.maxLineBytes { throw Malformed(reason: "a line is too long") }
      return nil
    }
    guard end > start, bytes[end - 1] == UInt8(ascii: "\r"), end - start <= limits.maxLineBytes else {
      throw Malformed(reason: "a line does not end as it must")
    }
    defer { start = end + 1 }
    guard start < end - 1 else { throw Malformed(reason: "an empty line") }
    return start..<end - 1
  }

  /// What a line says; nil when it begins something that goes on.
  private mutating func read(_ line: Range<Int>) throws(Malformed) -> RESPValue? {
    let rest = line.dropFirst()
    switch bytes[line.lowerBound] {
    case UInt8(ascii: "+"), UInt8(ascii: ","), UInt8(ascii: "("): return .string(Array(bytes[rest]))
    case UInt8(ascii: "-"): return .error(text(rest))
    case UInt8(ascii: ":"): return .integer(try integer(rest))
    case UInt8(ascii: "_"): return .null
    case UInt8(ascii: "#"):
      switch text(rest) {
      case "t": return .integer(1)
      case "f": return .integer(0)
      default: throw Malformed(reason: "a boolean is neither t nor f")
      }
    case UInt8(ascii: "$"): return try openString(.plain, rest)
    case UInt8(ascii: "!"): return try openString(.error, rest)
    case UInt8(ascii: "="): return try openString(.verbatim, rest)
    case UInt8(ascii: "*"), UInt8(ascii: "~"): return try openArray(.array, rest, each: 1)
    case UInt8(ascii: "%"): return try openArray(.array, rest, each: 2)
    case UInt8(ascii: "|"): return try openArray(.attribute, rest, each: 2)
    case UInt8(ascii: ">"): return try openArray(.push, rest, each: 1)
    default: throw Malformed(reason: "no reply begins with the byte \(bytes[line.lowerBound])")
    }
  }

  private mutating func openString(_ form: StringForm, _ rest: Range<Int>) throws(Malformed) -> RESPValue? {
    let count = try integer(rest)
    // RESP2's null.
    if count == -1 { return .null }
    guard count >= 0, count <= limits.maxStringBytes else {
      throw Malformed(reason: "a string of \(count) bytes")
    }
    string = (form, Int(count))
    return nil
  }

  private mutating func openArray(_ form: Form, _ rest: Range<Int>, each: Int) throws(Malformed) -> RESPValue?
  {
    let count = try integer(rest)
    if count == -1, form == .array { return .null }
    guard count >= 0, count <= limits.maxElements else {
      throw Malformed(reason: "an array of \(count) elements")
    }
    guard form != .push || open.isEmpty else { throw Malformed(reason: "a push within a reply") }
    if count == 0 {
      switch form {
      case .array: return .array([])
      case .push: return .push([])
      case .attribute: return nil
      }
    }
    guard open.count < limits.maxDepth else { throw Malformed(reason: "arrays are nested too deep") }
    open.append(OpenArray(form: form, missing: Int(count) * each))
    return nil
  }

  private mutating func takeString(_ form: StringForm, _ count: Int) throws(Malformed) -> RESPValue {
    let end = start + count
    guard bytes[end] == UInt8(ascii: "\r"), bytes[end + 1] == UInt8(ascii: "\n") else {
      throw Malformed(reason: "a string is longer than it said")
    }
    defer {
      string = nil
      start = end + 2
    }
    switch form {
    case .plain: return .string(Array(bytes[start..<end]))
    case .error: return .error(text(start..<end))
    case .verbatim:
      guard count >= 4, bytes[start + 3] == UInt8(ascii: ":") else {
        throw Malformed(reason: "a verbatim string without a format")
      }
      return .string(Array(bytes[start + 4..<end]))
    }
  }

  /// Puts a value into the array that waits for it; the whole reply, when it was the last.
  private mutating func close(with value: RESPValue) -> RESPValue? {
    var value = value
    while let last = open.indices.last {
      open[last].elements.append(value)
      open[last].missing -= 1
      if open[last].missing > 0 { return nil }
      let array = open.removeLast()
      switch array.form {
      case .array: value = .array(array.elements)
      case .push: value = .push(array.elements)
      case .attribute: return nil
      }
    }
    return value
  }

  private func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }

  private func integer(_ range: Range<Int>) throws(Malformed) -> Int64 {
    guard range.count <= 20, let value = Int64(text(range)) else {
      throw Malformed(reason: "\"\(text(range.prefix(20)))\" is not an integer")
    }
    return value
  }
}
