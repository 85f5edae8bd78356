/// A version of the Phoenix serialisation, negotiated by the query parameter `vsn`.
package enum Serializer: Sendable, Hashable {
  /// JSON objects with topic, event, payload and ref (`vsn=1.0.0`, or no `vsn`).
  case v1
  /// JSON arrays of join_ref, ref, topic, event and payload, and a binary form (`vsn=2.0.0`).
  case v2

  /// The serializer for the value of `vsn`, or nil when it must be refused with 403.
  ///
  /// Source: `wire/upgrade_vsn_*`: a missing `vsn` is 1.0.0; versions are matched as `~> 1.0.0` and `~> 2.0.0`.
  package init?(vsn: String?) {
    guard let vsn else {
      self = .v1
      return
    }
    let parts = vsn.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[1] == "0", parts[2].allSatisfy(\.isASCIIDigit),
      parts[2] == "0" || !parts[2].isEmpty && parts[2].first != "0"
    else { return nil }
    switch parts[0] {
    case "1": self = .v1
    case "2": self = .v2
    default: return nil
    }
  }
}

extension Character {
  fileprivate var isASCIIDigit: Bool { self >= "0" && self <= "9" }
}
