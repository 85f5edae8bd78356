import NIOConcurrencyHelpers
import NIOCore

/// Counts the connections of a server, in all and for each address, against their limits.
final class ConnectionCounter: Sendable {
  private struct Counts {
    var all = 0
    var byAddress: [AddressKey: Int] = [:]
    var refused = 0
  }

  private let counts = NIOLockedValueBox(Counts())
  private let maxConnections: Int
  private let maxPerAddress: Int

  init(_ limits: NetworkLimits) {
    maxConnections = limits.maxConnections
    maxPerAddress = limits.maxConnectionsPerAddress
  }

  /// What a new connection over a limit is told in the log.
  enum Refusal: Equatable, CustomStringConvertible {
    case tooMany(limit: Int)
    case tooManyFromAddress(limit: Int)

    var description: String {
      switch self {
      case .tooMany(let limit): "there are \(limit) already"
      case .tooManyFromAddress(let limit): "its address has \(limit) already"
      }
    }
  }

  /// Counts one more connection, or says which limit it is over. Each admitted one is to be released once.
  func admit(_ address: AddressKey) -> Refusal? {
    counts.withLockedValue { counts in
      guard counts.all < maxConnections else { return .tooMany(limit: maxConnections) }
      guard counts.byAddress[address, default: 0] < maxPerAddress else {
        return .tooManyFromAddress(limit: maxPerAddress)
      }
      counts.all += 1
      counts.byAddress[address, default: 0] += 1
      return nil
    }
  }

  func release(_ address: AddressKey) {
    counts.withLockedValue { counts in
      counts.all -= 1
      guard let count = counts.byAddress[address] else { return }
      counts.byAddress[address] = count > 1 ? count - 1 : nil
    }
  }

  /// How many connections may be told at a time that they are refused; further ones are just closed.
  private static let maxRefused = 1_000

  /// Counts one connection more that is told why it is refused, unless there are too many.
  func beginRefusal() -> Bool {
    counts.withLockedValue { counts in
      guard counts.refused < Self.maxRefused else { return false }
      counts.refused += 1
      return true
    }
  }

  func endRefusal() {
    counts.withLockedValue { $0.refused -= 1 }
  }

  /// Connections at this moment.
  var count: Int { counts.withLockedValue { $0.all } }
}

/// Whom connections are counted for: an IPv4 address, or an IPv6 /64, which is what one customer gets and can take
/// any number of addresses from.
struct AddressKey: Hashable {
  private var bits: UInt64

  init(_ address: SocketAddress?) {
    switch address {
    case .v4(let v4):
      bits = UInt64(UInt32(bigEndian: v4.address.sin_addr.s_addr))
    case .v6(let v6):
      bits = withUnsafeBytes(of: v6.address.sin6_addr) { bytes in
        let prefix = UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
        let middle = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
        // An IPv4 address that reached an IPv6 socket is ::ffff:a.b.c.d.
        guard prefix == 0, middle == 0xFFFF else { return prefix }
        return UInt64(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 12, as: UInt32.self)))
      }
    case .unixDomainSocket, nil:
      bits = .max
    }
  }
}

extension SocketAddress {
  /// The address without the port, an IPv4 address always in its own form.
  var hostText: String {
    guard let text = ipAddress else { return "" }
    let mapped = "::ffff:"
    return text.hasPrefix(mapped) && text.contains(".") ? String(text.dropFirst(mapped.count)) : text
  }
}
