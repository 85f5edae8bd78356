import NIOConcurrencyHelpers
import NIOCore
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
    let certificates: [NIOSSLCertificate]
    do { certificates = try NIOSSLCertificate.fromPEMFile(configuration.certificateFile) } catch {
      throw NetworkError(
        argument: "certificate file \"\(configuration.certificateFile)\"",
        cause: cause(of: error, "holds no certificate in PEM"))
    }
    guard !certificates.isEmpty else {
      throw NetworkError(
        argument: "certificate file \"\(configuration.certificateFile)\"",
        cause: "holds no certificate in PEM")
    }
    let key: NIOSSLPrivateKey
    do { key = try NIOSSLPrivateKey(file: configuration.keyFile, format: .pem) } catch {
      throw NetworkError(
        argument: "key file \"\(configuration.keyFile)\"",
        cause: cause(of: error, "holds no unencrypted private key in PEM"))
    }
    var server = NIOSSL.TLSConfiguration.makeServerConfiguration(
      certificateChain: certificates.map { .certificate($0) }, privateKey: .privateKey(key))
    switch configuration.minimumVersion {
    case .tls12: server.minimumTLSVersion = .tlsv12
    case .tls13: server.minimumTLSVersion = .tlsv13
    }
    server.applicationProtocols = ["http/1.1"]
    do { return try NIOSSLContext(configuration: server) } catch {
      throw NetworkError(
        argument: "key file \"\(configuration.keyFile)\"",
        cause: "does not belong to the certificate (\(error))")
    }
  }

  private static func cause(of error: any Error, _ otherwise: String) -> String {
    guard let error = error as? IOError else { return otherwise }
    return String(cString: strerror(error.errnoCode))
  }
}
