import Foundation
import NIOCore
import RedisServer
import SynqRedis
import Testing

/// Against a real redis-server of each test's own.
@Suite(
  .enabled(if: RedisServer.isInstalled, Comment(rawValue: RedisServer.missing)), .serialized,
  .timeLimit(.minutes(2)))
struct RedisClientTests {
  @Test func answersComeInTheOrderOfTheCommands() async throws {
    let server = try RedisServer()
    let client = try await TestRedisClient("redis://127.0.0.1:\(server.port)")
    await client.connected()
    let answers = try await client.burst((1...1000).map { RedisCommand("INCRBY", "n", .integer($0)) })
    #expect(try answers.map { try $0.get().int64 } == (1...1000).map { $0 * ($0 + 1) / 2 })
    // An error is an answer; the next command has its own.
    #expect(try await client("LPUSH", "n", "x").error?.hasPrefix("WRONGTYPE") == true)
    #expect(try await client("GET", "n").text == "500500")
    let long = [UInt8](repeating: 7, count: 10_000_000)
    #expect(try await client("SET", "long", .bytes(long)).text == "OK")
    #expect(try await client("GET", "long").bytes == long)
    #expect(try await client("HSET", "h", "a", "1") == .integer(1))
    #expect(try await client("HGETALL", "h")["a"]?.text == "1")
  }

  /// A server without HELLO is spoken to in RESP2.
  @Test(arguments: [[], ["--rename-command", "HELLO", ""]])
  func messagesOfAChannelCome(options: [String]) async throws {
    let server = try RedisServer(with: options)
    let client = try await TestRedisClient("redis://127.0.0.1:\(server.port)/2") {
      $0.pingInterval = .milliseconds(5)
    }
    try await client.subscribe("c")
    await client.connectedAndSubscribed()
    #expect(try await client("CLIENT", "LIST").text?.contains(" db=2 ") == true)
    for index in 1...100 { _ = try await client("PUBLISH", "c", .integer(Int64(index))) }
    for index in 1...100 { #expect(await client.message() == "\(index)") }
    try await client.unsubscribe("c")
    try await client.subscribe("d")
    #expect(await client.subscribed() == "d")
    _ = try await client.burst([RedisCommand("PUBLISH", "c", "no"), RedisCommand("PUBLISH", "d", "yes")])
    #expect(await client.message() == "yes")
  }

  @Test func aUserIsLetInByPassword() async throws {
    let server = try RedisServer("--user", "app", "on", ">sec ret", "~*", "&*", "+@all")
    let client = try await TestRedisClient("redis://app:sec%20ret@127.0.0.1:\(server.port)")
    await client.connected()
    #expect(try await client("ACL", "WHOAMI").text == "app")
    let old = try RedisServer("--requirepass", "x", "--rename-command", "HELLO", "")
    let second = try await TestRedisClient("redis://:x@127.0.0.1:\(old.port)")
    await second.connected()
    #expect(try await second("PING").text == "PONG")
  }

  /// A password that is wrong is told, and tried again: it may become right.
  @Test func aWrongPasswordIsTold() async throws {
    let server = try RedisServer("--requirepass", "right")
    let wrong = try await TestRedisClient("redis://:wrong@127.0.0.1:\(server.port)")
    let refused = await wrong.next { event -> RedisError? in
      if case .disconnected(.refused(let text)) = event { .refused(text) } else { nil }
    }
    #expect(refused == .refused("WRONGPASS invalid username-password pair or user is disabled."))
    await #expect(throws: RedisError.notConnected) { try await wrong("PING") }
    let right = try await TestRedisClient("redis://:right@127.0.0.1:\(server.port)")
    await right.connected()
    _ = try await right("CONFIG", "SET", "requirepass", "wrong")
    await wrong.connected()
    #expect(try await wrong("PING").text == "PONG")
    let nobody = try await TestRedisClient("redis://127.0.0.1:\(server.port)")
    let none = await nobody.disconnected()
    #expect(none?.description.contains("NOAUTH") == true)
  }

  /// What was under way is told as lost, what comes meanwhile is refused, and subscriptions stand again afterwards.
  @Test func aServerThatEndsAndComesBack() async throws {
    let server = try RedisServer()
    let client = try await TestRedisClient("redis://127.0.0.1:\(server.port)")
    try await client.subscribe("c")
    await client.connectedAndSubscribed()
    server.kill()
    _ = await client.disconnected()
    await #expect(throws: RedisError.notConnected) { try await client("PING") }
    try server.start()
    await client.connectedAndSubscribed()
    _ = try await client("PUBLISH", "c", "again")
    #expect(await client.message() == "again")
  }

  /// A frozen server keeps its connections and answers nothing: only pings see it.
  @Test func aServerThatGoesSilentIsFound() async throws {
    let server = try RedisServer()
    let client = try await TestRedisClient("redis://127.0.0.1:\(server.port)") {
      $0.pingInterval = .milliseconds(20)
      $0.answerTimeout = .milliseconds(200)
    }
    try await client.subscribe("c")
    await client.connectedAndSubscribed()
    server.freeze()
    var lost: Set<String> = []
    while lost.count < 2 {
      let part = await client.next { event -> String? in
        switch event {
        case .disconnected: "commands"
        case .subscriptionsLost: "subscriptions"
        case .connected, .subscribed, .message: nil
        }
      }
      if let part { lost.insert(part) }
    }
    server.thaw()
    #expect(await client.subscribed() == "c")
  }

  @Test func aReplicaIsRefused() async throws {
    let server = try RedisServer()
    let client = try await TestRedisClient("redis://127.0.0.1:\(server.port)")
    await client.connected()
    _ = try await client("REPLICAOF", "127.0.0.1", "1")
    // A server that became one while it was spoken to.
    await #expect(throws: RedisError.self) { try await client("SET", "a", "b") }
    #expect(await client.disconnected() == .readOnly)
    // And one that is one from the beginning.
    #expect(await client.disconnected() == .readOnly)
  }

  @Test func whatWaitsIsBounded() async throws {
    let server = try RedisServer()
    let client = try await TestRedisClient("redis://127.0.0.1:\(server.port)") { $0.maxWaitingBytes = 100 }
    await client.connected()
    let set = RedisCommand("SET", "a", .string(String(repeating: "x", count: 60)))
    let results = try await client.burst([set, set])
    #expect(results == [.success(.string(Array("OK".utf8))), .failure(.overloaded)])
  }

  @Test func afterTheCloseNothingComes() async throws {
    let server = try RedisServer()
    let client = try await TestRedisClient("redis://127.0.0.1:\(server.port)")
    try await client.subscribe("c")
    await client.connectedAndSubscribed()
    try await client.close()
    #expect(await client.rest().isEmpty)
    // One that is closed while it connects.
    let other = try await TestRedisClient("redis://127.0.0.1:\(server.port)")
    try await other.close()
    let watcher = try await TestRedisClient("redis://127.0.0.1:\(server.port)")
    await watcher.connected()
    #expect(try await watcher("PING").text == "PONG")
  }

  @Test func overTLSTheCertificateIsChecked() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "synq-redis-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let openssl = Process()
    openssl.executableURL = URL(filePath: "/usr/bin/openssl")
    openssl.currentDirectoryURL = folder
    openssl.standardError = FileHandle.nullDevice
    openssl.arguments =
      "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1"
      .split(separator: " ").map(String.init)
    try openssl.run()
    openssl.waitUntilExit()
    let port = try RedisServer.freePort()
    let (key, certificate) = (folder.appending(path: "key.pem").path, folder.appending(path: "cert.pem").path)
    let server = try RedisServer(
      "--tls-port", "\(port)", "--tls-cert-file", certificate, "--tls-key-file", key, "--tls-auth-clients",
      "no")
    let client = try await TestRedisClient("rediss://localhost:\(port)?ca=\(certificate)")
    await client.connected()
    #expect(try await client("PING").text == "PONG")
    let distrustful = try await TestRedisClient("rediss://localhost:\(port)")
    #expect(await distrustful.disconnected()?.description.contains("CERTIFICATE_VERIFY_FAILED") == true)
    await #expect(throws: (any Error).self) { try await TestRedisClient("rediss://h?ca=/nowhere.pem") }
    withExtendedLifetime(server) {}
  }
}

extension RESPValue {
  fileprivate var error: String? { if case .error(let text) = self { text } else { nil } }
}
