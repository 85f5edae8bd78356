import Foundation
import NIOCore
import NIOPosix
import Testing

/// A redis-server of a test: on a free port, in a folder of its own that goes with it.
final class RedisServer {
  static let isInstalled = FileManager.default.isExecutableFile(atPath: path)
  static let missing: Comment = "there is no redis-server: scripts/install-deps test"
  private static let path = "/usr/bin/redis-server"

  let port: Int
  let folder: URL
  private let options: [String]
  private var process: Process

  /// - Parameter options: of the command line, after the port and the folder.
  convenience init(_ options: String...) throws { try self.init(with: options) }

  init(with options: [String]) throws {
    port = try Self.freePort()
    folder = FileManager.default.temporaryDirectory.appending(path: "synq-redis-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    self.options = options.map { [folder] in $0.replacing("FOLDER", with: folder.path) }
    process = Process()
    try start()
  }

  /// Begins, or begins again on the same port.
  func start() throws {
    process = Process()
    process.executableURL = URL(filePath: Self.path)
    process.currentDirectoryURL = folder
    process.arguments =
      ["--port", "\(port)", "--bind", "127.0.0.1", "--save", "", "--enable-debug-command", "local"] + options
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
  }

  /// Ends it at once, as a crash does.
  func kill() {
    Glibc.kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  /// It answers nothing any more, but its connections stay.
  func freeze() { Glibc.kill(process.processIdentifier, SIGSTOP) }

  func thaw() { Glibc.kill(process.processIdentifier, SIGCONT) }

  deinit {
    kill()
    try? FileManager.default.removeItem(at: folder)
  }

  /// A port that nobody listens on now: redis-server cannot be told to choose one.
  static func freePort() throws -> Int {
    let channel = try ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .bind(host: "127.0.0.1", port: 0).wait()
    defer { try? channel.close().wait() }
    return try #require(channel.localAddress?.port)
  }
}
