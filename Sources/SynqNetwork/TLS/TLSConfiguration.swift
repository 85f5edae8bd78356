/// How a server speaks TLS. The files are read when the server is made and at each `NetworkServer.reloadTLS`.
package struct TLSConfiguration: Sendable {
  /// The oldest version that a client may speak.
  package enum Version: Sendable {
    case tls12
    case tls13
  }

  /// A PEM file with the server's certificate first and those that lead to its root after it.
  package var certificateFile: String
  /// A PEM file with the certificate's private key, not encrypted.
  package var keyFile: String
  /// Default 1.2, as RFC 9325 says.
  package var minimumVersion = Version.tls12

  package init(certificateFile: String, keyFile: String) {
    self.certificateFile = certificateFile
    self.keyFile = keyFile
  }
}
