import Logging
import Synchronization

/// Keeps what a server under test logs, for failures.
final class LogRecorder: Sendable {
  private let lines = Mutex<[String]>([])

  /// What was logged so far, as `level: message name=value`.
  var entries: [String] { lines.withLock { $0 } }

  var logger: Logger { Logger(label: "synq") { _ in Handler(recorder: self) } }

  private func append(_ line: String) { lines.withLock { $0.append(line) } }

  private struct Handler: LogHandler {
    let recorder: LogRecorder
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let fields = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
        .joined()
      recorder.append("\(event.level): \(event.message)\(fields)")
    }
  }
}
