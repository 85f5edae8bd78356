/// Gives out the `phx_ref` of each meta: 16 characters, never the same twice, also among processes.
///
/// Phoenix's are 12 bytes in base64url, and so are these: 6 that tell the processes apart, 6 that count.
package struct PresenceRefs: Sendable {
  private let process: UInt64
  private var count: UInt64 = 0

  /// - Parameter process: of it the low 48 bits tell this process from others: take them at random.
  package init(process: UInt64) { self.process = process }

  /// A ref that was not given before.
  package mutating func next() -> String {
    count &+= 1
    var text = ""
    text.reserveCapacity(16)
    for number in [process, count] {
      for shift in stride(from: 42, through: 0, by: -6) {
        let digit = Int(truncatingIfNeeded: (number >> UInt64(shift)) & 0x3F)
        text.unicodeScalars.append(Unicode.Scalar(Self.alphabet[digit]))
      }
    }
    return text
  }

  /// RFC 4648, section 5.
  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
}
