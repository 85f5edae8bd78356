import Dispatch
import Glibc
import Synq

/// A Phoenix client of a few lines over a real socket: what a test needs that wants to see the network.
///
/// Its calls block a thread of its own, since the tasks of the server need those of the tests.
final class WebSocketClient: Sendable {
  private let queue = DispatchQueue(label: "client")
  private let connection: BlockingConnection

  /// Connects to a port of this machine; a request that is not upgraded is a failure with its status line.
  init(port: Int, path: String = "/socket/websocket?vsn=2.0.0", origin: String? = nil) async throws {
    connection = try await Self.run(on: queue) {
      try BlockingConnection(port: port, path: path, origin: origin)
    }
  }

  func send(_ message: JSON) async throws {
    try await Self.run(on: queue) { [self] in try connection.send(message) }
  }

  /// The next message; nil when the server closed the connection.
  func receive() async throws -> JSON? {
    try await Self.run(on: queue) { [self] in try connection.receive() }
  }

  private static func run<T: Sendable>(
    on queue: DispatchQueue, _ body: @escaping @Sendable () throws -> T
  ) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
      queue.async { continuation.resume(with: Result { try body() }) }
    }
  }
}

struct ConnectionFailure: Error { var reason: String }

extension Limits {
  /// Of a server that a test has a client of: the test's task may be late by all the time that the tests take which compute
  /// and keep every thread busy.
  static var patient: Limits {
    var limits = Limits()
    limits.handshakeTimeout = .seconds(3600)
    limits.idleTimeout = .seconds(3600)
    return limits
  }
}

/// `@unchecked Sendable`: used on the queue of its client only.
private final class BlockingConnection: @unchecked Sendable {
  private let descriptor: Int32
  private var received: [UInt8] = []

  init(port: Int, path: String, origin: String?) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let status = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard status == 0 else { throw ConnectionFailure(reason: "connect: \(errno)") }
    // Only a test that fails waits so long; a host's task may wait for all the tests that compute.
    var limit = timeval(tv_sec: 3600, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var lines = [
      "GET \(path) HTTP/1.1", "Host: 127.0.0.1:\(port)", "Upgrade: websocket", "Connection: Upgrade",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
    ]
    if let origin { lines.append("Origin: \(origin)") }
    try write(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8))
    var head = ""
    while !head.hasSuffix("\r\n\r\n") { head.unicodeScalars.append(Unicode.Scalar(try readByte())) }
    guard head.hasPrefix("HTTP/1.1 101") else {
      throw ConnectionFailure(reason: String(head.prefix { $0 != "\r\n" }))
    }
  }

  deinit { close(descriptor) }

  /// Sends a message as one masked text frame.
  func send(_ message: JSON) throws {
    let payload = Array("\(message)".utf8)
    precondition(payload.count < 126)
    // A mask of zeros leaves the payload as it is.
    try write([0x81, 0x80 | UInt8(payload.count), 0, 0, 0, 0] + payload)
  }

  /// The next message; nil when the server closed the connection.
  func receive() throws -> JSON? {
    let opcode = try readByte() & 0x0F
    var count = Int(try readByte())
    if count == 126 { count = Int(try readByte()) << 8 | Int(try readByte()) }
    let payload = try (0..<count).map { _ in try readByte() }
    guard opcode == 8 else { return try JSON(parsing: payload) }
    try write([0x88, 0x80 | UInt8(count), 0, 0, 0, 0] + payload)
    shutdown(descriptor, Int32(SHUT_RDWR))
    return nil
  }

  private func readByte() throws -> UInt8 {
    if received.isEmpty {
      var buffer = [UInt8](repeating: 0, count: 4096)
      let count = read(descriptor, &buffer, buffer.count)
      guard count > 0 else { throw ConnectionFailure(reason: "read: \(count == 0 ? "end" : "\(errno)")") }
      received = buffer[..<count].reversed()
    }
    return received.removeLast()
  }

  private func write(_ bytes: [UInt8]) throws {
    guard Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
      throw ConnectionFailure(reason: "write: \(errno)")
    }
  }
}
