import Logging

/// How often lines of one kind are written: a burst, then so many a second; the rest is counted and summed up.
///
/// Stops clients from making the log as large as they like, by origins that are refused or callbacks that crash.
struct LogRates {
  /// Lines of one kind at once.
  static let burst = 50.0
  /// Lines of one kind a second after that.
  static let perSecond = 10.0
  /// Kinds that are told apart. What is beyond them shares one.
  private static let maxKinds = 256
  /// A kind is the beginning of a message, up to the first value in it.
  private static let maxKindBytes = 64

  private struct Kind {
    var tokens = LogRates.burst
    var filledAt: UInt64
    var leftOut = 0
    var level: Logger.Level
  }

  // canonical: beginnings of lines are counted, and two that look alike may share a rate.
  private var kinds: [String: Kind] = [:]

  enum Verdict: Equatable {
    /// To be written, after a line that says how many like it were not.
    case written(leftOut: Int)
    case leftOut
  }

  /// Counts a line at `now`, in nanoseconds of a clock that only goes forward.
  mutating func count(_ message: String, _ level: Logger.Level, now: UInt64) -> Verdict {
    guard level >= .info else { return .written(leftOut: 0) }
    var name = Self.kind(of: message)
    if kinds[name] == nil, kinds.count >= Self.maxKinds { name = "" }
    var kind = kinds[name] ?? Kind(filledAt: now, level: level)
    kind.tokens = min(
      Self.burst, kind.tokens + Double(now - min(kind.filledAt, now)) / 1e9 * Self.perSecond)
    kind.filledAt = now
    defer { kinds[name] = kind }
    guard kind.tokens >= 1 else {
      kind.leftOut += 1
      return .leftOut
    }
    kind.tokens -= 1
    defer { kind.leftOut = 0 }
    return .written(leftOut: kind.leftOut)
  }

  /// Whether something was left out that no line has told of.
  var owesSums: Bool { kinds.values.contains { $0.leftOut > 0 } }

  /// A line for each kind of which some were left out, and none came since.
  mutating func sums() -> [(level: Logger.Level, text: String)] {
    var lines: [(level: Logger.Level, text: String)] = []
    for (name, kind) in kinds where kind.leftOut > 0 {
      lines.append((kind.level, Self.sum(kind.leftOut, name)))
      kinds[name]?.leftOut = 0
    }
    return lines
  }

  static func sum(_ count: Int, _ kind: String) -> String {
    "\(count) more lines were left out that begin with: \(kind)"
  }

  static func kind(of message: String) -> String {
    let end = message.utf8.prefix(maxKindBytes).firstIndex { byte in
      byte == UInt8(ascii: "\"") || (0x30...0x39).contains(byte)
    }
    let bytes = message.utf8[
      ..<(end ?? message.utf8.index(message.startIndex, offsetBy: min(maxKindBytes, message.utf8.count)))]
    return String(decoding: bytes, as: UTF8.self)
  }
}
