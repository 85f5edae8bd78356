/// What a client may have put into a line of the log, made harmless.
package enum LogText {
  /// The most of one message, and of one value beside it.
  package static let maxBytes = 1_000

  /// The text with escapes for what controls a terminal or ends a line, and cut where it is long: a topic is a client's
  /// word, and must not pass for a line of the log.
  package static func harmless(_ text: String) -> String {
    guard text.utf8.count > maxBytes || text.unicodeScalars.contains(where: isControl) else { return text }
    var harmless = ""
    for scalar in text.unicodeScalars {
      if harmless.utf8.count >= maxBytes {
        return harmless + "… (\(text.utf8.count) bytes)"
      }
      if isControl(scalar) {
        harmless += scalar.escaped(asASCII: true)
      } else {
        harmless.unicodeScalars.append(scalar)
      }
    }
    return harmless
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: true
    default: false
    }
  }
}
