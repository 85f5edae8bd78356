import SynqChannels
import SynqRedis

extension ServerConfiguration {
  /// Joins the server to those that have the same Redis and prefix.
  ///
  /// - Parameter text: `redis://` or `rediss://`, as `RedisURL` says.
  /// - Throws: `invalidArgument` for a text that is not such a URL, `io` for a file of roots that cannot be read.
  package mutating func setCluster(_ text: String) throws(HostError) {
    let url: RedisURL
    do throws(RedisURL.Malformed) { url = try RedisURL(text) } catch {
      throw HostError(.invalidArgument, "cluster: \"\(text.prefix { $0 != ":" })://…\": \(error.reason)")
    }
    adapter = try RedisAdapter(RedisConfiguration(url: url), logger: logger)
  }
}
