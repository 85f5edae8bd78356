import Glibc
import Logging
import Synchronization
import Testing

@testable import SynqServer

/// A log that blocks, or is flooded, keeps nobody from work and does not grow without bound.
@Suite(.timeLimit(.minutes(1))) struct LogTests {
  /// A sink that takes lines when it is let.
  private final class Sink: Sendable {
    private struct State {
      var lines: [String] = []
      var isHeld = false
    }

    private let state = Mutex(State())

    var lines: [String] { state.withLock { $0.lines } }

    func hold(_ isHeld: Bool) { state.withLock { $0.isHeld = isHeld } }

    func take(_ line: LogLine) {
      while state.withLock({ $0.isHeld }) { Thread.yield() }
      state.withLock { $0.lines.append(line.message) }
    }

    private enum Thread {
      static func yield() { _ = sched_yield() }
    }
  }

  private static func line(_ message: String, _ level: Logger.Level = .warning) -> LogLine {
    LogLine(level: level, message: message, metadata: [:], source: "", file: "", function: "", line: 0)
  }

  @Test func linesComeInTheirOrder() {
    let sink = Sink()
    let queue = LogQueue { sink.take($0) }
    let expected = (0..<40).map { "line \($0)" }
    for text in expected { queue.add(Self.line(text)) }
    queue.end(mustEnd: true)
    #expect(sink.lines == expected)
  }

  @Test func whatComesAfterTheEndIsWrittenAtOnce() {
    let sink = Sink()
    let queue = LogQueue { sink.take($0) }
    queue.end(mustEnd: true)
    queue.add(Self.line("late"))
    #expect(sink.lines == ["late"])
  }

  /// Nobody waits for a sink that hangs, and what waits for it has a bound.
  @Test func aSinkThatHangsKeepsNobodyWaiting() {
    let sink = Sink()
    let queue = LogQueue { sink.take($0) }
    sink.hold(true)
    for number in 0..<10_000 { queue.add(Self.line("\(number)", .debug)) }
    sink.hold(false)
    queue.end(mustEnd: true)
    let lines = sink.lines
    #expect(lines.count <= LogQueue.maxLines + 2)
    #expect(
      lines.contains {
        $0.hasSuffix("lines of the log were left out: it is not written as fast as they come")
      })
    #expect(lines.first == "0")
  }

  @Test func linesOfOneKindAreSummedUp() {
    let sink = Sink()
    let queue = LogQueue { sink.take($0) }
    for number in 0..<5_000 { queue.add(Self.line("refusing \"\(number)\"")) }
    queue.add(Self.line("another"))
    queue.end(mustEnd: true)
    let lines = sink.lines
    #expect(lines.count < 500)
    #expect(lines.contains("another"))
    let summed = lines.compactMap { line -> Int? in
      line.hasSuffix(" more lines were left out that begin with: refusing ")
        ? Int(line.prefix { $0 != " " }) : nil
    }
    #expect(summed.reduce(0, +) + lines.count { $0.hasPrefix("refusing") } == 5_000)
  }

  @Test func ratesFillAgain() {
    var rates = LogRates()
    let second: UInt64 = 1_000_000_000
    for _ in 0..<50 { #expect(rates.count("a 1", .info, now: second) == .written(leftOut: 0)) }
    #expect(rates.count("a 2", .info, now: second) == .leftOut)
    #expect(rates.count("b", .info, now: second) == .written(leftOut: 0))
    #expect(rates.count("a 3", .debug, now: second) == .written(leftOut: 0))
    #expect(rates.count("a 4", .info, now: 2 * second) == .written(leftOut: 1))
    #expect(!rates.owesSums)
  }

  @Test func kindsAreBounded() {
    var rates = LogRates()
    for number in 0..<1_000 {
      let name = String(number, radix: 2).map { $0 == "0" ? "a" : "b" }.joined()
      _ = rates.count(name, .info, now: 1)
    }
    // Those beyond the bound share a rate.
    #expect(rates.count("xyz", .info, now: 1) == .leftOut)
    #expect(rates.count("", .info, now: 1) == .leftOut)
  }

  @Test(
    arguments: [
      ("plain", "plain"), ("a\nb", "a\\nb"), ("\u{1B}[31m", "\\u{1B}[31m"), ("ä\u{2028}", "ä\\u{2028}"),
      (String(repeating: "x", count: 5_000), String(repeating: "x", count: 1_000) + "… (5000 bytes)"),
    ])
  func valuesOfClientsAreHarmless(_ text: String, _ expected: String) {
    #expect(LogText.harmless(text) == expected)
  }

  /// Whatever logger the program has: what a client sent cannot pass for a line of it.
  @Test func aProgramsLoggerGetsHarmlessLines() {
    let seen = Mutex<[String]>([])
    let (queue, logger) = LogQueue.before(
      Logger(label: "test") { _ in Handler { line in seen.withLock { $0.append(line) } } })
    logger.warning("topic \"a\nb\"", metadata: ["peer": "c\u{7}"])
    queue.end(mustEnd: true)
    #expect(seen.withLock { $0 } == ["warning topic \"a\\nb\" c\\u{07}"])
  }

  private struct Handler: LogHandler {
    let seen: @Sendable (String) -> Void
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.debug

    init(seen: @escaping @Sendable (String) -> Void) { self.seen = seen }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      seen("\(event.level) \(event.message) \(event.metadata?["peer"].map { "\($0)" } ?? "")")
    }
  }
}
