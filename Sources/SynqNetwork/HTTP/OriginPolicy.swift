/// Which pages may connect, by the `Origin` that browsers send. A request without one always may
/// (`wire/upgrade_origin_absent`): it comes from a program, which could claim any origin.
package enum OriginPolicy: Sendable {
  /// Pages of the host that the request's `Host` header names. The default.
  case sameHost
  /// Pages of everywhere: no check.
  case any
  /// Pages of these origins: "https://example.com" (that scheme, that host, its default port),
  /// "https://example.com:8443", "//example.com" (any scheme and port), "//*.example.com" or "*.example.com" (and
  /// its subdomains), "*" (everywhere, as `any`).
  case list([String])
  /// Pages for which the host says yes: `ConnectRequest.originToCheck` has the origin as sent. "null", "file://" and
  /// everything else that names no host is refused before the host is asked. A long-poll client is asked about once,
  /// when its session begins.
  case askHost
}

/// An origin, or a pattern of origins: what is nil matches everything.
struct Origin: Hashable {
  var scheme: String?
  var host: String
  var port: Int?

  /// Reads an `Origin` header. Nil for "null", "file://" and everything else that names no host.
  init?(header: String) {
    self.init(text: header[...])
    guard let scheme else { return nil }
    port = port ?? Self.defaultPort(scheme)
  }

  /// Reads an origin of a host's list.
  init(pattern: String) throws(NetworkError) {
    guard let origin = Origin(text: pattern.hasPrefix("*.") ? "//\(pattern)" : pattern[...]) else {
      throw NetworkError(
        argument: "origin \"\(pattern)\"",
        cause: "expected \"https://example.com\", \"//example.com\" or \"//*.example.com\"")
    }
    self = origin
    if let scheme { port = port ?? Self.defaultPort(scheme) }
  }

  /// scheme ":" "//" host [":" port], the scheme optional, nothing after it but a "/".
  private init?(text: Substring) {
    guard let slashes = text.firstRange(of: "//") else { return nil }
    let scheme = text[..<slashes.lowerBound]
    if scheme.isEmpty {
      self.scheme = nil
    } else {
      guard scheme.last == ":", scheme.count > 1 else { return nil }
      self.scheme = scheme.dropLast().lowercased()
    }
    var authority = text[slashes.upperBound...]
    if authority.last == "/" { authority.removeLast() }
    guard let (host, port) = Self.splitAuthority(authority) else { return nil }
    (self.host, self.port) = (host, port)
  }

  /// Reads "host", "host:port", "[::1]:port"; nil when it is none of them.
  static func splitAuthority(_ authority: Substring) -> (host: String, port: Int?)? {
    var host = authority
    var port: Int?
    let end = authority.lastIndex(of: "]") ?? authority.startIndex
    if let colon = authority[end...].lastIndex(of: ":") {
      guard let number = UInt16(authority[authority.index(after: colon)...]) else { return nil }
      host = authority[..<colon]
      port = Int(number)
    }
    guard !host.isEmpty,
      !host.utf8.contains(where: { $0 <= 0x20 || $0 >= 0x7F || "/?#@\\".utf8.contains($0) })
    else { return nil }
    guard host.first == "[" || !host.contains(":") else { return nil }
    return (host.lowercased(), port)
  }

  private static func defaultPort(_ scheme: String) -> Int? {
    switch scheme {
    case "http", "ws": 80
    case "https", "wss": 443
    default: nil
    }
  }

  /// Whether this pattern admits `origin`.
  func admits(_ origin: Origin) -> Bool {
    if let scheme, scheme != origin.scheme { return false }
    if let port, port != origin.port { return false }
    guard host.hasPrefix("*.") else { return host == origin.host }
    let parent = host.dropFirst(2)
    return origin.host == parent || origin.host.hasSuffix(".\(parent)")
  }
}

/// A checked `OriginPolicy`.
package struct OriginRule: Sendable {
  private let policy: OriginPolicy
  private let patterns: [Origin]

  package init(_ policy: OriginPolicy) throws(NetworkError) {
    var patterns: [Origin] = []
    var policy = policy
    if case .list(let texts) = policy, texts.contains("*") { policy = .any }
    self.policy = policy
    if case .list(let texts) = policy {
      for text in texts { patterns.append(try Origin(pattern: text)) }
    }
    self.patterns = patterns
  }

  /// What a policy says about an origin.
  package enum Verdict: Equatable {
    case allowed
    /// What would have been right, for the log.
    case refused(expected: String)
  }

  /// What `askHost` expects, for the log.
  static let whatHostsAllow = "one that the host allows"

  /// The origin that the host must be asked about.
  package func toAskAbout(_ header: String?) -> String? {
    if case .askHost = policy { header } else { nil }
  }

  /// Whether a page may connect, as far as that can be said without the host.
  package func judge(origin header: String?, host: String?) -> Verdict {
    guard let header else { return .allowed }
    let origin = Origin(header: header)
    switch policy {
    case .any: return .allowed
    case .sameHost:
      let expected = host.flatMap { Origin.splitAuthority($0[...]) }?.host
      guard let origin, let expected, origin.host == expected else {
        return .refused(expected: "//\(expected ?? "the host of the Host header")")
      }
    case .list(let texts):
      guard let origin, patterns.contains(where: { $0.admits(origin) }) else {
        return .refused(expected: texts.joined(separator: ", "))
      }
    case .askHost:
      guard origin != nil else { return .refused(expected: Self.whatHostsAllow) }
    }
    return .allowed
  }
}
