import NIOCore
import NIOEmbedded
import NIOPosix
import Testing

@testable import SynqNetwork

/// A listener of a process without descriptors: looked at again when a connection has ended, not before.
@Suite struct AcceptorTests {
  private let loop = EmbeddedEventLoop()
  private let log = LogRecord()

  private func listener() throws -> (EmbeddedChannel, Acceptor) {
    let acceptor = Acceptor(logger: log.logger)
    let channel = EmbeddedChannel(handler: acceptor, loop: loop)
    try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    return (channel, acceptor)
  }

  @Test(arguments: [EMFILE, ENFILE, ENOBUFS, ENOMEM])
  func pausesUntilAConnectionHasEnded(_ code: CInt) throws {
    let (channel, acceptor) = try listener()
    for _ in 0..<3 {
      channel.pipeline.fireErrorCaught(IOError(errnoCode: code, reason: "accept"))
      #expect(acceptor.isPausing)
      acceptor.connectionEnded()
      loop.run()
      #expect(!acceptor.isPausing)
    }
    // Of one time without descriptors there is one line.
    #expect(log.text.split(separator: "\n").count == 1)
    try channel.writeInbound(EmbeddedChannel() as any Channel)
    #expect(log.text.hasSuffix("info connections are accepted again"))
    channel.pipeline.fireErrorCaught(IOError(errnoCode: code, reason: "accept"))
    #expect(log.text.split(separator: "\n").count == 3)
    _ = try channel.finish(acceptAlreadyClosed: true)
  }

  @Test func looksAgainAfterAMoment() throws {
    let (channel, acceptor) = try listener()
    channel.pipeline.fireErrorCaught(IOError(errnoCode: EMFILE, reason: "accept"))
    #expect(acceptor.isPausing)
    loop.advanceTime(by: .milliseconds(500))
    #expect(!acceptor.isPausing)
    _ = try channel.finish(acceptAlreadyClosed: true)
  }

  @Test func otherErrorsAreForOthers() throws {
    let (channel, acceptor) = try listener()
    channel.pipeline.fireErrorCaught(IOError(errnoCode: ECONNABORTED, reason: "accept"))
    #expect(throws: IOError.self) { try channel.throwIfErrorCaught() }
    #expect(!acceptor.isPausing)
    _ = try channel.finish(acceptAlreadyClosed: true)
  }
}
