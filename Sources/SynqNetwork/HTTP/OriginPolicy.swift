/// Which pages may connect, by the `Origin` that browsers send. A request without one always may
/// (`wire/upgrade_origin_absent`): it comes from a program, which could claim any origin.
package enum OriginPolicy: Sendable {
  /// Pages of the host and port that the request's `Host` field names, which must be one of
  /// `NetworkConfiguration.allowedHosts`. The default.
  case sameHost
  /// Pages of everywhere: no check.
  case any
  /// Pages of these origins: "https://example.com" (that scheme, that host, its default port),
  /// "https://example.com:8443", "//example.com" (http and https, any port), "//*.example.com" or "*.example.com" (and
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

  /// Reads an `Origin` header. Nil for "null", "file://" and everything else that names no host, and for what no page can
  /// have: `javascript://localhost` is a script with a comment.
  init?(header: String) {
    self.init(text: header[...])
    guard let scheme, !Self.neverOrigins.contains(scheme) else { return nil }
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

  /// Schemes whose URLs name no host, or have an origin of another's.
  // canonical: none of them has a letter that another character is.
  private static let neverOrigins: Set<String> = ["javascript", "data", "file", "about", "blob", "vbscript"]

  /// Whether it is an origin of the web, as pages from servers have.
  var isWeb: Bool { scheme == "http" || scheme == "https" }

  /// scheme ":" "//" host [":" port], the scheme optional, nothing after it but a "/".
  private init?(text: Substring) {
    guard let slashes = text.firstRange(of: "//") else { return nil }
    let scheme = text[..<slashes.lowerBound]
    if scheme.isEmpty {
      self.scheme = nil
    } else {
      guard scheme.last == ":", Self.isScheme(scheme.dropLast().utf8) else { return nil }
      self.scheme = scheme.dropLast().lowercased()
    }
    var authority = text[slashes.upperBound...]
    if authority.last == "/" { authority.removeLast() }
    guard let (host, port) = Self.splitAuthority(authority) else { return nil }
    (self.host, self.port) = (host, port)
  }

  /// RFC 3986, section 3.1.
  private static func isScheme(_ text: Substring.UTF8View) -> Bool {
    guard let first = text.first, isLetter(first) else { return false }
    return text.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) || "+-.".utf8.contains($0) }
  }

  private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }

  /// Reads "host", "host:port", "[::1]:port" (RFC 3986, section 3.2, without a user); nil when it is none of them. A colon
  /// with no port behind it is as good as none.
  static func splitAuthority(_ authority: Substring) -> (host: String, port: Int?)? {
    var host = authority
    var port: Int?
    let end = authority.lastIndex(of: "]") ?? authority.startIndex
    if let colon = authority[end...].lastIndex(of: ":") {
      let digits = authority[authority.index(after: colon)...]
      if !digits.isEmpty {
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt16(digits) else {
          return nil
        }
        port = Int(number)
      }
      host = authority[..<colon]
    }
    guard isHost(host) else { return nil }
    return (host.lowercased(), port)
  }

  /// A name or an IPv4 address, or an IPv6 address in brackets.
  private static func isHost(_ host: Substring) -> Bool {
    guard !host.isEmpty else { return false }
    if host.first == "[" {
      let inner = host.dropFirst().dropLast()
      return host.last == "]" && inner.utf8.contains(UInt8(ascii: ":"))
        && inner.utf8.allSatisfy { isHexDigit($0) || ":.".utf8.contains($0) }
    }
    return !host.utf8.contains { $0 <= 0x20 || $0 >= 0x7F || "/?#@\\:[]".utf8.contains($0) }
  }

  private static func isHexDigit(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte | 0x20)
  }

  /// The port of a URL that names none.
  static func defaultPort(_ scheme: String) -> Int? {
    switch scheme {
    case "http", "ws": 80
    case "https", "wss": 443
    default: nil
    }
  }

  /// Whether this pattern admits `origin`.
  func admits(_ origin: Origin) -> Bool {
    if let scheme { if scheme != origin.scheme { return false } } else if !origin.isWeb { return false }
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
  private let hosts: HostRule

  /// - Parameter hosts: under which names pages of the server's own may reach it.
  package init(_ policy: OriginPolicy, hosts: HostRule) throws(NetworkError) {
    self.hosts = hosts
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
  ///
  /// - Parameter pagesSayOrigin: whether a browser sends `Origin` with every request of this kind. It does not where a page
  ///   polls its own server: then `Host` alone tells that page from one of a rebound name.
  package func judge(origin header: String?, host: String?, pagesSayOrigin: Bool = true) -> Verdict {
    guard let header else {
      guard case .sameHost = policy, !pagesSayOrigin, !hosts.admits(host) else { return .allowed }
      return .refused(expected: "a request to \(hosts.expected)")
    }
    let origin = Origin(header: header)
    switch policy {
    case .any: return .allowed
    case .sameHost:
      guard hosts.admits(host) else { return .refused(expected: "a request to \(hosts.expected)") }
      guard let (name, port) = host.flatMap({ Origin.splitAuthority($0[...]) }) else {
        return .refused(expected: "//the host of the Host header")
      }
      guard let origin, origin.isWeb, origin.host == name,
        origin.port == port ?? Origin.defaultPort(origin.scheme ?? "")
      else { return .refused(expected: "//\(name)\(port.map { ":\($0)" } ?? "")") }
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
