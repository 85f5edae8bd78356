import Glibc
import NIOCore
import NIOPosix
import Synchronization

/// A redis-server of a test: on a free port, in a folder of its own that goes with it.
package final class RedisServer {
  package static let isInstalled = access(path, X_OK) == 0
  package static let missing = "there is no redis-server: scripts/install-deps test"
  private static let path = "/usr/bin/redis-server"

  package let port: Int
  package let folder: String
  private let options: [String]
  private var process: pid_t = 0

  private static let running = Mutex<Set<pid_t>>([])
  /// A test that is cut off cannot end its server.
  private static let endsWithTheTests: Void = {
    atexit { RedisServer.running.withLock { for process in $0 { Glibc.kill(process, SIGKILL) } } }
  }()

  /// Something that a test needs could not be had.
  package struct Failure: Error {}

  /// - Parameter options: of the command line, after the port and the folder.
  package convenience init(_ options: String...) throws { try self.init(with: options) }

  package init(with options: [String]) throws {
    port = try Self.freePort()
    var template = Array(
      "\(getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp")/synq-redis-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw Failure() }
    folder = String(cString: made)
    self.options = options
    try start()
  }

  /// Begins, or begins again on the same port.
  package func start() throws {
    let words =
      [
        Self.path, "--port", "\(port)", "--bind", "127.0.0.1", "--save", "", "--dir", folder, "--loglevel",
        "warning",
        "--logfile", "log",
      ] + options
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    // What it inherits would keep it from signals, and whoever reads the test's output from an end.
    var (attributes, actions) = (posix_spawnattr_t(), posix_spawn_file_actions_t())
    posix_spawnattr_init(&attributes)
    posix_spawn_file_actions_init(&actions)
    defer {
      posix_spawnattr_destroy(&attributes)
      posix_spawn_file_actions_destroy(&actions)
    }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    for descriptor in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] {
      posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
    }
    guard posix_spawn(&process, Self.path, &actions, &attributes, &arguments, environ) == 0 else {
      throw Failure()
    }
    Self.running.withLock { _ = $0.insert(process) }
    _ = Self.endsWithTheTests
  }

  /// Ends it at once, as a crash does.
  package func kill() {
    guard process > 0 else { return }
    Glibc.kill(process, SIGKILL)
    Self.running.withLock { _ = $0.remove(process) }
    var status: Int32 = 0
    while waitpid(process, &status, 0) == -1, errno == EINTR {}
    process = 0
  }

  /// It answers nothing any more, but its connections stay.
  package func freeze() { Glibc.kill(process, SIGSTOP) }

  package func thaw() { Glibc.kill(process, SIGCONT) }

  /// What redis-cli prints for a command.
  package func ask(_ command: String) -> String {
    guard let output = popen("redis-cli -p \(port) \(command) 2>&1", "r") else { return "" }
    defer { pclose(output) }
    var text: [UInt8] = []
    while case let byte = fgetc(output), byte != EOF { text.append(UInt8(truncatingIfNeeded: byte)) }
    return String(decoding: text, as: UTF8.self)
  }

  deinit {
    kill()
    _ = system("rm -rf '\(folder)'")
  }

  /// A port that nobody listens on now: redis-server cannot be told to choose one.
  package static func freePort() throws -> Int {
    let channel = try ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .bind(host: "127.0.0.1", port: 0).wait()
    defer { try? channel.close().wait() }
    return channel.localAddress?.port ?? 0
  }
}
