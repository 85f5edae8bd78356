import NIOCore
import NIOHTTP1

/// The answer to one request, whole.
struct HTTPAnswer {
  var status: HTTPResponseStatus
  /// Fields after those that every answer has.
  var headers: [(name: String, value: String)] = []
  var body = ByteBuffer()
  /// The length when `body` is not all of it, as in the answer to HEAD.
  var contentLength: Int?
  /// The connection ends after it.
  var closes = false
  /// Sent in place of the default `cache-control`.
  var cacheControl = HTTPAnswer.private

  static let `private` = "max-age=0, private, must-revalidate"

  static func empty(_ status: HTTPResponseStatus) -> HTTPAnswer {
    HTTPAnswer(status: status)
  }

  static func text(_ status: HTTPResponseStatus, _ text: String) -> HTTPAnswer {
    HTTPAnswer(status: status, body: ByteBuffer(string: text))
  }

  static func json(_ status: HTTPResponseStatus, _ text: String) -> HTTPAnswer {
    HTTPAnswer(
      status: status, headers: [("content-type", "application/json; charset=utf-8")],
      body: ByteBuffer(string: text))
  }

  /// Phoenix's answer when its own code failed (`wire/upgrade_connect_raises`), with that status.
  static func failure(_ status: HTTPResponseStatus) -> HTTPAnswer {
    .json(status, "{\"errors\":{\"detail\":\"\(status.reasonPhrase)\"}}")
  }

  /// The fields in Phoenix's order (`wire/upgrade_*`).
  func fields(now: HTTPDate) -> HTTPHeaders {
    var fields = HTTPHeaders()
    fields.reserveCapacity(headers.count + 5)
    fields.add(name: "date", value: now.text)
    // 304 has no content, and a length of 0 would say that the content is empty (RFC 9110, section 8.6).
    if status != .notModified {
      fields.add(name: "content-length", value: String(contentLength ?? body.readableBytes))
    }
    fields.add(name: "vary", value: "accept-encoding")
    fields.add(name: "cache-control", value: cacheControl)
    for header in headers { fields.add(name: header.name, value: header.value) }
    if closes { fields.add(name: "connection", value: "close") }
    return fields
  }
}
