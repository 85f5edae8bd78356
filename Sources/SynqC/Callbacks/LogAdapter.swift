import CSynq
import Glibc
import Logging

/// Hands the log to a C host, or writes it to stderr. The lines come from a server's `LogQueue`: one at a time, and harmless.
struct LogAdapter: LogHandler {
  private let callback: synq_log_fn?
  private let user: HostUser?
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]

  init(_ callback: synq_log_fn?, user: HostUser?, level: Logger.Level) {
    self.callback = callback
    self.user = user
    logLevel = level
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let fields = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
    let (level, message) = (event.level, event.message)
    if let user, user.hasEnded { return }
    guard let callback else { return writeToStandardError(level, "\(message)", fields) }
    var strings = fields.flatMap { [strdup($0.key), strdup("\($0.value)")] }
    defer { for string in strings { free(string) } }
    strings.append(nil)
    "\(message)".withCString { text in
      strings.withUnsafeBufferPointer { list in
        list.withMemoryRebound(to: UnsafePointer<CChar>?.self) { list in
          var record = synq_log_record_t(
            size: MemoryLayout<synq_log_record_t>.size, level: level.synq, message: text,
            fields: list.baseAddress)
          callback(&record, user?.pointer)
        }
      }
    }
  }

  private func writeToStandardError(
    _ level: Logger.Level, _ message: String, _ fields: [(key: String, value: Logger.Metadata.Value)]
  ) {
    var line = "synq \(level): \(message)"
    for (name, value) in fields { line += " \(name)=\(value)" }
    line += "\n"
    line.withCString { text in
      // One write, so that lines of several threads do not mix.
      _ = write(STDERR_FILENO, text, strlen(text))
    }
  }
}

extension Logger.Level {
  init(_ level: synq_log_level_t) {
    switch level {
    case SYNQ_LOG_DEBUG: self = .debug
    case SYNQ_LOG_INFO: self = .info
    case SYNQ_LOG_ERROR: self = .error
    case SYNQ_LOG_OFF: self = .critical
    default: self = .warning
    }
  }

  fileprivate var synq: synq_log_level_t {
    switch self {
    case .trace, .debug: SYNQ_LOG_DEBUG
    case .info, .notice: SYNQ_LOG_INFO
    case .warning: SYNQ_LOG_WARNING
    case .error, .critical: SYNQ_LOG_ERROR
    }
  }
}
