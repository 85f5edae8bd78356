import SynqHosting
import Synchronization

/// Names a Swift value that the server keeps with a channel: a connection, a task, a struct that is no JSON.
/// ```swift
/// enum Upload: StorageKey { typealias Value = FileHandle }
///
/// socket[Upload.self] = handle
/// ```
public protocol StorageKey {
  /// The type of the values.
  associatedtype Value: Sendable
}

extension Socket {
  /// A Swift value that is kept with the channel and dropped when it ends; never sent. From any thread at any time; nil
  /// when there is none, and once the channel is gone.
  public subscript<Key: StorageKey>(key: Key.Type) -> Key.Value? {
    get { (context.attachment as? ChannelStorage)?[key] }
    nonmutating set { (context.attachment as? ChannelStorage)?[key] = newValue }
  }
}

/// What is kept with a channel: the values of its host, and the task of its running callback. The channel's context
/// holds the only lasting reference, and lets it go when the channel ends.
final class ChannelStorage: Sendable {
  private struct State {
    var values: [ObjectIdentifier: any Sendable] = [:]
    var task: Task<Void, Never>?
    /// Distinguishes the channel's tasks from one another.
    var taskNumber: UInt64 = 0
  }

  private let state = Mutex(State())

  deinit { state.withLock { $0.task }?.cancel() }

  /// The storage of a channel. It is made in the channel's first callback, before which nobody knows the channel.
  static func of(_ context: ChannelContext) -> ChannelStorage {
    if let storage = context.attachment as? ChannelStorage { return storage }
    let storage = ChannelStorage()
    // Refused when the channel is gone: then what is stored goes with this call.
    _ = try? context.attach(storage)
    return storage
  }

  subscript<Key: StorageKey>(key: Key.Type) -> Key.Value? {
    get { state.withLock { $0.values[ObjectIdentifier(key)] } as? Key.Value }
    set {
      // The old value is released outside of the lock: its deinit is the host's code.
      let old = state.withLock { state -> (any Sendable)? in
        let old = state.values[ObjectIdentifier(key)]
        state.values[ObjectIdentifier(key)] = newValue
        return old
      }
      withExtendedLifetime(old) {}
    }
  }

  /// Begins the task of a callback. One that still runs belongs to a callback that was given up because the channel
  /// ends: it is cancelled, and waited for, so that two never run at a time.
  func begin(_ body: @escaping @Sendable () async -> Void) {
    state.withLock { state in
      let abandoned = state.task
      abandoned?.cancel()
      state.taskNumber += 1
      let number = state.taskNumber
      state.task = Task { [weak self] in
        await abandoned?.value
        await body()
        self?.forgetTask(number)
      }
    }
  }

  private func forgetTask(_ number: UInt64) {
    state.withLock { state in
      if state.taskNumber == number { state.task = nil }
    }
  }
}
