import CSynq
import Glibc
import Logging
import SynqChannels
import SynqHosting
import SynqNetwork
import SynqServer
import Synchronization

/// A `synq_server_t`: the server, and what its C host gave with it.
final class ServerHandle: Sendable {
  let runtime: ServerRuntime
  /// The limits of the server's options, which mounts start from.
  let limits: synq_limits_t
  private let hasMount = Atomic<Bool>(false)
  /// The pointers that the host gave to the server and to what it registered.
  private let users: Mutex<[HostUser]>
  /// The number of forks that this process had gone through when the server was made.
  private let forks: UInt32

  init(_ configuration: ServerConfiguration, limits: synq_limits_t, user: HostUser) throws(HostError) {
    forks = Forks.count
    users = Mutex([user])
    self.limits = limits
    runtime = try ServerRuntime(configuration)
  }

  /// The handle as C holds it, with a reference of its own until `release`.
  func retained() -> OpaquePointer {
    _ = Unmanaged.passRetained(self)
    return HandleKind.server.handle(of: self)
  }

  static func of(_ opaque: OpaquePointer?) throws(HostError) -> ServerHandle {
    let handle = try HandleKind.server.object(of: opaque, "server", as: ServerHandle.self)
    guard handle.forks == Forks.count else {
      throw HostError(.forked, "server: it belongs to the parent process")
    }
    return handle
  }

  /// Keeps a user until the server is freed.
  func keep(_ user: HostUser) { users.withLock { $0.append(user) } }

  /// Serves a socket: the server's limits, then those of the mount.
  func add(_ mount: SocketMount, limits own: synq_limits_t, connectHost: ConnectAdapter?) throws(HostError) {
    var mount = mount
    var client = ClientLimits()
    Options.apply(Options.merged(limits, own), to: &mount, &client)
    try runtime.addMount(mount, limits: client, connectHost: connectHost)
    hasMount.store(true, ordering: .relaxed)
  }

  /// A server with no mount gets "/socket".
  func addDefaultMount() throws(HostError) {
    guard !hasMount.load(ordering: .relaxed) else { return }
    try add(SocketMount(path: "/socket"), limits: synq_limits_t(), connectHost: nil)
  }

  /// Calls every `destroy` and gives up C's reference. The server has stopped.
  func free() {
    for user in users.withLock({ $0 }) { user.end() }
    Unmanaged.passUnretained(self).release()
  }
}

/// Counts the forks that this process came by: threads and event loops do not survive one.
enum Forks {
  private static let counter = Atomic<UInt32>(0)
  private static let registration: Int32 = pthread_atfork(nil, nil) {
    Forks.counter.wrappingAdd(1, ordering: .relaxed)
  }

  static var count: UInt32 {
    _ = registration
    return counter.load(ordering: .relaxed)
  }
}
