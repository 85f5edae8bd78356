import Glibc
import NIOPosix
import SynqChannels
import SynqHosting

/// Makes the event loops of a server.
enum EventLoops {
  /// What NIO opens for each: an epoll instance, an event and a timer. It ends the process where it cannot.
  private static let descriptorsEach = 3

  /// Starts `count` loops, each with a thread of its own; fails when the process may not open what they need.
  static func make(_ count: Int) throws(HostError) -> MultiThreadedEventLoopGroup {
    try checkDescriptors(count)
    return BlockedSignals.during { MultiThreadedEventLoopGroup(numberOfThreads: count) }
  }

  /// Fails when the process may not open a descriptor more: a server that can accept nobody.
  static func checkCanAccept() throws(HostError) {
    let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw HostError(.io, "server: it could accept nobody: \(String(cString: strerror(errno)))")
    }
    close(descriptor)
  }

  /// Opens as many descriptors as the loops will, to find out in time.
  private static func checkDescriptors(_ count: Int) throws(HostError) {
    var opened: [Int32] = []
    defer { for descriptor in opened { close(descriptor) } }
    for _ in 0..<(count * descriptorsEach) {
      let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else {
        let reason = String(cString: strerror(errno))
        throw HostError(.io, "loops: \(count) need \(count * descriptorsEach) descriptors: \(reason)")
      }
      opened.append(descriptor)
    }
  }
}
