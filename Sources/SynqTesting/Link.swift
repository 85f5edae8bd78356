import SynqHosting
import SynqWire

/// What carries the messages of a test's client.
///
/// `@unchecked Sendable`: everything is touched on the test's loop only.
final class Link: SocketTransport, @unchecked Sendable {
  private weak var client: TestClient?
  private let loop: TestLoop
  var driver: SocketDriver?
  var isWritable = true
  private var isClosed = false

  init(_ client: TestClient, loop: TestLoop) {
    self.client = client
    self.loop = loop
  }

  // MARK: From the server

  func send(_ outbox: inout Outbox) {
    var frames: [ServerFrame] = []
    outbox.forEachMessage { kind, bytes in
      guard let frame = kind == .text ? ServerFrame(text: bytes) : ServerFrame(binary: bytes) else { return }
      frames.append(frame)
    }
    outbox.removeAll()
    for frame in frames { client?.receive(frame) }
  }

  func send(_ message: PreparedMessage) {
    let frame = message.bytes.withUnsafeBytes {
      message.kind == .text ? ServerFrame(text: $0) : ServerFrame(binary: $0)
    }
    if let frame { client?.receive(frame) }
  }

  func close(_ code: CloseCode, reason: String) {
    client?.connectionIsClosed(code)
    loop.execute { self.lose(reason: "closed with \(code.rawValue)") }
  }

  // MARK: From the client

  func receive(text: [UInt8]) {
    guard !isClosed else { return }
    text.withUnsafeBytes { driver?.receive(text: $0) }
    driver?.readBurstEnded()
  }

  func receive(binary: [UInt8]) {
    guard !isClosed else { return }
    binary.withUnsafeBytes { driver?.receive(binary: $0) }
    driver?.readBurstEnded()
  }

  func lose(reason: String) {
    guard !isClosed else { return }
    isClosed = true
    driver?.transportClosed(reason: reason)
  }
}
