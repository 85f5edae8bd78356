import CSynq
import Synchronization

/// A host's `user` pointer, whose `destroy` is called exactly once: by `end`, or when nothing refers to it any more.
final class HostUser: @unchecked Sendable {
  // The host says by registering it that callbacks may use the pointer on any thread.
  let pointer: UnsafeMutableRawPointer?
  private let destroy: synq_destroy_fn?
  private let ended = Atomic<Bool>(false)

  init(_ pointer: UnsafeMutableRawPointer?, _ destroy: synq_destroy_fn?) {
    self.pointer = pointer
    self.destroy = destroy
  }

  deinit { end() }

  /// Whether the pointer must not be used any more.
  var hasEnded: Bool { ended.load(ordering: .acquiring) }

  /// Calls `destroy`, unless that was done. The server's free does, because references may outlive it for a moment on a
  /// thread of the library, where a host that has ended by then must not be called.
  func end() {
    guard !ended.exchange(true, ordering: .acquiringAndReleasing) else { return }
    destroy?(pointer)
  }
}
