import Logging
import NIOCore
import NIOPosix
import SynqWire
import Testing

@testable import SynqNetwork

/// What a host is told about a configuration that cannot work.
@Suite(.timeLimit(.minutes(1))) struct StartTests {
  private static func error(_ change: (inout NetworkConfiguration) -> Void) -> NetworkError? {
    do {
      _ = try NetworkServer(
        .echo(change), backend: EchoBackend(), group: MultiThreadedEventLoopGroup.singleton,
        logger: Logger(label: ""))
      return nil
    } catch {
      return error
    }
  }

  @Test func namesTheArgumentAndTheCause() {
    #expect(Self.error { $0.port = 70_000 }?.description == "port 70000: is not in 0...65535")
    #expect(
      Self.error { $0.mounts[0].path = "socket" }?.description == "path \"socket\": a path begins with \"/\"")
    #expect(
      Self.error { $0.mounts[0].path = "/a b" }?.description
        == "path \"/a b\": a path has no space or control character")
    #expect(
      Self.error { $0.mounts[0].webSocketPath = ":/ws" }?.description
        == "path \"/socket/:/ws\": the name of \":\" is not made of letters, digits and _")
    #expect(
      Self.error { $0.mounts[0].webSocketPath = ":id/:id" }?.description
        == "path \"/socket/:id/:id\": \":id\" comes twice")
    #expect(Self.error { $0.mounts[0].path = "/a?b" }?.cause == "a path has no \"?\" or \"#\"")
    #expect(Self.error { $0.mounts[0].path = "/../a" }?.cause == "a path has no \".\" or \"..\"")
    #expect(
      Self.error { $0.mounts.append(.echo("//socket/")) }?.description
        == "path \"//socket//websocket\": already taken by another socket")
    #expect(
      Self.error { $0.mounts[0].origins = .list(["example.com"]) }?.description
        == "origin \"example.com\": expected \"https://example.com\", \"//example.com\" or \"//*.example.com\""
    )
    #expect(
      Self.error { $0.mounts[0].limits.maxFrameBytes = 0 }?.description
        == "maxFrameBytes of mount \"/socket\": must be at least 1, is 0")
    #expect(
      Self.error { $0.mounts[0].limits.outboundLowWaterMark = 1 << 30 }?.description
        == "outboundHighWaterMark of mount \"/socket\": is below outboundLowWaterMark")
    #expect(
      Self.error { $0.files = [StaticRoot(prefix: "/", directory: "/no/such/directory")] }?.description
        == "directory \"/no/such/directory\": No such file or directory")
    #expect(
      Self.error { $0.files = [StaticRoot(prefix: "/", directory: "/etc/passwd")] }?.description
        == "directory \"/etc/passwd\": is not a directory")
    #expect(
      Self.error { $0.files = [StaticRoot(prefix: "/:a", directory: "/")] }?.description
        == "path \"/:a\": a directory's path has no parameters")
    #expect(
      Self.error { $0.tls = TLSConfiguration(certificateFile: "/none", keyFile: "/none") }?.description
        == "certificate file \"/none\": No such file or directory")
    #expect(
      Self.error { $0.tls = TLSConfiguration(certificateFile: "/etc/passwd", keyFile: "/none") }?.description
        == "certificate file \"/etc/passwd\": holds no certificate in PEM")
  }

  @Test func namesAPortInUse() async throws {
    try await TestServer.with { test in
      let server = try NetworkServer(
        .echo { $0.port = test.port }, backend: EchoBackend(), group: MultiThreadedEventLoopGroup.singleton,
        logger: Logger(label: ""))
      let error = await #expect(throws: NetworkError.self) { try await server.listen().get() }
      #expect(error?.description == "address 127.0.0.1:\(test.port): is in use")
    }
  }

  @Test func namesAnAddressThatIsNotOurs() async throws {
    let server = try NetworkServer(
      .echo { $0.host = "192.0.2.1" }, backend: EchoBackend(), group: MultiThreadedEventLoopGroup.singleton,
      logger: Logger(label: ""))
    let error = await #expect(throws: NetworkError.self) { try await server.listen().get() }
    #expect(error?.description == "address 192.0.2.1:0: is not an address of this machine")
  }

  @Test func clientsWaitUntilItAccepts() async throws {
    try await TestServer.with(accepting: false) { test in
      let client = try await test.connect()
      // A loop that accepts would have done so in the second turn at the latest.
      for _ in 0..<2 { try await test.turn() }
      #expect(test.server.connectionCount == 0)
      test.server.startAccepting()
      _ = try await client.upgrade("/socket/websocket?vsn=2.0.0")
      try await client.send(ClientFrame.text("it was worth it"))
      #expect(await client.text() == "it was worth it")
    }
  }

  @Test func freesThePortWhenItStopsAccepting() async throws {
    // A port that is free may be given to anybody, another test too: then it is tried with the next.
    var attempts = 5
    while try await !aPortIsFreed() {
      attempts -= 1
      try #require(attempts > 0, "no port was free")
    }
  }

  private func aPortIsFreed() async throws -> Bool {
    var isFreed = false
    try await TestServer.with { test in
      let client = try await test.webSocket()
      let port = test.port
      try await test.server.stopAccepting().get()
      try await test.server.stopAccepting().get()
      let next = try NetworkServer(
        .echo { $0.port = port }, backend: EchoBackend(), group: MultiThreadedEventLoopGroup.singleton,
        logger: Logger(label: ""))
      do {
        try await next.listen().get()
      } catch let error as NetworkError where error.description.hasSuffix("is in use") {
        return
      }
      try await next.stopAccepting().get()
      // Connections stay.
      try await client.send(ClientFrame.text("still here"))
      #expect(await client.text() == "still here")
      isFreed = true
    }
    return isFreed
  }
}
