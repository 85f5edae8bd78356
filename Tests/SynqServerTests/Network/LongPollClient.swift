import Testing

@testable import SynqServer

/// A long-poll client: one connection, a request after the other.
struct LongPollClient {
  let client: RawClient
  var target = "/socket/longpoll?vsn=2.0.0"

  /// The answer to messages that were taken.
  static let ok = "{\"status\":200}"

  init(_ test: TestServer) async throws { client = try await test.connect() }

  /// Sends a poll without waiting for its answer.
  func beginGet(token: String) async throws {
    try await client.send("GET \(target)&token=\(token) HTTP/1.1\r\nHost: localhost\r\n\r\n")
  }

  func get(token: String? = nil, fields: String = "") async throws -> HTTPReply {
    try await client.request(
      "GET \(target)\(token.map { "&token=\($0)" } ?? "") HTTP/1.1\r\nHost: localhost\r\n\(fields)\r\n")
  }

  func post(
    _ body: String, token: String?, type: String = "application/x-ndjson", fields: String = ""
  ) async throws -> HTTPReply {
    try await client.request(
      "POST \(target)\(token.map { "&token=\($0)" } ?? "") HTTP/1.1\r\nHost: localhost\r\nContent-Type: \(type)\r\n"
        + "Content-Length: \(body.utf8.count)\r\n\(fields)\r\n\(body)")
  }

  /// Begins a session and gives its token.
  func begin() async throws -> String {
    let reply = try await get()
    let prefix = "{\"messages\":[],\"status\":410,\"token\":\""
    #expect(reply.body.hasPrefix(prefix))
    return String(reply.body.dropFirst(prefix.count).dropLast(2))
  }
}
