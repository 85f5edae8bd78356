/// What was agreed on for the compression of one connection (RFC 7692, section 7.1).
package struct CompressionTerms: Equatable {
  var serverTakesContext: Bool
  var clientTakesContext: Bool
  /// The window that the server compresses with, 9…15 bits.
  var serverWindowBits: Int32 = 15
  /// In the answer only when the client offered it; inflating takes any window.
  var clientWindowBits: Int?

  /// The value of `Sec-WebSocket-Extensions` in the answer (`wire/upgrade_compress`).
  package var answer: String {
    var text = "permessage-deflate"
    if !serverTakesContext { text += ";server_no_context_takeover" }
    if !clientTakesContext { text += ";client_no_context_takeover" }
    if serverWindowBits < 15 { text += ";server_max_window_bits=\(serverWindowBits)" }
    if let clientWindowBits { text += ";client_max_window_bits=\(clientWindowBits)" }
    return text
  }

  /// Agrees on the first offer of `headers` that can be met; nil when none can, and the connection is not compressed.
  package static func agree(on headers: [String], _ options: CompressionOptions) -> CompressionTerms? {
    for offer in headers.joined(separator: ",").split(separator: ",") {
      if let terms = CompressionTerms(offer: offer, options) { return terms }
    }
    return nil
  }

  private init?(offer: Substring, _ options: CompressionOptions) {
    var parts = offer.split(separator: ";", omittingEmptySubsequences: false).map { $0.trimmingSpaces }
    guard parts.removeFirst() == "permessage-deflate" else { return nil }
    serverTakesContext = options.contextTakeover
    clientTakesContext = options.contextTakeover
    // canonical: a name that is not one of the four below refuses the offer.
    var seen: Set<Substring> = []
    for part in parts {
      let equals = part.firstIndex(of: "=")
      let name = part[..<(equals ?? part.endIndex)].trimmingSpaces
      var value = equals.map { part[part.index(after: $0)...].trimmingSpaces }
      if let quoted = value, quoted.count >= 2, quoted.first == "\"", quoted.last == "\"" {
        value = quoted.dropFirst().dropLast()
      }
      guard seen.insert(name).inserted else { return nil }
      switch (name, value) {
      case ("server_no_context_takeover", nil): serverTakesContext = false
      case ("client_no_context_takeover", nil): clientTakesContext = false
      case ("client_max_window_bits", nil): clientWindowBits = 15
      case ("client_max_window_bits", let value?):
        guard let bits = Self.bits(value) else { return nil }
        clientWindowBits = bits
      case ("server_max_window_bits", let value?):
        // zlib makes no raw stream with a window of 8 bits.
        guard let bits = Self.bits(value), bits > 8 else { return nil }
        serverWindowBits = Int32(bits)
      default: return nil
      }
    }
  }

  /// A window of 8 to 15 bits, written without a leading zero.
  private static func bits(_ text: Substring) -> Int? {
    guard let bits = Int(text), (8...15).contains(bits), text.first != "0", text.first != "+" else {
      return nil
    }
    return bits
  }
}

extension Substring {
  fileprivate var trimmingSpaces: Substring {
    var trimmed = self[...]
    while trimmed.first == " " || trimmed.first == "\t" { trimmed.removeFirst() }
    while trimmed.last == " " || trimmed.last == "\t" { trimmed.removeLast() }
    return trimmed
  }
}
