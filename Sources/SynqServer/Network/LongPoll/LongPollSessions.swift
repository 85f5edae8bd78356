import NIOConcurrencyHelpers

/// The sessions of a server by their tokens.
///
/// A token is 192 random bits: it cannot be guessed, and being looked up it needs no signature. Nothing about a
/// session is in it.
final class LongPollSessions: Sendable {
  private struct Table {
    var sessions: [String: LongPollSession] = [:]
    var countByMount: [Int: Int] = [:]
  }

  private let table = NIOLockedValueBox(Table())

  /// Puts a new session under a new token, unless its mount has `limit` already.
  func add(mount: Int, limit: Int, make: (_ token: String) -> LongPollSession) -> LongPollSession? {
    let token = Self.makeToken()
    return table.withLockedValue { table in
      guard table.countByMount[mount, default: 0] < limit else { return nil }
      table.countByMount[mount, default: 0] += 1
      let session = make(token)
      table.sessions[token] = session
      return session
    }
  }

  func remove(_ token: String) {
    table.withLockedValue { table in
      guard let session = table.sessions.removeValue(forKey: token) else { return }
      table.countByMount[session.mount, default: 1] -= 1
    }
  }

  /// The session of `token`, if it belongs to this mount.
  func find(_ token: String?, mount: Int) -> LongPollSession? {
    guard let token, let session = table.withLockedValue({ $0.sessions[token] }) else { return nil }
    return session.mount == mount ? session : nil
  }

  private static func makeToken() -> String {
    var generator = SystemRandomNumberGenerator()
    return Base64.encode((0..<24).map { _ in UInt8.random(in: .min ... .max, using: &generator) }, url: true)
  }
}
