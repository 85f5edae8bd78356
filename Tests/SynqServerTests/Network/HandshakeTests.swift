import NIOCore
import SynqJSON
import SynqWire
import Testing

@testable import SynqHosting
@testable import SynqNetwork

@Suite(.timeLimit(.minutes(1))) struct HandshakeTests {
  private static func phoenixHeaders(_ length: Int) -> [String: String] {
    [
      "content-length": String(length), "vary": "accept-encoding",
      "cache-control": "max-age=0, private, must-revalidate",
    ]
  }

  /// `wire/upgrade_ok`: the fields and their values, the date apart.
  @Test func upgradesAsRecorded() async throws {
    try await TestServer.with { test in
      var reply = try await test.connect().upgrade()
      #expect(reply.headers.removeValue(forKey: "date") != nil)
      #expect(
        reply
          == HTTPReply(
            status: 101,
            headers: [
              "upgrade": "websocket", "connection": "Upgrade",
              "sec-websocket-accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
              "cache-control": "max-age=0, private, must-revalidate",
            ], body: ""))
    }
  }

  struct Case: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var request: String
    var status: Int
    var body: String

    init(_ name: String, _ request: String, _ status: Int, _ body: String = "") {
      (testDescription, self.request, self.status, self.body) = (name, request, status, body)
    }

    /// Removes or replaces one header line of a good upgrade request.
    init(_ name: String, without line: String, with other: String = "", _ status: Int, _ body: String = "") {
      let good = UpgradeRequest.text("/socket/websocket?vsn=2.0.0")
      self.init(name, good.replacing(line + "\r\n", with: other), status, body)
    }
  }

  static let cases: [Case] = [
    Case("upgrade_path_slash", UpgradeRequest.text("/socket/websocket/?vsn=2.0.0"), 101),
    Case("upgrade_path_plain", UpgradeRequest.text("/socket?vsn=2.0.0"), 404, "no route"),
    Case("upgrade_path_unknown", UpgradeRequest.text("/nosuch/websocket?vsn=2.0.0"), 404, "no route"),
    Case("upgrade_bad_query", UpgradeRequest.text("/socket/websocket?vsn=2.0.0&a=%zz"), 101),
    Case(
      "upgrade_post", "POST /socket/websocket?vsn=2.0.0 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 400
    ),
    Case("upgrade_vsn_missing", UpgradeRequest.text("/socket/websocket"), 101),
    Case("upgrade_vsn_bad", UpgradeRequest.text("/socket/websocket?vsn=3.0.0"), 403),
    Case("upgrade_vsn_empty", UpgradeRequest.text("/socket/websocket?vsn="), 403),
    Case("upgrade_vsn_garbage", UpgradeRequest.text("/socket/websocket?vsn=abc"), 403),
    Case("upgrade_vsn_short", UpgradeRequest.text("/socket/websocket?vsn=2.0"), 403),
    Case("upgrade_vsn_2_1", UpgradeRequest.text("/socket/websocket?vsn=2.1.0"), 403),
    Case(
      "upgrade_no_key", without: "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", 400,
      "'sec-websocket-key' header is absent"),
    Case(
      "upgrade_bad_key", without: "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      with: "Sec-WebSocket-Key: abc\r\n", 400, "'sec-websocket-key' header must be 16 bytes in base64"),
    Case(
      "a key of 15 bytes", without: "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      with: "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j\r\n", 400,
      "'sec-websocket-key' header must be 16 bytes in base64"),
    Case(
      "two keys", without: "Upgrade: websocket",
      with: "Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", 400,
      "'sec-websocket-key' header is given 2 times"),
    Case(
      "upgrade_no_version", without: "Sec-WebSocket-Version: 13", 400,
      "'sec-websocket-version' header must equal '13', got []"),
    Case(
      "upgrade_bad_version", without: "Sec-WebSocket-Version: 13", with: "Sec-WebSocket-Version: 8\r\n", 400,
      "'sec-websocket-version' header must equal '13', got [\"8\"]"),
    Case(
      "upgrade_no_upgrade_header", without: "Upgrade: websocket\r\nConnection: Upgrade", 400,
      "'connection' header must contain 'upgrade', got []"),
    Case(
      "another protocol", without: "Upgrade: websocket", with: "Upgrade: h2c\r\n", 400,
      "'upgrade' header must contain 'websocket', got [\"h2c\"]"),
    Case(
      "several tokens", without: "Connection: Upgrade", with: "Connection: keep-alive, upgrade\r\n", 101),
    Case("two hosts", without: "Host: localhost:4000", with: "Host: a\r\nHost: a\r\n", 400, twoHosts),
    Case("no such host", without: "Host: localhost:4000", with: "Host: ::1\r\n", 400, noHost),
    Case("long poll, no host", "GET /socket/longpoll?vsn=2.0.0 HTTP/1.1\r\n\r\n", 400, hostIsAbsent),
    Case(
      "long poll, two hosts", "GET /socket/longpoll?vsn=2.0.0 HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", 400,
      twoHosts),
    Case("nowhere, no host", "GET /none HTTP/1.1\r\n\r\n", 400, hostIsAbsent),
    Case("HTTP/1.0 without a host", "GET /none HTTP/1.0\r\n\r\n", 404, "no route"),
    Case("HTTP/1.0 with two", "GET /none HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400, twoHosts),
    Case("an empty host", "GET /none HTTP/1.1\r\nHost:\r\n\r\n", 404, "no route"),
    Case("an IPv6 host", "GET /none HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 404, "no route"),
    Case("no host", without: "Host: localhost:4000", 400, "'host' header is absent"),
    Case(
      "a query that is not UTF-8", UpgradeRequest.text("/socket/websocket?vsn=2.0.0&a=%FF"), 400, badRequest),
    Case("garbage", "\u{1}\u{2}\r\n\r\n", 400),
  ]

  private static let hostIsAbsent = "'host' header is absent"
  private static let twoHosts = "'host' header is given 2 times"
  private static let noHost = "'host' header names no host"
  private static let badRequest = "{\"errors\":{\"detail\":\"Bad Request\"}}"

  @Test(arguments: cases)
  func answersAsRecorded(_ expected: Case) async throws {
    try await TestServer.with { test in
      let reply = try await test.connect().request(expected.request)
      #expect(reply.status == expected.status)
      #expect(reply.body == expected.body)
      guard expected.status != 101 else { return }
      // docs/specification.md, section 8: one line of reason, but for paths where nothing is.
      #expect(test.log.text.isEmpty == (expected.status == 404))
      for (name, value) in Self.phoenixHeaders(expected.body.utf8.count) {
        #expect(reply.headers[name] == value)
      }
    }
  }

  // MARK: Origins

  private static var loopback: HostRule { get throws { try HostRule(nil, listeningOn: "127.0.0.1") } }

  private static let origins: [(policy: OriginPolicy, origin: String?, allowed: Bool)] = [
    (.list(["//example.com"]), nil, true),
    (.list(["//example.com"]), "https://example.com:1234", true),
    (.list(["//example.com"]), "http://EXAMPLE.com", true),
    (.list(["//example.com"]), "http://evil.test", false),
    (.list(["//example.com"]), "https://a.example.com", false),
    (.list(["//example.com"]), "https://example.com.evil.test", false),
    (.list(["//*.example.com"]), "https://a.b.example.com", true),
    (.list(["//*.example.com"]), "https://example.com", true),
    (.list(["//*.example.com"]), "https://evilexample.com", false),
    (.list(["*.example.com"]), "https://a.example.com", true),
    (.list(["*.example.com"]), "https://example.org", false),
    (.list(["https://*.example.com"]), "https://a.example.com", true),
    (.list(["https://*.example.com"]), "http://a.example.com", false),
    (.list(["*"]), "http://evil.test", true),
    (.list(["https://example.com"]), "https://example.com", true),
    (.list(["https://example.com"]), "https://example.com:443", true),
    (.list(["https://example.com"]), "http://example.com", false),
    (.list(["https://example.com"]), "https://example.com:8443", false),
    (.list(["http://a.test", "https://b.test:8443"]), "https://b.test:8443", true),
    (.list(["//[::1]"]), "http://[::1]:4000", true),
    (.list(["//*.example.com", "//null"]), "null", false),
    (.sameHost, "http://localhost:4000", true),
    (.sameHost, "http://localhost:9999", false),
    (.sameHost, "http://localhost", false),
    (.sameHost, "http://127.0.0.1:4000", false),
    (.sameHost, "javascript://localhost:4000", false),
    (.sameHost, "app://localhost:4000", false),
    (.list(["//localhost"]), "javascript://localhost", false),
    (.list(["//localhost"]), "app://localhost", false),
    (.list(["app://localhost"]), "app://localhost", true),
    (.askHost, "javascript://localhost", false),
    (.list(["//[::1]"]), "http://::1:4000", false),
    (.list(["//[::1]"]), "http://[::1", false),
    (.list(["//a.test"]), "http://a.test:+80", false),
    (.list(["//a.test"]), "1http://a.test", false),
    (.sameHost, "", false),
    (.sameHost, "null", false),
    (.sameHost, "file://", false),
    (.sameHost, "file:///etc", false),
    (.sameHost, "http:/localhost", false),
    (.sameHost, "localhost", false),
    (.sameHost, "http://localhost:port", false),
    (.sameHost, "http://user@localhost", false),
    (.sameHost, "http://evil.test#localhost", false),
    (.any, "null", true),
    (.any, "http://evil.test", true),
    (.askHost, "app://here", true),
    (.askHost, "null", false),
    (.askHost, "file://", false),
    (.askHost, "garbage", false),
  ]

  @Test func judgesOrigins() throws {
    for (policy, origin, allowed) in Self.origins {
      let verdict = try OriginRule(policy, hosts: Self.loopback).judge(origin: origin, host: "localhost:4000")
      #expect((verdict == .allowed) == allowed, "\(policy) \(origin ?? "none")")
    }
  }

  @Test(
    arguments: [
      (nil, "127.0.0.1", "localhost:4000", true), (nil, "127.0.0.1", "LOCALHOST", true),
      (nil, "127.0.0.1", "app.localhost:4000", true), (nil, "127.0.0.1", "127.9.0.1:4000", true),
      (nil, "127.0.0.1", "[::1]:4000", true), (nil, "::1", "[::1]", true),
      (nil, "localhost", "127.0.0.1", true),
      (nil, "127.0.0.1", "evil.example:4000", false), (nil, "127.0.0.1", "127.0.0.1.evil.example", false),
      (nil, "127.0.0.1", "notlocalhost", false), (nil, "127.0.0.1", "localhost.evil.example", false),
      (nil, "::1", "127.evil.0.1", false), (nil, "0.0.0.0", "any.example", true),
      (nil, "::", "any.example", true),
      (["example.com"], "127.0.0.1", "example.com:4000", true), (["example.com"], "::", "localhost", false),
      (["*.example.com"], "::", "a.example.com", true), (["*.example.com"], "::", "example.com", true),
      (["*.example.com"], "::", "badexample.com", false), (["::1"], "::", "[::1]:4000", true),
      (["*"], "127.0.0.1", "evil.example", true), ([], "127.0.0.1", "localhost", false),
    ] as [([String]?, String, String, Bool)])
  func admitsHostNames(_ allowed: [String]?, _ address: String, _ host: String, _ isAdmitted: Bool) throws {
    let rule = try HostRule(allowed, listeningOn: address)
    #expect(rule.admits(host) == isAdmitted)
    #expect(
      (try OriginRule(.sameHost, hosts: rule).judge(origin: "http://\(host)", host: host) == .allowed)
        == isAdmitted)
    // A page that polls its own server says no origin.
    let poll = try OriginRule(.sameHost, hosts: rule).judge(origin: nil, host: host, pagesSayOrigin: false)
    #expect((poll == .allowed) == isAdmitted)
    #expect(
      try OriginRule(.any, hosts: rule).judge(origin: nil, host: host, pagesSayOrigin: false) == .allowed)
  }

  @Test(arguments: ["a:80", "http://a", "", "a b", "[::1]:4"]) func refusesAnAllowedHostThatIsNone(
    _ name: String
  ) {
    #expect(throws: NetworkError.self) { try HostRule([name], listeningOn: "::") }
  }

  @Test func asksTheHostAboutAnOrigin() async throws {
    let backend = EchoBackend { request in
      request.originToCheck == "https://evil.test" ? .originRefused : .accepted(ConnectGrant())
    }
    let configuration = NetworkConfiguration.echo { $0.mounts[0].origins = .askHost }
    try await TestServer.with(configuration, backend: backend) { test in
      let client = try await test.connect()
      #expect(try await client.upgrade(fields: "Origin: https://evil.test\r\n").status == 403)
      #expect(
        test.log.text.contains(
          "origin \"https://evil.test\" is not allowed, expected one that the host allows"))
      #expect(try await client.upgrade(fields: "Origin: null\r\n").status == 403)
      #expect(test.backend.requests.map(\.originToCheck) == ["https://evil.test"])
      #expect(try await test.connect().upgrade(fields: "Origin: https://good.test\r\n").status == 101)
      #expect(try await test.connect().upgrade().status == 101)
      #expect(test.backend.requests.map(\.originToCheck) == ["https://evil.test", "https://good.test", nil])
      let poll = try await test.connect().request(
        "GET /socket/longpoll?vsn=2.0.0 HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.test\r\n\r\n")
      #expect(poll.body == #"{"status":403}"#)
    }
  }

  @Test func refusesAnOriginAndLogsBothValues() async throws {
    try await TestServer.with(.echo { $0.mounts[0].origins = .list(["//example.com"]) }) { test in
      let client = try await test.connect()
      let reply = try await client.upgrade(fields: "Origin: http://evil.test\r\n")
      #expect(reply.status == 403)
      #expect(reply.body == "")
      #expect(test.log.text.contains("origin \"http://evil.test\" is not allowed, expected //example.com"))
      #expect(test.backend.requests.isEmpty)
    }
  }

  @Test(arguments: ["example.com", "https:", "//", "http://a b", "//a:b", ""])
  func refusesAnOriginPatternThatIsNone(_ pattern: String) {
    #expect(throws: NetworkError.self) { try OriginRule(.list([pattern]), hosts: Self.loopback) }
  }

  // MARK: Subprotocols

  @Test(
    arguments: [
      (["phoenix", "synq"], "other", nil), (["phoenix", "synq"], "other, synq", "synq"),
      (["phoenix", "synq"], "synq, phoenix", "phoenix"), (["phoenix", "synq"], "", ""),
      ([], "phoenix, other", ""), ([], "phoenix, base64url.bearer.phx.YWJj", "phoenix"),
      (["synq"], "phoenix, base64url.bearer.phx.YWJj", "phoenix"),
    ] as [([String], String, String?)])
  func choosesASubprotocol(_ configured: [String], _ offered: String, _ echoed: String?) async throws {
    try await TestServer.with(.echo { $0.mounts[0].subprotocols = configured }) { test in
      let client = try await test.connect()
      let reply = try await client.upgrade(
        fields: offered.isEmpty ? "" : "Sec-WebSocket-Protocol: \(offered)\r\n")
      #expect(reply.status == (echoed == nil ? 403 : 101))
      #expect(reply.headers["sec-websocket-protocol"] ?? "" == echoed ?? "")
    }
  }

  @Test(
    arguments: [
      ("YWJj", "abc"), ("4pyTIG9r", "✓ ok"), ("YQ", "a"), ("YQ==", "a"), ("-_-_", nil), ("!", nil),
    ] as [(String, String?)])
  func handsOverTheAuthToken(_ encoded: String, _ token: String?) async throws {
    try await TestServer.with { test in
      let client = try await test.connect()
      _ = try await client.upgrade(
        fields: "Sec-WebSocket-Protocol: phoenix, base64url.bearer.phx.\(encoded)\r\n")
      #expect(test.backend.requests.map(\.authToken) == [token])
    }
  }

  // MARK: What the host is asked

  @Test func handsOverParamsHeadersAndPeer() async throws {
    let configuration = NetworkConfiguration.echo {
      $0.mounts.append(.echo("/path") { $0.webSocketPath = "custom/:id/ws" })
    }
    try await TestServer.with(configuration) { test in
      let client = try await test.connect()
      let reply = try await client.upgrade(
        "/path/custom/a%2Fb/ws?vsn=1.0.0&user=J%C3%B6+B&a[x]=1&a[y][]=2&a[y][]=3&id=query",
        fields: "X-Name: v\r\n")
      #expect(reply.status == 101)
      let request = try #require(test.backend.requests.first)
      #expect(request.mount == 1)
      #expect(request.transport == .webSocket)
      #expect(request.serializer == .v1)
      #expect(request.params == ["user": "Jö B", "a": ["x": "1", "y": ["2", "3"]], "id": "a/b"])
      #expect(request.headers.contains { $0 == ("X-Name", "v") })
      #expect(request.peer == "127.0.0.1")
    }
  }

  @Test(arguments: [
    (403, ""), (401, "custom unauthorized"), (429, ""), (500, "{\"errors\":{}}"),
  ])
  func answersARefusalOfTheHost(_ status: Int, _ body: String) async throws {
    let backend = EchoBackend { _ in .refused(status: status, body: body, reason: "not today") }
    try await TestServer.with(backend: backend) { test in
      let reply = try await test.connect().upgrade()
      #expect(reply.status == status)
      #expect(reply.body == body)
      #expect(
        reply.headers["content-type"] == (body.hasPrefix("{") ? "application/json; charset=utf-8" : nil))
      #expect(test.log.text.contains("refusing a connection: not today"))
    }
  }

  /// A refusal is 403 in the body, whatever the host's status; a failure is one of HTTP too, and stock clients, who read the
  /// body's, come back after it.
  @Test(arguments: [(403, 200, 403), (401, 200, 403), (429, 200, 403), (500, 500, 500), (503, 503, 503)])
  func answersARefusalOfTheHostOverLongPoll(_ status: Int, _ http: Int, _ inBody: Int) async throws {
    let backend = EchoBackend { _ in .refused(status: status, body: "no", reason: "not today") }
    try await TestServer.with(backend: backend) { test in
      let reply = try await test.connect().request(
        "GET /socket/longpoll?vsn=2.0.0 HTTP/1.1\r\nHost: x\r\n\r\n")
      #expect(reply.status == http)
      #expect(try JSON(parsing: reply.body)["status"] == JSON(inBody))
      #expect(test.log.text.contains("refusing a connection: not today"))
    }
  }

  /// `wire/upgrade_connect_raises`.
  @Test func answersAFailureOfTheHost() async throws {
    struct Failure: Error {}
    try await TestServer.with(backend: EchoBackend { _ in throw Failure() }) { test in
      let reply = try await test.connect().upgrade()
      #expect(reply.status == 500)
      #expect(reply.body == "{\"errors\":{\"detail\":\"Internal Server Error\"}}")
    }
  }
}
