import SynqChannels
import SynqHosting
import SynqServer

extension Server {
  /// Serves what the server counts at a path (`/metrics`), as OpenMetrics text that Prometheus reads. Callbacks are timed then.
  /// Before the start.
  public func serveMetrics(at path: String) throws(HostError) { try runtime.addPage(.metrics, at: path) }

  /// Serves at a path whether the server takes new clients, for load balancers: 200 `ok`, or 503 `draining` once it stops.
  /// Before the start.
  public func serveHealth(at path: String) throws(HostError) { try runtime.addPage(.health, at: path) }

  /// What the server counts, as OpenMetrics text; times of callbacks are in it after ``serveMetrics(at:)``.
  public func metricsText() throws(HostError) -> String { try runtime.metricsText() }
}
