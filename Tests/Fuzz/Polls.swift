import NIOCore
import NIOEmbedded
import SynqJSON

@testable import SynqNetwork

/// Bodies of requests to one long-poll session, a zero byte after each; the first byte picks the serializer and the
/// type. Whatever comes: every request is answered with a status of the protocol, and polls bring whole messages.
@_cdecl("LLVMFuzzerTestOneInput")
public func polls(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = UnsafeBufferPointer(start: start, count: count)
  guard let first = bytes.first else { return 0 }
  let poller = Poller(serializer: first & 1 == 0 ? "2.0.0" : "1.0.0")
  let type = first & 2 == 0 ? "application/x-ndjson" : "application/json"
  for body in bytes.dropFirst().split(separator: 0, maxSplits: 50, omittingEmptySubsequences: false) {
    poller.post(Array(body), type: type)
    poller.poll()
  }
  poller.end()
  return 0
}

private final class Poller {
  private let server: ManualServer
  private var peer: ManualPeer
  private let target: String
  private var token = ""

  init(serializer: String) {
    do {
      server = try ManualServer {
        $0.mounts[0].longPoll.maxBatchMessages = 5
        $0.mounts[0].longPoll.maxBodyBytes = 3_000
        $0.mounts[0].longPoll.maxQueuedBytes = 5_000
        $0.mounts[0].longPoll.window = .seconds(2)
      }
      peer = try server.connect()
    } catch {
      fatalError("\(error)")
    }
    target = "/socket/longpoll?vsn=\(serializer)"
    poll()
    post(Array(#"["1","1","room:1","phx_join",{}]"#.utf8), type: "application/json")
    poll()
  }

  func post(_ body: [UInt8], type: String) {
    let head =
      "POST \(target)&token=\(token) HTTP/1.1\r\nHost: x\r\nContent-Type: \(type)\r\nContent-Length: \(body.count)\r\n\r\n"
    let answer = request(Array(head.utf8) + body)
    precondition([200, 408, 410, 413].contains(answer["status"]), "\(answer)")
    // A body that is refused ends its connection.
    if answer["status"] == 413 { reconnect() }
  }

  private func reconnect() {
    peer.disconnect()
    guard let next = try? server.connect() else { fatalError("no connection") }
    peer = next
  }

  func poll() {
    let answer = request(Array("GET \(target)&token=\(token) HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
    precondition([200, 204, 410].contains(answer["status"]), "\(answer)")
    guard let messages = answer["messages"], let token = answer["token"]?.stringValue else {
      fatalError("\(answer)")
    }
    self.token = token
    for message in messages.elements {
      precondition(message.stringValue.flatMap { try? JSON(parsing: $0) } != nil, "\(message)")
    }
  }

  /// A request and its answer, for which time passes if it must.
  private func request(_ bytes: [UInt8]) -> JSON {
    peer.send(bytes)
    var answer = peer.received()
    if answer.isEmpty {
      server.loop.advanceTime(by: .seconds(2))
      answer = peer.received()
    }
    guard let end = answer.firstRange(of: Array("\r\n\r\n".utf8)),
      let body = try? JSON(parsing: Array(answer[end.upperBound...]))
    else {
      fatalError("no answer: \(String(decoding: answer, as: UTF8.self))")
    }
    precondition(answer.starts(with: Array("HTTP/1.1 200 OK\r\n".utf8)))
    return body
  }

  func end() {
    peer.disconnect()
    server.loop.advanceTime(by: .minutes(5))
    precondition(server.networkLoop.memberCount == 0, "\(server.networkLoop.memberCount) are left")
    precondition(server.hub.stats.connections.current == 0 && server.hub.stats.channels.current == 0)
  }
}
