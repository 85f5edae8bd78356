import NIOCore
import NIOEmbedded
import SynqJSON

@testable import SynqNetwork
@testable import SynqWebSocket

/// The bytes of one TCP connection: requests, an upgrade, frames, whatever. The first byte says where they are cut and
/// how much time passes there. Whatever comes: the server goes on to serve others, what it answers is HTTP and then
/// frames, and when the connection is gone nothing is left of it.
@_cdecl("LLVMFuzzerTestOneInput")
public func connections(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  guard let first = bytes.first else { return 0 }
  let server = makeServer()
  guard let peer = try? server.connect() else { fatalError("no connection") }
  var rest = bytes.dropFirst()
  let cut = first == 0 ? 1 : Int(first) * 16
  // At each cut it may stop reading for a while.
  var pieces = 0
  while !rest.isEmpty {
    peer.send(Array(rest.prefix(first == 0 && pieces > 500 ? .max : cut)))
    rest = rest.dropFirst(first == 0 && pieces > 500 ? rest.count : cut)
    pieces += 1
    if first & 1 == 1 { peer.reads = pieces % 3 != 0 }
    if pieces % 7 == 0 { server.loop.advanceTime(by: .seconds(1)) }
  }
  peer.reads = true
  check(peer.received())
  if first & 2 == 2 {
    peer.disconnect()
  } else {
    // A peer that says no more: every time-out passes.
    server.loop.advanceTime(by: .minutes(5))
  }
  server.loop.run()
  precondition(!peer.channel.isActive, "the connection stays for ever")
  server.loop.advanceTime(by: .minutes(5))
  precondition(server.networkLoop.memberCount == 0, "\(server.networkLoop.memberCount) are left")
  precondition(server.hub.stats.connections.current == 0, "connections are left")
  precondition(server.hub.stats.channels.current == 0, "channels are left")
  precondition(server.hub.stats.crashes.current == 0, "callbacks crashed")
  return 0
}

private func makeServer() -> ManualServer {
  do {
    return try ManualServer { configuration in
      configuration.mounts[0].limits.maxFrameBytes = 4_000
      configuration.mounts[0].limits.maxMessageBytes = 6_000
      configuration.mounts[0].limits.maxOutboundBytes = 20_000
      configuration.mounts[0].limits.outboundHighWaterMark = 2_000
      configuration.mounts[0].limits.outboundLowWaterMark = 1_000
      configuration.mounts[0].subprotocols = ["phoenix"]
      var compressed = SocketMount(path: "/compress")
      compressed.compression = CompressionOptions()
      compressed.compression?.minBytes = 0
      compressed.limits = configuration.mounts[0].limits
      var path = SocketMount(path: "/path")
      path.webSocketPath = "custom/:id/ws"
      path.origins = .list(["//example.com", "//*.example.org"])
      configuration.mounts += [compressed, path]
      configuration.limits.maxHeaderBytes = 4_000
    }
  } catch {
    fatalError("\(error)")
  }
}

/// What the server sent: answers of HTTP, and after a 101 frames.
private func check(_ bytes: [UInt8]) {
  var rest = bytes[...]
  while !rest.isEmpty {
    guard let end = rest.firstRange(of: Array("\r\n\r\n".utf8)) else { fatalError("half an answer") }
    let head = String(decoding: rest[..<end.lowerBound], as: UTF8.self)
    precondition(head.hasPrefix("HTTP/1.1 "), head)
    rest = rest[end.upperBound...]
    if head.hasPrefix("HTTP/1.1 101") { return checkFrames(rest) }
    if head.hasPrefix("HTTP/1.1 100") { continue }
    // The answer to HEAD says a length and has no body; what follows then is another answer, or nothing.
    let length = head.lowercased().firstRange(of: "content-length: ").map {
      Int(head[$0.upperBound...].prefix { $0.isNumber }) ?? 0
    }
    if rest.starts(with: Array("HTTP/1.1 ".utf8)) || rest.isEmpty { continue }
    precondition(rest.count >= length ?? 0, "a body that is too short")
    rest = rest.dropFirst(length ?? 0)
  }
}

private func checkFrames(_ bytes: ArraySlice<UInt8>) {
  var rest = bytes
  while !rest.isEmpty {
    precondition(rest.count >= 2, "half a frame")
    let first = rest.removeFirst()
    var length = Int(rest.removeFirst())
    precondition(first & 0x80 != 0 && first & 0x30 == 0 && length < 128, "a frame that no server sends")
    let extra = length == 126 ? 2 : length == 127 ? 8 : 0
    precondition(rest.count >= extra, "half a frame")
    if extra > 0 { length = rest.prefix(extra).reduce(0) { $0 << 8 | Int($1) } }
    rest = rest.dropFirst(extra)
    precondition(rest.count >= length, "half a frame")
    let payload = rest.prefix(length)
    rest = rest.dropFirst(length)
    switch (first & 0x0F, first & 0x40) {
    case (1, 0): precondition((try? JSON(parsing: Array(payload))) != nil, "text that is no JSON")
    case (1, _), (2, _): break
    case (8, 0): precondition(rest.isEmpty, "something after the close frame")
    case (10, 0): precondition(payload.count <= 125)
    default: fatalError("opcode \(first)")
    }
  }
}
