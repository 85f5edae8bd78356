import Glibc
import SynqChannels
import Synchronization

/// Callbacks that wait for the host to poll, and a descriptor that is readable while there are any.
package final class PollQueue: Sendable {
  private struct State: Sendable {
    var queue = CallQueue()
    /// The server has stopped: nothing will come any more.
    var isClosed = false
    /// Whether the descriptor is readable.
    var isSignalled = false
    /// The threads that poll now, each as often as it does: a callback may poll.
    var pollers: [pthread_t] = []
    /// The thread that polled last.
    var lastPoller: pthread_t?
  }

  private let state = Mutex(State())
  /// The end of a pipe that is readable while callbacks are due. Valid until the queue is freed.
  package let descriptor: Int32
  private let writeDescriptor: Int32

  package init() throws(HostError) {
    var ends: (Int32, Int32) = (-1, -1)
    let status = withUnsafeMutableBytes(of: &ends) {
      pipe($0.baseAddress?.assumingMemoryBound(to: Int32.self))
    }
    guard status == 0 else { throw HostError(.io, "pipe: \(String(cString: strerror(errno)))") }
    (descriptor, writeDescriptor) = ends
    for end in [descriptor, writeDescriptor] {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
  }

  deinit {
    Glibc.close(descriptor)
    Glibc.close(writeDescriptor)
  }

  func submit(_ calls: [PendingCall]) {
    state.withLock {
      $0.queue.append(calls)
      signal(&$0)
    }
  }

  /// The server has stopped. The descriptor stays readable, so that every poller notices.
  package func close() {
    state.withLock {
      $0.isClosed = true
      signal(&$0)
    }
  }

  private func signal(_ state: inout State) {
    guard !state.isSignalled else { return }
    state.isSignalled = true
    var byte: UInt8 = 1
    _ = write(writeDescriptor, &byte, 1)
  }

  private func pop() -> PendingCall? {
    state.withLock { state in
      let call = state.queue.popFirst()
      if state.queue.isEmpty, state.isSignalled, !state.isClosed {
        state.isSignalled = false
        var byte: UInt8 = 0
        _ = read(descriptor, &byte, 1)
      }
      return call
    }
  }

  /// Waits until something is due, at most `timeout` milliseconds (-1: without end), and runs at most `max` callbacks (0: those
  /// that are due) on the current thread. Returns their number, or nil once the server has stopped and nothing is due.
  package func poll(timeout: Int32, max: Int) -> Int? {
    let thread = pthread_self()
    state.withLock {
      $0.pollers.append(thread)
      $0.lastPoller = thread
    }
    defer {
      state.withLock { state in
        if let place = state.pollers.firstIndex(of: thread) { state.pollers.remove(at: place) }
      }
    }
    if timeout != 0 {
      var descriptor = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      _ = Glibc.poll(&descriptor, 1, timeout)
    }
    var count = 0
    while max == 0 || count < max, let call = pop() {
      call.run()
      count += 1
      // Without a limit, one call must still end while others keep coming.
      if max == 0, count >= Self.maxBatch { break }
    }
    if count == 0, state.withLock({ $0.isClosed && $0.queue.isEmpty }) { return nil }
    return count
  }

  /// Whether the current thread is inside `poll`, and so inside a callback.
  package var isOnPollingThread: Bool {
    let thread = pthread_self()
    return state.withLock { $0.pollers.contains(thread) }
  }

  /// Whether the current thread is the one that polled last: if it waits, nobody polls.
  package var isPolledByCurrentThread: Bool {
    let thread = pthread_self()
    return state.withLock { $0.lastPoller == thread }
  }

  /// The most callbacks of one poll without a limit of its own.
  private static let maxBatch = 4096
}
