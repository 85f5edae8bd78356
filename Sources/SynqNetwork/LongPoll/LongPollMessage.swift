import NIOCore
import SynqWire

/// One message of a request's body.
struct LongPollMessage: Sendable {
  var kind: Outbox.Kind
  var bytes: ByteBuffer

  enum Batch: Sendable {
    case messages([LongPollMessage])
    case tooMany
    /// The line of this number, from 1, is neither text nor base64.
    case malformed(line: Int)
  }

  /// Reads a body: with `isLines` a message a line, text as it is and bytes in base64, else one text message.
  ///
  /// More than `limit` lines are too many, also when they are empty: a body of nothing else would cost a look at each.
  ///
  /// A line is text when it begins as a message does: with "[" and, in V1, with "{" (`wire/longpoll_*`). The whole
  /// body is read before any of it is acted on.
  static func read(_ body: ByteBuffer, isLines: Bool, serializer: Serializer, limit: Int) -> Batch {
    guard isLines else { return .messages([LongPollMessage(kind: .text, bytes: body)]) }
    var messages: [LongPollMessage] = []
    var rest = body
    var number = 0
    while rest.readableBytes > 0 {
      let length = rest.readableBytesView.firstIndex(of: UInt8(ascii: "\n")).map { $0 - rest.readerIndex }
      guard var line = rest.readSlice(length: length ?? rest.readableBytes) else { break }
      if length != nil { rest.moveReaderIndex(forwardBy: 1) }
      if line.readableBytesView.last == UInt8(ascii: "\r") { line.moveWriterIndex(to: line.writerIndex - 1) }
      number += 1
      guard number <= limit else { return .tooMany }
      guard let first = line.readableBytesView.first else { continue }
      if first == UInt8(ascii: "[") || (serializer == .v1 && first == UInt8(ascii: "{")) {
        messages.append(LongPollMessage(kind: .text, bytes: line))
      } else {
        guard let bytes = Base64.decode(line.readableBytesView) else { return .malformed(line: number) }
        messages.append(LongPollMessage(kind: .binary, bytes: ByteBuffer(bytes: bytes)))
      }
    }
    // Nothing at all is no message, as it is none without lines.
    return messages.isEmpty ? .malformed(line: 1) : .messages(messages)
  }
}
