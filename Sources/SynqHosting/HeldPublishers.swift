import NIOCore

/// The sockets of a loop that are not read from for a moment, because their messages to topics come faster than the
/// members take them.
///
/// A socket is slowed down, not stopped: a member that takes nothing at all must not silence the others.
struct HeldPublishers {
  private var sockets: [(socket: SocketDriver, until: NIODeadline)] = []

  /// How often the loop looks whether the members have caught up.
  static let pause = TimeAmount.milliseconds(5)
  /// The longest that a socket is not read from, each time.
  private static let longest = TimeAmount.milliseconds(100)

  var isEmpty: Bool { sockets.isEmpty }

  /// Stops reading from a socket.
  mutating func hold(_ socket: SocketDriver, now: NIODeadline) {
    sockets.append((socket, now + Self.longest))
    socket.holdReading()
  }

  /// Reads on from those that were held long enough, or from all.
  mutating func release(now: NIODeadline, all: Bool) {
    let due = sockets.filter { all || $0.until <= now }
    sockets.removeAll { all || $0.until <= now }
    for (socket, _) in due { socket.releaseReading() }
  }
}
