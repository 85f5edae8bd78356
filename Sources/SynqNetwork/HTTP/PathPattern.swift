import SynqJSON

/// A path of a route: literal segments, and `:name` segments that match any one and give it a name.
struct PathPattern {
  enum Segment {
    case literal(String)
    case parameter(String)
  }

  private let segments: [Segment]

  /// Reads a pattern such as "/socket/websocket" or "/path/custom/:id/ws".
  init(_ text: String) throws(NetworkError) {
    func refused(_ cause: String) -> NetworkError { NetworkError(argument: "path \"\(text)\"", cause: cause) }
    guard text.hasPrefix("/") else { throw refused("a path begins with \"/\"") }
    guard !text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) else {
      throw refused("a path has no space or control character")
    }
    guard !text.contains("?"), !text.contains("#") else { throw refused("a path has no \"?\" or \"#\"") }
    var names: Set<NameKey> = []
    var segments: [Segment] = []
    for part in text.split(separator: "/") {
      guard part != ".", part != ".." else { throw refused("a path has no \".\" or \"..\"") }
      guard part.first == ":" else {
        segments.append(.literal(String(part)))
        continue
      }
      let name = String(part.dropFirst())
      guard !name.isEmpty, name.utf8.allSatisfy(Self.isNameByte) else {
        throw refused("the name of \"\(part)\" is not made of letters, digits and _")
      }
      guard names.insert(NameKey(name)).inserted else { throw refused("\"\(part)\" comes twice") }
      segments.append(.parameter(name))
    }
    self.segments = segments
  }

  /// The segments when none is a parameter.
  var literals: [String]? {
    var literals: [String] = []
    for segment in segments {
      guard case .literal(let literal) = segment else { return nil }
      literals.append(literal)
    }
    return literals
  }

  /// The parameters when `path` (its decoded segments) matches, else nil.
  func match(_ path: [String]) -> [(name: String, value: String)]? {
    guard path.count == segments.count else { return nil }
    var parameters: [(name: String, value: String)] = []
    for (segment, value) in zip(segments, path) {
      switch segment {
      case .literal(let literal): guard literal == value else { return nil }
      case .parameter(let name): parameters.append((name, value))
      }
    }
    return parameters
  }

  /// Whether every path that matches one matches the other too: two routes that cannot be told apart.
  func isSame(as other: PathPattern) -> Bool {
    guard segments.count == other.segments.count else { return false }
    return zip(segments, other.segments).allSatisfy { mine, theirs in
      switch (mine, theirs) {
      case (.literal(let a), .literal(let b)): a == b
      case (.parameter, .parameter): true
      case (.literal, .parameter), (.parameter, .literal): false
      }
    }
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
      true
    default: false
    }
  }
}
