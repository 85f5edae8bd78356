import SynqHosting
import SynqJSON

/// What a binary reply becomes over long poll, where stock clients cannot read one: an error reply that says so.
/// Phoenix answers such a poll with 500 (`wire/longpoll_binary`).
enum BinaryOverLongPoll {
  /// Appends the error reply in V2 text. False when `message` is no V2 binary reply: nobody waits for an answer then.
  static func appendErrorReply(to message: UnsafeRawBufferPointer, into text: inout ByteWriter) -> Bool {
    guard message.count >= 5, message[0] == 1 else { return false }
    var offset = 5
    var parts: [UnsafeRawBufferPointer] = []
    for index in 1...3 {
      let end = offset + Int(message[index])
      guard end <= message.count else { return false }
      parts.append(UnsafeRawBufferPointer(rebasing: message[offset..<end]))
      offset = end
    }
    text.append("[")
    for part in parts {
      // An empty join_ref or ref is null.
      if part.isEmpty { text.append("null") } else { text.append(escaping: part) }
      text.append(",")
    }
    text.append(
      "\"phx_reply\",{\"status\":\"error\",\"response\":{\"code\":\"binary_over_longpoll\",\"message\":")
    text.append("\"The reply is binary, which long poll cannot carry\",\"details\":null,\"timestamp\":\"")
    text.append(utf8: rfc3339Now())
    text.append("\"}}]")
    return true
  }
}
