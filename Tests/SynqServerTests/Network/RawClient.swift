import NIOCore
import NIOPosix
import NIOSSL

@testable import SynqWebSocket

/// A TCP client that sends bytes as they are and reads what comes back.
final class RawClient {
  private let channel: any Channel
  private var chunks: AsyncStream<ByteBuffer>.Iterator
  private var buffer = ByteBuffer()
  private var isOver = false

  private final class Receiver: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    private let chunks: AsyncStream<ByteBuffer>.Continuation

    init(_ chunks: AsyncStream<ByteBuffer>.Continuation) { self.chunks = chunks }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      chunks.yield(Self.unwrapInboundIn(data))
    }
    func channelInactive(context: ChannelHandlerContext) { chunks.finish() }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
  }

  private init(_ channel: any Channel, _ chunks: AsyncStream<ByteBuffer>) {
    self.channel = channel
    self.chunks = chunks.makeAsyncIterator()
  }

  /// Connects; with `tls` encrypted, to "localhost". With `halfClosure` the client's side stays open when the server
  /// closes its own.
  static func connect(
    port: Int, autoRead: Bool = true, halfClosure: Bool = false, tls: NIOSSLContext? = nil
  ) async throws -> RawClient {
    let (chunks, continuation) = AsyncStream.makeStream(of: ByteBuffer.self)
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelOption(.autoRead, value: autoRead)
      .channelOption(.allowRemoteHalfClosure, value: halfClosure)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          if let tls {
            let handler = try NIOSSLClientHandler(context: tls, serverHostname: "localhost")
            try channel.pipeline.syncOperations.addHandler(handler)
          }
          try channel.pipeline.syncOperations.addHandler(Receiver(continuation))
        }
      }
      .connect(host: "127.0.0.1", port: port).get()
    return RawClient(channel, chunks)
  }

  func send(_ text: String) async throws { try await channel.writeAndFlush(ByteBuffer(string: text)) }
  func send(_ bytes: [UInt8]) async throws { try await channel.writeAndFlush(ByteBuffer(bytes: bytes)) }

  /// Sends without waiting until the peer takes it.
  func sendAndForget(_ bytes: [UInt8]) { channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil) }

  func stopReading() async throws { try await channel.setOption(.autoRead, value: false).get() }

  func startReading() async throws { try await channel.setOption(.autoRead, value: true).get() }

  /// Closes the client's side alone.
  func closeOutput() async throws { try await channel.close(mode: .output) }

  /// Ends the connection at once.
  func close() async throws { try await channel.close() }

  /// The next `count` bytes, or fewer when the connection ends before.
  func receive(_ count: Int) async -> [UInt8] {
    while buffer.readableBytes < count, await more() {}
    return buffer.readBytes(length: min(count, buffer.readableBytes)) ?? []
  }

  /// The bytes up to and with the first `mark`, or up to the end.
  func receive(through mark: String) async -> String {
    while true {
      let text = String(decoding: buffer.readableBytesView, as: UTF8.self)
      if let range = text.firstRange(of: mark) {
        let found = String(text[..<range.upperBound])
        buffer.moveReaderIndex(forwardBy: found.utf8.count)
        return found
      }
      guard await more() else {
        buffer.clear()
        return text
      }
    }
  }

  /// Everything up to the end of the connection.
  func receiveToEnd() async -> [UInt8] {
    while await more() {}
    return buffer.readBytes(length: buffer.readableBytes) ?? []
  }

  private func more() async -> Bool {
    guard !isOver else { return false }
    guard let chunk = await chunks.next() else {
      isOver = true
      return false
    }
    buffer.writeImmutableBuffer(chunk)
    return true
  }
}

/// An HTTP answer as a client reads it.
struct HTTPReply: Equatable {
  var status: Int
  var headers: [String: String]
  var body: String
}

extension RawClient {
  /// Sends a request and reads its answer.
  func request(_ text: String) async throws -> HTTPReply {
    try await send(text)
    return await reply(hasBody: !text.hasPrefix("HEAD"))
  }

  func reply(hasBody: Bool = true) async -> HTTPReply {
    let lines = await receive(through: "\r\n\r\n").split(separator: "\r\n")
    guard let first = lines.first, let status = Int(first.dropFirst(9).prefix(3)) else {
      return HTTPReply(status: 0, headers: [:], body: "")
    }
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      headers[line[..<colon].lowercased()] = String(line[colon...].dropFirst(2))
    }
    let length = hasBody ? headers["content-length"].flatMap { Int($0) } ?? 0 : 0
    let body = length > 0 ? String(decoding: await receive(length), as: UTF8.self) : ""
    return HTTPReply(status: status, headers: headers, body: body)
  }

  /// Upgrades to a WebSocket at `target`.
  func upgrade(_ target: String = "/socket/websocket?vsn=2.0.0", fields: String = "") async throws
    -> HTTPReply
  {
    try await request(UpgradeRequest.text(target, fields: fields))
  }

  /// The next frame: its opcode and payload; nil at the end of the connection.
  func frame() async -> (opcode: FrameOpcode, payload: [UInt8])? {
    let head = await receive(2)
    guard head.count == 2 else { return nil }
    var length = Int(head[1])
    if length == 126 { length = await receive(2).reduce(0) { $0 << 8 | Int($1) } }
    if length == 127 { length = await receive(8).reduce(0) { $0 << 8 | Int($1) } }
    return (FrameOpcode(rawValue: head[0] & 0x0F), await receive(length))
  }

  /// The next frame's text, or a description of what came instead.
  func text() async -> String {
    guard let (opcode, payload) = await frame() else { return "the end" }
    return opcode == .text ? String(decoding: payload, as: UTF8.self) : "opcode \(opcode.rawValue) \(payload)"
  }
}

enum UpgradeRequest {
  static func text(_ target: String, fields: String = "") -> String {
    "GET \(target) HTTP/1.1\r\nHost: localhost:4000\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\(fields)\r\n"
  }
}
