import Logging
import NIOCore
import SynqHosting

/// What every connection of a server refers to: the checked configuration and the host behind it.
final class ServerCore: Sendable {
  let configuration: NetworkConfiguration
  let backend: any SocketBackend
  let logger: Logger
  let router: Router
  /// One for each mount, in their order.
  let sockets: [SocketSettings]
  /// One for each of the configuration's `files`, in their order.
  let fileTrees: [FileTree]
  let counter: ConnectionCounter
  let memory: MemoryBudget
  let sessions: LongPollSessions
  /// Nil when connections are not encrypted.
  let credentials: TLSCredentials?

  init(_ configuration: NetworkConfiguration, backend: any SocketBackend, logger: Logger) throws(NetworkError)
  {
    self.configuration = configuration
    self.backend = backend
    self.logger = logger
    var trees: [FileTree] = []
    for root in configuration.files { trees.append(try FileTree(root)) }
    fileTrees = trees
    router = try Router(configuration.mounts, trees: trees, pages: configuration.pages)
    var sockets: [SocketSettings] = []
    let hosts = try HostRule(configuration.allowedHosts, listeningOn: configuration.host)
    // Where the program's own web server is reached is for the program to say, and not for the address of this port.
    let linkHosts = try HostRule(configuration.allowedHosts ?? ["*"], listeningOn: configuration.host)
    for mount in configuration.mounts {
      sockets.append(try SocketSettings(mount, hosts: hosts, linkHosts: linkHosts))
    }
    self.sockets = sockets
    if let tls = configuration.tls { credentials = try TLSCredentials(tls) } else { credentials = nil }
    counter = ConnectionCounter(configuration.limits)
    memory = MemoryBudget(configuration.limits.memory)
    sessions = LongPollSessions(configuration.limits)
  }

  /// How often connections look at their time-outs: an eighth of the shortest one, between 10 ms and a second.
  var tickLength: TimeAmount {
    let limits = configuration.limits
    var shortest = min(limits.handshakeTimeout, limits.keepAliveTimeout, limits.closeTimeout)
    for mount in configuration.mounts {
      shortest = min(
        shortest, mount.limits.idleTimeout, mount.limits.messageTimeout, mount.longPoll.sessionTimeout)
    }
    return min(max(.nanoseconds(shortest.nanoseconds / 8), .milliseconds(10)), .seconds(1))
  }
}

/// A mounted socket, checked. Shared by its connections.
final class SocketSettings: Sendable {
  let mount: SocketMount
  let origins: OriginRule
  /// The same for clients of the program's own web server.
  let linkOrigins: OriginRule

  init(_ mount: SocketMount, hosts: HostRule, linkHosts: HostRule? = nil) throws(NetworkError) {
    self.mount = mount
    linkOrigins = try OriginRule(mount.origins, hosts: linkHosts ?? hosts)
    origins = try OriginRule(mount.origins, hosts: hosts)
    let limits = mount.limits
    for (name, value) in [
      ("maxFrameBytes", limits.maxFrameBytes), ("maxMessageBytes", limits.maxMessageBytes),
      ("maxFragments", limits.maxFragments), ("maxOutboundBytes", limits.maxOutboundBytes),
      ("outboundLowWaterMark", limits.outboundLowWaterMark),
    ] where value < 1 {
      throw NetworkError(
        argument: "\(name) of mount \"\(mount.path)\"", cause: "must be at least 1, is \(value)")
    }
    if let compression = mount.compression {
      guard (1...9).contains(compression.level) else {
        throw NetworkError(
          argument: "compression level of mount \"\(mount.path)\"",
          cause: "\(compression.level) is not in 1...9")
      }
      guard compression.maxInflateRatio >= 1 else {
        throw NetworkError(
          argument: "maxInflateRatio of mount \"\(mount.path)\"",
          cause: "must be at least 1, is \(compression.maxInflateRatio)")
      }
    }
    guard limits.outboundHighWaterMark >= limits.outboundLowWaterMark else {
      throw NetworkError(
        argument: "outboundHighWaterMark of mount \"\(mount.path)\"", cause: "is below outboundLowWaterMark")
    }
  }
}
