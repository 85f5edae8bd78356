/// The host names under which pages may reach a server, by the `Host` field of their requests.
///
/// Stops DNS rebinding: a page of `http://evil.example` whose name is then given the address 127.0.0.1 has an `Origin` and a
/// `Host` that agree, and both are the page's choice.
package struct HostRule: Sendable {
  private enum Names {
    case any
    /// Names and addresses of this machine's own, and this one.
    case loopback(String)
    case list([String])
  }

  private let names: Names

  /// - Parameters:
  ///   - allowed: "example.com", "*.example.com" (and its subdomains), an address, or "*" for any name. Nil: those of
  ///     loopback where the server listens on loopback, else any.
  ///   - address: what the server listens on.
  package init(_ allowed: [String]?, listeningOn address: String) throws(NetworkError) {
    if let allowed {
      var list: [String] = []
      for name in allowed {
        guard name == "*" || Self.isName(Self.authority(name)) else {
          throw NetworkError(
            argument: "allowed host \"\(name)\"",
            cause: "expected a name without a port, or \"*.example.com\"")
        }
        list.append(Self.authority(name).lowercased())
      }
      names = list.contains("*") ? .any : .list(list)
    } else {
      let own = Self.authority(address).lowercased()
      names = Self.isLoopback(own) ? .loopback(own) : .any
    }
  }

  private static func isName(_ text: String) -> Bool {
    guard let (name, port) = Origin.splitAuthority(text[...]) else { return false }
    return port == nil && name.utf8.count == text.utf8.count
  }

  /// An IPv6 address as it stands in a URL (RFC 3986, section 3.2.2).
  private static func authority(_ name: String) -> String {
    let colons = name.utf8.count { $0 == UInt8(ascii: ":") }
    return colons > 1 && !name.hasPrefix("[") ? "[\(name)]" : name
  }

  /// Whether pages may reach the server under the name of this `Host` field.
  func admits(_ host: String?) -> Bool {
    if case .any = names { return true }
    guard let host, let (name, _) = Origin.splitAuthority(host[...]) else { return false }
    switch names {
    case .any: return true
    case .loopback(let own): return name == own || Self.isLoopback(name)
    case .list(let list): return list.contains { Self.matches(name, $0) }
    }
  }

  /// What is admitted, for the log.
  var expected: String {
    switch names {
    case .any: "any name"
    case .loopback: "localhost or an address of loopback (see the setting allowed_hosts)"
    case .list(let list): "\(list.joined(separator: ", ")) (the setting allowed_hosts)"
    }
  }

  private static func matches(_ name: String, _ pattern: String) -> Bool {
    guard pattern.hasPrefix("*.") else { return name == pattern }
    let parent = pattern.dropFirst(2)
    return name == parent || name.hasSuffix(".\(parent)")
  }

  /// Names that lead to this machine whatever a name server says (RFC 6761, section 6.3), and its addresses.
  private static func isLoopback(_ name: String) -> Bool {
    if name == "localhost" || name.hasSuffix(".localhost") || name == "[::1]" { return true }
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }
}
