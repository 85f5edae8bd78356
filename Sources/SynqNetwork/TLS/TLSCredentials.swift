#if SYNQ_WITHOUT_TLS
import NIOCore

/// In a library that was built without TLS, as the demo's is: there are no credentials.
final class TLSCredentials: Sendable {
  private let handler: Never

  init(_ configuration: TLSConfiguration) throws(NetworkError) {
    throw NetworkError(
      argument: "certificate file \"\(configuration.certificateFile)\"",
      cause: "cannot be used: this library was built without TLS")
  }

  func replace(_: TLSConfiguration) throws(NetworkError) {}

  func makeHandler() -> any ChannelHandler { switch handler {} }
}
#else
import NIOConcurrencyHelpers
import NIOSSL

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The certificate and key in use, replaceable while connections go on with those that they began with.
final class TLSCredentials: Sendable {
  private let current: NIOLockedValueBox<NIOSSLContext>

  init(_ configuration: TLSConfiguration) throws(NetworkError) {
    current = NIOLockedValueBox(try Self.load(configuration))
  }

  /// Reads the files of `configuration`; connections that begin from now on use them. Keeps what it had on an error.
  func replace(_ configuration: TLSConfiguration) throws(NetworkError) {
    let context = try Self.load(configuration)
    current.withLockedValue { $0 = context }
  }

  func makeHandler() -> NIOSSLServerHandler {
    NIOSSLServerHandler(context: current.withLockedValue { $0 })
  }

  private static func load(_ configuration: TLSConfiguration) throws(NetworkError) -> NIOSSLContext {
    let certificateFile = "certificate file \"\(configuration.certificateFile)\""
    let keyFile = "key file \"\(configuration.keyFile)\""
    try check(configuration.certificateFile, certificateFile)
    guard let certificates = try? NIOSSLCertificate.fromPEMFile(configuration.certificateFile),
      !certificates.isEmpty
    else { throw NetworkError(argument: certificateFile, cause: "holds no certificate in PEM") }
    try check(configuration.keyFile, keyFile)
    guard let key = try? NIOSSLPrivateKey(file: configuration.keyFile, format: .pem) else {
      throw NetworkError(argument: keyFile, cause: "holds no unencrypted private key in PEM")
    }
    var server = NIOSSL.TLSConfiguration.makeServerConfiguration(
      certificateChain: certificates.map { .certificate($0) }, privateKey: .privateKey(key))
    switch configuration.minimumVersion {
    case .tls12: server.minimumTLSVersion = .tlsv12
    case .tls13: server.minimumTLSVersion = .tlsv13
    }
    server.applicationProtocols = ["http/1.1"]
    do { return try NIOSSLContext(configuration: server) } catch {
      throw NetworkError(argument: keyFile, cause: "does not belong to the certificate (\(error))")
    }
  }

  /// NIOSSL does not say why a file cannot be read.
  private static func check(_ path: String, _ argument: String) throws(NetworkError) {
    guard access(path, R_OK) == 0 else {
      throw NetworkError(argument: argument, cause: String(cString: strerror(errno)))
    }
  }
}
#endif
