import CSynq

/// A host's `user` pointer, whose `destroy` is called exactly once: when the last of what refers to it is gone.
final class HostUser: @unchecked Sendable {
  // The host says by registering it that callbacks may use the pointer on any thread.
  let pointer: UnsafeMutableRawPointer?
  private let destroy: synq_destroy_fn?

  init(_ pointer: UnsafeMutableRawPointer?, _ destroy: synq_destroy_fn?) {
    self.pointer = pointer
    self.destroy = destroy
  }

  deinit { destroy?(pointer) }
}
