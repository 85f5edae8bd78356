/// Why a command has no result, or a connection ended.
package enum RedisError: Error, Hashable, Sendable, CustomStringConvertible {
  /// There is no connection now: the command was not sent.
  case notConnected
  /// The connection ended before the answer: nobody knows whether the command was carried out.
  case connectionLost(String)
  /// Redis answered with this error.
  case refused(String)
  /// More waits for answers than `RedisConfiguration.maxWaitingBytes`: the command was not sent.
  case overloaded
  /// The server is older than Redis 6.2.
  case tooOld(String)
  /// The server is a replica: it takes no writes.
  case readOnly

  package var description: String {
    switch self {
    case .notConnected: "there is no connection to Redis"
    case .connectionLost(let reason): "the connection to Redis was lost: \(reason)"
    case .refused(let text): "Redis refused: \(text)"
    case .overloaded: "too much waits for answers of Redis"
    case .tooOld(let version): "Redis \(version) is too old; 6.2 or later is needed"
    case .readOnly: "this Redis is a replica and takes no writes"
    }
  }
}
