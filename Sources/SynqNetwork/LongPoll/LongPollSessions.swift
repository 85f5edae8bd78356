import NIOConcurrencyHelpers
import SynqJSON

/// The sessions of a server by their tokens.
///
/// A token is 192 random bits: it cannot be guessed, and being looked up it needs no signature. Nothing about a
/// session is in it.
final class LongPollSessions: Sendable {
  private struct Table {
    var sessions: [NameKey: LongPollSession] = [:]
    var countByMount: [Int: Int] = [:]
    var countByAddress: [AddressKey: Int] = [:]
  }

  /// Which limit a new session is over, as the log tells it.
  enum Refusal: Error, CustomStringConvertible {
    case tooMany(limit: Int)
    case tooManyFromAddress(limit: Int)

    var description: String {
      switch self {
      case .tooMany(let limit): "there are \(limit) long-poll sessions already"
      case .tooManyFromAddress(let limit): "its address has \(limit) long-poll sessions already"
      }
    }
  }

  private let table = NIOLockedValueBox(Table())
  private let maxPerAddress: Int

  init(_ limits: NetworkLimits) {
    maxPerAddress = limits.maxConnectionsPerAddress
  }

  /// Puts a new session under a new token, unless its mount has `limit` already or its address its share.
  func add(
    mount: Int, limit: Int, address: AddressKey, make: (_ token: String) -> LongPollSession
  ) -> Result<LongPollSession, Refusal> {
    let token = Self.makeToken()
    return table.withLockedValue { table in
      guard table.countByMount[mount, default: 0] < limit else { return .failure(.tooMany(limit: limit)) }
      guard table.countByAddress[address, default: 0] < maxPerAddress else {
        return .failure(.tooManyFromAddress(limit: maxPerAddress))
      }
      table.countByMount[mount, default: 0] += 1
      table.countByAddress[address, default: 0] += 1
      let session = make(token)
      table.sessions[NameKey(token)] = session
      return .success(session)
    }
  }

  func remove(_ token: String) {
    table.withLockedValue { table in
      guard let session = table.sessions.removeValue(forKey: NameKey(token)) else { return }
      table.countByMount[session.mount, default: 1] -= 1
      guard let count = table.countByAddress[session.address] else { return }
      table.countByAddress[session.address] = count > 1 ? count - 1 : nil
    }
  }

  /// The session of `token`, if it belongs to this mount.
  func find(_ token: String?, mount: Int) -> LongPollSession? {
    guard let token, let session = table.withLockedValue({ $0.sessions[NameKey(token)] }) else { return nil }
    return session.mount == mount ? session : nil
  }

  private static func makeToken() -> String {
    var generator = SystemRandomNumberGenerator()
    return Base64.encode((0..<24).map { _ in UInt8.random(in: .min ... .max, using: &generator) }, url: true)
  }
}
