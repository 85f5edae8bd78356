import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import SynqWire
import Testing

@testable import SynqNetwork

/// A directory with a certificate for localhost, made by the openssl program.
private struct Certificate: ~Copyable {
  let directory: String

  init(name: String = "localhost") throws {
    directory = NSTemporaryDirectory() + "synq-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    let openssl = Process()
    openssl.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    openssl.arguments = [
      "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
      "-days", "2",
      "-subj", "/CN=\(name)", "-addext", "subjectAltName=DNS:\(name)", "-keyout", directory + "/key.pem",
      "-out",
      directory + "/certificate.pem",
    ]
    openssl.standardError = FileHandle.nullDevice
    try openssl.run()
    openssl.waitUntilExit()
    #expect(openssl.terminationStatus == 0, "the openssl program made no certificate")
  }

  deinit { try? FileManager.default.removeItem(atPath: directory) }

  var configuration: SynqNetwork.TLSConfiguration {
    SynqNetwork.TLSConfiguration(
      certificateFile: directory + "/certificate.pem", keyFile: directory + "/key.pem")
  }

  /// What a client needs to trust exactly this certificate.
  func trust(maximum: TLSVersion? = nil) throws -> NIOSSLContext {
    var client = NIOSSL.TLSConfiguration.makeClientConfiguration()
    client.trustRoots = .file(directory + "/certificate.pem")
    client.maximumTLSVersion = maximum
    return try NIOSSLContext(configuration: client)
  }
}

@Suite(.timeLimit(.minutes(1))) struct TLSTests {
  @Test func speaksWebSocketOverTLS() async throws {
    let certificate = try Certificate()
    try await TestServer.with(.echo { $0.tls = certificate.configuration }) { test in
      let client = try await RawClient.connect(port: test.port, tls: certificate.trust())
      #expect(try await client.upgrade().status == 101)
      try await client.send(ClientFrame.text("héllo"))
      #expect(await client.text() == "héllo")
      let large = [UInt8](repeating: 7, count: 500_000)
      try await client.send(ClientFrame.frame(.binary, large))
      #expect(await client.frame()?.payload == large)
      try await client.send(ClientFrame.close(1000))
      #expect(await client.receiveToEnd() == [0x88, 2, 3, 0xE8])
      #expect(await test.backend.nextEnding() == "the client closed with 1000")
    }
  }

  @Test func refusesPlainText() async throws {
    let certificate = try Certificate()
    try await TestServer.with(.echo { $0.tls = certificate.configuration }) { test in
      let client = try await test.connect()
      try await client.send(UpgradeRequest.text("/socket/websocket"))
      let answer = await client.receiveToEnd()
      #expect(!answer.starts(with: Array("HTTP".utf8)))
    }
  }

  @Test func refusesVersionsBelowTheMinimum() async throws {
    let certificate = try Certificate()
    var tls = certificate.configuration
    tls.minimumVersion = .tls13
    try await TestServer.with(.echo { $0.tls = tls }) { test in
      let old = try await RawClient.connect(port: test.port, tls: certificate.trust(maximum: .tlsv12))
      #expect(await old.receiveToEnd() == [])
      let new = try await RawClient.connect(port: test.port, tls: certificate.trust())
      #expect(try await new.upgrade().status == 101)
    }
  }

  @Test func reloadsWithoutDroppingConnections() async throws {
    let first = try Certificate()
    let second = try Certificate()
    try await TestServer.with(.echo { $0.tls = first.configuration }) { test in
      let before = try await RawClient.connect(port: test.port, tls: first.trust())
      #expect(try await before.upgrade().status == 101)
      try test.server.reloadTLS(second.configuration)
      let after = try await RawClient.connect(port: test.port, tls: second.trust())
      #expect(try await after.upgrade().status == 101)
      try await before.send(ClientFrame.text("still here"))
      #expect(await before.text() == "still here")
      // What cannot be read changes nothing.
      var broken = first.configuration
      broken.certificateFile = second.configuration.certificateFile
      let error = #expect(throws: NetworkError.self) { try test.server.reloadTLS(broken) }
      #expect(error?.argument == "key file \"\(broken.keyFile)\"")
      let again = try await RawClient.connect(port: test.port, tls: second.trust())
      #expect(try await again.upgrade().status == 101)
    }
  }
}
