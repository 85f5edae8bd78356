import Foundation
import NIOCore
import Testing

@testable import SynqNetwork

/// A directory with files, gone when the test is over.
private struct Site: ~Copyable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "synq-\(UUID().uuidString)"
    try FileManager.default.createDirectory(
      atPath: path + "/site/sub/empty", withIntermediateDirectories: true)
    try FileManager.default.createDirectory(atPath: path + "/site/.git", withIntermediateDirectories: true)
    for (name, text) in [
      ("site/index.html", "<p>home"), ("site/app.js", "let a"), ("site/a b.txt", "space"),
      ("site/sub/index.html", "sub"),
      ("site/data", "bytes"), ("site/.env", "secret"), ("site/.git/config", "secret"),
      ("secret.txt", "secret"),
      ("site-other", "secret"),
    ] {
      try text.write(toFile: "\(path)/\(name)", atomically: false, encoding: .utf8)
    }
    for (name, target) in [
      ("out.txt", "../secret.txt"), ("up", ".."), ("in.txt", "app.js"), ("loop", "loop"),
      ("sibling", "../site-other"),
    ] {
      try FileManager.default.createSymbolicLink(atPath: "\(path)/site/\(name)", withDestinationPath: target)
    }
    #expect(mkfifo("\(path)/site/pipe", 0o600) == 0)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  var configuration: NetworkConfiguration {
    .echo { $0.files = [StaticRoot(prefix: "/", directory: path + "/site")] }
  }
}

@Suite(.timeLimit(.minutes(1))) struct FileTests {
  private static func get(_ target: String, _ fields: String = "", method: String = "GET") -> String {
    "\(method) \(target) HTTP/1.1\r\nHost: x\r\n\(fields)\r\n"
  }

  @Test func servesAFileWithItsFields() async throws {
    let site = try Site()
    try await TestServer.with(site.configuration) { test in
      let reply = try await test.connect().request(Self.get("/app.js"))
      #expect(reply.status == 200)
      #expect(reply.body == "let a")
      #expect(reply.headers["content-type"] == "text/javascript; charset=utf-8")
      #expect(reply.headers["cache-control"] == "no-cache")
      #expect(reply.headers["x-content-type-options"] == "nosniff")
      #expect(reply.headers["content-length"] == "5")
      #expect(reply.headers["etag"]?.first == "\"")
    }
  }

  @Test(
    arguments: [
      ("/", 200, "<p>home"), ("/index.html", 200, "<p>home"), ("/?a=1", 200, "<p>home"),
      ("/a%20b.txt", 200, "space"),
      ("/sub/", 200, "sub"), ("//sub//index.html", 200, "sub"), ("/in.txt", 200, "let a"),
      ("/data", 200, "bytes"),
      ("/none", 404, "no such file"), ("/data/", 404, "no such file"), ("/sub/empty/", 404, "no such file"),
      ("/../secret.txt", 404, "no such file"), ("/%2e%2e/secret.txt", 404, "no such file"),
      ("/sub/../../secret.txt", 404, "no such file"), ("/..%2fsecret.txt", 404, "no such file"),
      ("/sub/..%2f..%2f..%2fsecret.txt", 404, "no such file"), ("/out.txt", 404, "no such file"),
      ("/up/secret.txt", 404, "no such file"), ("/up/site/app.js", 200, "let a"),
      ("/sibling", 404, "no such file"),
      ("/loop", 404, "no such file"), ("/pipe", 404, "no such file"),
      ("/app.js%00.html", 404, "no such file"),
      ("/.env", 404, "no such file"), ("/.git/config", 404, "no such file"), ("/sub", 301, ""),
      ("/socket/websocket/none", 404, "no such file"),
    ] as [(String, Int, String)])
  func finds(_ target: String, _ status: Int, _ body: String) async throws {
    let site = try Site()
    try await TestServer.with(site.configuration) { test in
      let reply = try await test.connect().request(Self.get(target))
      #expect(reply.status == status)
      #expect(reply.body == body)
    }
  }

  /// Never to another host, which "//name" would be.
  @Test func redirectsADirectoryToItsSlash() async throws {
    let site = try Site()
    try await TestServer.with(site.configuration) { test in
      let client = try await test.connect()
      #expect(try await client.request(Self.get("//sub")).headers["location"] == "/sub/")
      #expect(try await client.request(Self.get("http://evil.test/sub")).headers["location"] == "/sub/")
    }
  }

  @Test func answersWithNotModified() async throws {
    let site = try Site()
    try await TestServer.with(site.configuration) { test in
      let client = try await test.connect()
      let etag = try #require(try await client.request(Self.get("/app.js")).headers["etag"])
      for known in [etag, "\"other\", W/\(etag)", "*"] {
        let reply = try await client.request(Self.get("/app.js", "If-None-Match: \(known)\r\n"))
        #expect(reply.status == 304)
        #expect(reply.headers["etag"] == etag)
        #expect(reply.headers["content-length"] == nil)
      }
      #expect(try await client.request(Self.get("/app.js", "If-None-Match: \"other\"\r\n")).status == 200)
      try "other".write(toFile: site.path + "/site/app.js", atomically: true, encoding: .utf8)
      #expect(try await client.request(Self.get("/app.js", "If-None-Match: \(etag)\r\n")).body == "other")
    }
  }

  @Test func answersHeadWithoutTheBody() async throws {
    let site = try Site()
    try await TestServer.with(site.configuration) { test in
      let client = try await test.connect()
      let reply = try await client.request(Self.get("/app.js", method: "HEAD"))
      #expect(reply.status == 200)
      #expect(reply.headers["content-length"] == "5")
      #expect(try await client.request(Self.get("/none", method: "HEAD")).status == 404)
      #expect(
        try await client.request(Self.get("/sub/../", method: "HEAD")).headers["content-length"] == "12")
      // The connection goes on where the body would be.
      #expect(try await client.request(Self.get("/data")).body == "bytes")
    }
  }

  @Test(arguments: ["POST", "PUT", "DELETE", "OPTIONS"])
  func refusesOtherMethods(_ method: String) async throws {
    let site = try Site()
    try await TestServer.with(site.configuration) { test in
      let reply = try await test.connect().request(
        Self.get("/app.js", "Content-Length: 0\r\n", method: method))
      #expect(reply.status == 405)
      #expect(reply.headers["allow"] == "GET, HEAD")
    }
  }

  @Test func sendsALargeFileWhole() async throws {
    let site = try Site()
    let bytes = Data((0..<1_000_003).map { UInt8(truncatingIfNeeded: $0 &* 7) })
    try bytes.write(to: URL(fileURLWithPath: site.path + "/site/large.bin"))
    try await TestServer.with(site.configuration) { test in
      let client = try await test.connect()
      try await client.send(Self.get("/large.bin") + Self.get("/data"))
      let head = await client.receive(through: "\r\n\r\n")
      #expect(head.contains("content-length: 1000003\r\n"))
      #expect(head.contains("content-type: application/octet-stream\r\n"))
      #expect(await client.receive(1_000_003) == Array(bytes))
      #expect(await client.reply().body == "bytes")
    }
  }

  @Test func servesTheLongestPrefixAndSocketsFirst() async throws {
    let site = try Site()
    var configuration = site.configuration
    configuration.files.append(StaticRoot(prefix: "/sub/more", directory: site.path + "/site/sub"))
    try await TestServer.with(configuration) { test in
      let client = try await test.connect()
      #expect(try await client.request(Self.get("/sub/more/index.html")).body == "sub")
      #expect(try await client.request(Self.get("/sub/index.html")).body == "sub")
      #expect(try await client.request(Self.get("/socket/websocket")).status == 400)
    }
  }

  @Test(arguments: [
    ("a.html", "text/html; charset=utf-8"), ("a.MJS", "text/javascript; charset=utf-8"),
    ("a.css", "text/css; charset=utf-8"), ("a.svg", "image/svg+xml; charset=utf-8"),
    ("a.b/c", "application/octet-stream"),
    ("a.woff2", "font/woff2"), ("a.unknown", "application/octet-stream"), ("a.wasm", "application/wasm"),
  ])
  func knowsTypes(_ name: String, _ type: String) {
    #expect(OpenFile(descriptor: -1, name: name).contentType == type)
  }
}
