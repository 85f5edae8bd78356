/// Where Redis is: `redis://[user[:password]@]host[:port][/database][?prefix=NAME&ca=FILE]`, or `rediss://` for TLS.
///
/// As redis-cli's `-u` reads it, https://www.iana.org/assignments/uri-schemes/prov/redis; `:password@` without a user is
/// the password of the default user. `prefix` (default `synq`) begins every key and channel, so that two systems can
/// share one Redis; `ca` is a PEM file with the roots that a certificate is checked against, in place of the system's.
package struct RedisURL: Sendable, Hashable, CustomStringConvertible {
  package var host: String
  package var port = 6379
  package var user: String?
  package var password: String?
  package var database = 0
  package var isTLS = false
  package var prefix = "synq"
  package var certificates: String?

  /// Why a text is not a URL of Redis.
  package struct Malformed: Error, Hashable, Sendable {
    /// What is wrong; does not repeat the password.
    package var reason: String
  }

  package init(host: String, port: Int = 6379) {
    self.host = host
    self.port = port
  }

  /// Reads a URL; an error names the part that is wrong.
  package init(_ text: String) throws(Malformed) {
    var rest: Substring
    if text.hasPrefix("redis://") {
      rest = text.dropFirst("redis://".count)
    } else if text.hasPrefix("rediss://") {
      rest = text.dropFirst("rediss://".count)
      isTLS = true
    } else {
      throw Malformed(reason: "does not begin with redis:// or rediss://")
    }
    guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw Malformed(reason: "has a space, a control character or a letter that must be written as %XX")
    }
    if rest.contains("#") { throw Malformed(reason: "has a fragment (#); write %23 in a password") }
    let query = rest.firstIndex(of: "?").map { rest[$0...].dropFirst() }
    rest = rest.prefix { $0 != "?" }
    let path = rest.firstIndex(of: "/").map { rest[$0...].dropFirst() } ?? ""
    let authority = rest.prefix { $0 != "/" }
    host = ""
    if let at = authority.lastIndex(of: "@") {
      try readUser(authority[..<at])
      try readAddress(authority[at...].dropFirst())
    } else {
      try readAddress(authority)
    }
    if !path.isEmpty {
      guard let number = Self.number(path), number <= 1_000_000 else {
        throw Malformed(reason: "the database \"\(path)\" is not a number")
      }
      database = number
    }
    for pair in query?.split(separator: "&") ?? [] { try readOption(pair) }
  }

  private mutating func readUser(_ text: Substring) throws(Malformed) {
    let name = text.prefix { $0 != ":" }
    if name.endIndex < text.endIndex {
      password = try Self.decode(text[name.endIndex...].dropFirst(), "the password")
    }
    user = name.isEmpty ? nil : try Self.decode(name, "the user")
    if user != nil, password == nil { throw Malformed(reason: "has a user without a password") }
  }

  private mutating func readAddress(_ text: Substring) throws(Malformed) {
    var address = text
    var rest: Substring = ""
    if text.hasPrefix("[") {
      guard let end = text.firstIndex(of: "]") else { throw Malformed(reason: "the host has no closing ]") }
      address = text[..<end].dropFirst()
      rest = text[end...].dropFirst()
    } else if let colon = text.firstIndex(of: ":") {
      address = text[..<colon]
      rest = text[colon...]
    }
    host = try Self.decode(address, "the host")
    guard !host.isEmpty else { throw Malformed(reason: "has no host") }
    if !rest.isEmpty {
      guard rest.hasPrefix(":"), let number = Self.number(rest.dropFirst()), (1...65535).contains(number)
      else {
        throw Malformed(reason: "the port \"\(rest.dropFirst())\" is not in 1...65535")
      }
      port = number
    }
  }

  private mutating func readOption(_ pair: Substring) throws(Malformed) {
    let name = pair.prefix { $0 != "=" }
    let value = try Self.decode(pair[name.endIndex...].dropFirst(), "the option \(name)")
    switch name {
    case "prefix":
      // Braces mark what Redis Cluster spreads keys by.
      guard !value.isEmpty, value.utf8.count <= 64, !value.contains(where: { "{}*?[]\\".contains($0) }) else {
        throw Malformed(reason: "the prefix is empty, longer than 64 bytes, or has one of {}*?[]\\")
      }
      prefix = value
    case "ca":
      guard isTLS else { throw Malformed(reason: "the option ca needs rediss://") }
      certificates = value
    default: throw Malformed(reason: "has no option \"\(name)\" (prefix, ca)")
    }
  }

  private static func number(_ text: Substring) -> Int? {
    text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(text) : nil
  }

  private static func decode(_ text: Substring, _ part: String) throws(Malformed) -> String {
    var bytes: [UInt8] = []
    var rest = text.utf8
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      let digits = rest.prefix(2)
      guard digits.count == 2, digits.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }),
        let value = UInt8(String(Substring(digits)), radix: 16)
      else {
        throw Malformed(reason: "\(part) has a % that is not followed by two hexadecimal digits")
      }
      bytes.append(value)
      rest = rest.dropFirst(2)
    }
    guard let decoded = String(validating: bytes, as: UTF8.self) else {
      throw Malformed(reason: "\(part) is not UTF-8")
    }
    return decoded
  }

  /// For logs: without user and password.
  package var description: String {
    let address = host.contains(":") ? "[\(host)]" : host
    return "\(isTLS ? "rediss" : "redis")://\(address):\(port)/\(database)"
  }
}
