import Glibc
import Logging

/// A line of the log on its way to where the program wants it.
package struct LogLine: Sendable {
  package var level: Logger.Level
  package var message: String
  package var metadata: Logger.Metadata
  package var source: String
  package var file: String
  package var function: String
  package var line: UInt
}

/// Carries the log to its sink on a thread of its own, so that a sink that blocks keeps no event loop from its work.
///
/// What waits is bounded: beyond it lines are left out and counted. A line is written before `add` returns as long as the
/// sink is quick, so that the log and what clients see keep their order; once it was slow, nobody waits for it until it has
/// been quick again for a while.
///
/// `@unchecked Sendable`: what follows the lock is touched under it only.
package final class LogQueue: @unchecked Sendable {
  /// Lines that wait, and bytes of them.
  static let maxLines = 2_000
  static let maxBytes = 1 << 20
  /// How long `add` waits for a sink that was quick so far.
  private static let patience = 20_000_000
  /// After a line that took longer nobody waits for as long as `caution`.
  private static let quick: UInt64 = 5_000_000
  private static let caution: UInt64 = 5_000_000_000
  /// How long the end waits for a sink.
  private static let endPatience = 1_000_000_000

  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private let sink: @Sendable (LogLine) -> Void
  private var lines: [LogLine] = []
  private var bytes = 0
  private var rates = LogRates()
  /// Lines for which there was no room, since one was written.
  private var dropped = 0
  private var added: UInt64 = 0
  private var written: UInt64 = 0
  private var isRunning = false
  private var isEnding = false
  private var hasEnded = false
  private var slowUntil: UInt64 = 0

  package init(sink: @escaping @Sendable (LogLine) -> Void) {
    self.sink = sink
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(changed, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(changed)
    pthread_mutex_destroy(mutex)
    changed.deallocate()
    mutex.deallocate()
  }

  private static var now: UInt64 {
    let time = time(after: 0)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  // MARK: Any thread

  /// Takes a line. Never blocks for longer than a quick sink may take.
  package func add(_ line: LogLine) {
    let now = Self.now
    pthread_mutex_lock(mutex)
    guard !hasEnded else {
      pthread_mutex_unlock(mutex)
      return sink(line)
    }
    let leftOut: Int
    switch rates.count(line.message, line.level, now: now) {
    case .leftOut:
      // The thread is to sum up, also when no further line comes.
      startIfNeeded()
      pthread_mutex_unlock(mutex)
      return
    case .written(let count): leftOut = count
    }
    if leftOut > 0 { enqueue(sum(LogRates.sum(leftOut, LogRates.kind(of: line.message)), line.level)) }
    enqueue(line)
    let number = added
    startIfNeeded()
    pthread_cond_broadcast(changed)
    // A debug line is one of many, and worth nobody's wait.
    if line.level >= .info, now >= slowUntil, lines.count < 16 { wait(until: number) }
    pthread_mutex_unlock(mutex)
  }

  private func enqueue(_ line: LogLine) {
    let size = line.message.utf8.count + line.metadata.count * 64 + 64
    guard lines.count < Self.maxLines, bytes + size <= Self.maxBytes else {
      dropped += 1
      return
    }
    lines.append(line)
    bytes += size
    added += 1
  }

  private func sum(_ text: String, _ level: Logger.Level) -> LogLine {
    LogLine(
      level: level, message: text, metadata: [:], source: "Synq", file: #fileID, function: #function,
      line: #line)
  }

  /// Under the lock, which is given up meanwhile.
  private func wait(until number: UInt64) {
    var deadline = Self.time(after: Self.patience)
    while written < number, isRunning {
      guard pthread_cond_timedwait(changed, mutex, &deadline) != ETIMEDOUT else {
        slowUntil = Self.now + Self.caution
        return
      }
    }
  }

  private static func time(after nanoseconds: Int) -> timespec {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    let sum = time.tv_nsec + nanoseconds
    time.tv_sec += sum / 1_000_000_000
    time.tv_nsec = sum % 1_000_000_000
    return time
  }

  /// Writes what waits, as far as the sink takes it within a second, and ends the thread. What comes later is written by
  /// whoever says it: no loop is left by then.
  ///
  /// - Parameter mustEnd: the sink must not run any more when this returns; else it is left alone where it hangs.
  package func end(mustEnd: Bool) {
    pthread_mutex_lock(mutex)
    isEnding = true
    pthread_cond_broadcast(changed)
    var deadline = Self.time(after: Self.endPatience)
    while isRunning {
      if pthread_cond_timedwait(changed, mutex, &deadline) == ETIMEDOUT { break }
    }
    lines = []
    while mustEnd, isRunning { pthread_cond_wait(changed, mutex) }
    hasEnded = true
    pthread_mutex_unlock(mutex)
  }

  /// Ends the thread when it has written what waits; nobody waits for that.
  package func endSoon() {
    pthread_mutex_lock(mutex)
    isEnding = true
    pthread_cond_broadcast(changed)
    pthread_mutex_unlock(mutex)
  }

  // MARK: The thread

  /// Under the lock.
  private func startIfNeeded() {
    guard !isRunning, !isEnding else { return }
    var blocked = sigset_t()
    var before = sigset_t()
    sigfillset(&blocked)
    // The program's signals are for its own threads.
    pthread_sigmask(SIG_SETMASK, &blocked, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    var thread = pthread_t()
    let queue = Unmanaged.passRetained(self)
    let status = pthread_create(
      &thread, nil,
      { raw in
        guard let raw else { return nil }
        Unmanaged<LogQueue>.fromOpaque(raw).takeRetainedValue().run()
        return nil
      }, queue.toOpaque())
    guard status == 0 else { return queue.release() }
    pthread_detach(thread)
    isRunning = true
  }

  private func run() {
    pthread_mutex_lock(mutex)
    while true {
      if let line = lines.first {
        lines.removeFirst()
        bytes -= min(bytes, line.message.utf8.count + line.metadata.count * 64 + 64)
        write(line)
        written += 1
        if dropped > 0, lines.count < Self.maxLines / 2 {
          let count = dropped
          dropped = 0
          write(
            sum("\(count) lines of the log were left out: it is not written as fast as they come", .warning))
        }
        pthread_cond_broadcast(changed)
      } else if rates.owesSums {
        // A second of quiet, or the end.
        var deadline = Self.time(after: 1_000_000_000)
        var isTime = isEnding
        while !isTime, !isEnding, lines.isEmpty {
          isTime = pthread_cond_timedwait(changed, mutex, &deadline) == ETIMEDOUT
        }
        if isTime || isEnding { for (level, text) in rates.sums() { write(sum(text, level)) } }
      } else if isEnding {
        break
      } else {
        pthread_cond_wait(changed, mutex)
      }
    }
    isRunning = false
    pthread_cond_broadcast(changed)
    pthread_mutex_unlock(mutex)
  }

  /// Under the lock, which is given up meanwhile.
  private func write(_ line: LogLine) {
    pthread_mutex_unlock(mutex)
    let start = Self.now
    sink(line)
    let end = Self.now
    pthread_mutex_lock(mutex)
    if end - start > Self.quick { slowUntil = end + Self.caution }
  }
}

/// The log handler of a server: makes lines harmless, and hands them to a queue.
package struct QueuedLogHandler: LogHandler {
  private let queue: LogQueue
  package var logLevel: Logger.Level
  package var metadata: Logger.Metadata = [:]

  package init(_ queue: LogQueue, level: Logger.Level) {
    self.queue = queue
    logLevel = level
  }

  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  /// Hands a line on, with what clients put into it made harmless.
  package func log(event: LogEvent) {
    let fields = metadata.merging(event.metadata ?? [:]) { $1 }
    queue.add(
      LogLine(
        level: event.level, message: LogText.harmless("\(event.message)"),
        metadata: fields.mapValues { .string(LogText.harmless("\($0)")) }, source: event.source,
        file: event.file, function: event.function, line: event.line))
  }
}

extension LogQueue {
  /// A queue in front of a program's logger, and the logger to use instead of that.
  package static func before(_ logger: Logger) -> (queue: LogQueue, logger: Logger) {
    let queue = LogQueue { line in
      logger.log(
        level: line.level, "\(line.message)", metadata: line.metadata, source: line.source, file: line.file,
        function: line.function, line: line.line)
    }
    var queued = Logger(label: logger.label) { _ in QueuedLogHandler(queue, level: logger.logLevel) }
    queued.logLevel = logger.logLevel
    return (queue, queued)
  }
}
