import Logging
import NIOCore
import SynqHosting
import SynqNetwork

/// On which threads callbacks run.
package enum CallbackThreads: Sendable, Hashable {
  /// On the event loop that serves the connection: the fastest, and a callback must never block.
  case inline
  /// On this many threads of the library.
  case workers(Int)
  /// On as many threads of the library as there are cores, and at least 4; on more while all of them are blocked.
  case workersAsNeeded
  /// On the host's threads, when it polls.
  case polled
}

/// What a server is made with; channels, mounts and directories are added before its start.
package struct ServerConfiguration: Sendable {
  /// Address, port, mounts, directories, TLS and the limits of connections.
  package var network = NetworkConfiguration()
  package var threads = CallbackThreads.workersAsNeeded
  /// Event loops, each a thread.
  package var loopCount = min(usableCores, maxLoops)
  /// Where topics go on beyond this server. Default nil: nowhere; `setCluster` makes it Redis.
  package var adapter: (any PubSubAdapter)?
  package var logger: Logger
  /// Whether the logger uses something that the program takes back when the server has ended. Default false.
  package var logMustEnd = false

  package init(logger: Logger) { self.logger = logger }

  /// One per core, at least 4, so that a few callbacks may block.
  package static let defaultWorkerCount = min(max(4, usableCores), maxWorkers)

  /// The most threads of `workersAsNeeded`.
  package static let growingWorkerCount = max(64, defaultWorkerCount)

  /// The most event loops: each takes three descriptors, and the process ends where one cannot be made.
  package static let maxLoops = 256

  /// The most threads for callbacks: far more than help, so that a slip of the host does not ask for billions.
  package static let maxWorkers = 1024

  /// The cores that this process may run on.
  package static let usableCores = max(1, System.coreCount)
}
