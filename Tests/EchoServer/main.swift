import Logging
import NIOCore
import NIOPosix
import SynqJSON
import SynqHosting
import SynqNetwork
import SynqWebSocket
import SynqWire

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

// A server that sends every message back: what Autobahn's cases and the measurements of the network layer run on.
//
//   synq-echo PORT [--reply] [--threads N]
//
// `--reply` answers `[join_ref, ref, topic, event, payload]` with an empty ok reply, as the limit of the benchmarks
// does. The port that was taken is printed.

final class Echo: SocketReceiver {
  private let transport: any SocketTransport
  private let replies: Bool
  private var outbox = Outbox()

  init(_ transport: any SocketTransport, replies: Bool) {
    self.transport = transport
    self.replies = replies
  }

  func receive(text: UnsafeRawBufferPointer) {
    if replies {
      outbox.bytes.append(UnsafeRawBufferPointer(rebasing: text[..<prefix(of: text)]))
      outbox.bytes.append(",\"phx_reply\",{\"status\":\"ok\",\"response\":{}}]")
    } else {
      outbox.bytes.append(text)
    }
    outbox.endMessage(.text)
  }

  func receive(binary: UnsafeRawBufferPointer) {
    outbox.bytes.append(binary)
    outbox.endMessage(.binary)
  }

  func readBurstEnded() { transport.send(&outbox) }
  func transportBecameWritable() {}
  func transportClosed(reason: String) {}

  /// Where the third element of an array of plain strings ends.
  private func prefix(of text: UnsafeRawBufferPointer) -> Int {
    var commas = 0
    for (index, byte) in text.enumerated() where byte == UInt8(ascii: ",") {
      commas += 1
      if commas == 3 { return index }
    }
    return 0
  }
}

struct EchoBackend: SocketBackend {
  let replies: Bool

  func connect(_ request: ConnectRequest, on eventLoop: any EventLoop) -> EventLoopFuture<ConnectOutcome> {
    eventLoop.makeSucceededFuture(.accepted(ConnectGrant()))
  }

  func accept(
    _ grant: ConnectGrant, _ request: ConnectRequest, transport: any SocketTransport,
    on eventLoop: any EventLoop
  ) -> any SocketReceiver {
    Echo(transport, replies: replies)
  }
}

var arguments = CommandLine.arguments.dropFirst()
var configuration = NetworkConfiguration()
configuration.port = arguments.popFirst().flatMap { Int($0) } ?? 0
var threads = 1
var replies = false
while let argument = arguments.popFirst() {
  switch argument {
  case "--reply": replies = true
  case "--threads": threads = arguments.popFirst().flatMap { Int($0) } ?? 1
  default: print("synq-echo: unknown argument \(argument)")
  }
}
var mount = SocketMount(path: "/socket")
mount.limits.maxFrameBytes = 64 << 20
mount.limits.maxMessageBytes = 64 << 20
mount.limits.maxFragments = 1 << 20
mount.limits.maxOutboundBytes = 256 << 20
var compressed = mount
compressed.path = "/compress"
compressed.compression = CompressionOptions()
// Autobahn inflates messages of one repeated byte.
compressed.compression?.maxInflateRatio = 2_000
compressed.compression?.minBytes = 0
var remembering = compressed
remembering.path = "/takeover"
remembering.compression?.contextTakeover = true
configuration.mounts = [mount, compressed, remembering]
var logger = Logger(label: "synq-echo")
logger.logLevel = .error
let group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
let server = try NetworkServer(
  configuration, backend: EchoBackend(replies: replies), group: group, logger: logger)
try await server.listen().get()
server.startAccepting()
print(server.port ?? 0)
// Whoever started this waits for the port, through a pipe.
fflush(nil)
try await group.next().makePromise(of: Void.self).futureResult.get()
