import NIOCore

#if SYNQ_WITHOUT_TLS
/// In a library that was built without TLS, as the demo's is.
package final class RedisTLS: Sendable {
  private let handler: Never

  package init(_ url: RedisURL) throws {
    throw RedisError.connectionLost("this library was built without TLS")
  }

  func makeHandler(serverName: String?) throws -> any ChannelHandler { switch handler {} }
}
#else
import NIOSSL

/// What the connections of one `rediss` URL encrypt with.
package struct RedisTLS: Sendable {
  private let context: NIOSSLContext

  /// Throws when the file of the URL's roots cannot be read.
  package init(_ url: RedisURL) throws {
    var tls = TLSConfiguration.makeClientConfiguration()
    if let file = url.certificates { tls.trustRoots = .file(file) }
    context = try NIOSSLContext(configuration: tls)
  }

  /// `serverName` is what the certificate must name; nil for an address.
  func makeHandler(serverName: String?) throws -> any ChannelHandler {
    try NIOSSLClientHandler(context: context, serverHostname: serverName)
  }
}
#endif
