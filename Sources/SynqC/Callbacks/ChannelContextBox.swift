import CSynq
import Glibc
import SynqChannels
import SynqJSON
import SynqServer
import SynqWire
import Synchronization

/// A channel as C hosts see it: its ticket, the host's pointer, and the values lent to the callback that runs.
final class ChannelContextBox: Sendable {
  let context: ChannelContext

  private struct State: ~Copyable, @unchecked Sendable {
    var ticket: OpaquePointer?
    /// Lent until the callback is done, or its deferred is finished.
    var lent: [ValueHandle] = []
    var assigns: ValueHandle?
    var data: UnsafeMutableRawPointer?
    var destroyData: synq_destroy_fn?
  }

  private let state = Mutex(State())

  init(_ context: ChannelContext) { self.context = context }

  /// The box of a channel, made with its ticket at its first callback.
  static func of(_ context: ChannelContext) -> ChannelContextBox {
    if let box = context.attachment as? ChannelContextBox { return box }
    let box = ChannelContextBox(context)
    let ticket = Tickets.sockets.issue(box)
    box.state.withLock { $0.ticket = ticket }
    _ = try? context.attach(box)
    return box
  }

  /// The box of a ticket.
  static func of(_ ticket: OpaquePointer?) throws(HostError) -> ChannelContextBox {
    guard let ticket else { throw HostError(.invalidArgument, "socket: is NULL") }
    guard let box = Tickets.sockets.object(of: ticket) else {
      throw HostError(.closed, "socket: the channel is gone")
    }
    return box
  }

  var ticket: OpaquePointer? { state.withLock { $0.ticket } }

  /// Lends a value until the callback is done.
  func lend(_ payload: Payload) -> OpaquePointer {
    let handle = ValueHandle(payload)
    state.withLock { $0.lent.append(handle) }
    return handle.opaque
  }

  /// Lends a text until the callback is done.
  func lend(_ text: String) -> UnsafePointer<CChar>? {
    let handle = ValueHandle(.empty)
    state.withLock { $0.lent.append(handle) }
    return try? handle.keep(text).text
  }

  /// Lends the assigns as they are, until they change or the callback is done.
  func lendAssigns(_ object: JSON) -> OpaquePointer {
    let handle = ValueHandle(.json(object))
    return state.withLock { state in
      if let old = state.assigns { state.lent.append(old) }
      state.assigns = handle
      return handle.opaque
    }
  }

  /// The assigns have changed: the next reader gets a new value.
  func assignsChanged() {
    state.withLock { state in
      if let old = state.assigns.take() { state.lent.append(old) }
    }
  }

  /// The assigns that were lent last, if they have not changed.
  var lentAssigns: OpaquePointer? { state.withLock { $0.assigns?.opaque } }

  /// Takes back what was lent to the callback before.
  func takeBack() {
    let old = state.withLock { state -> [ValueHandle] in
      state.assigns = nil
      defer { state.lent = [] }
      return state.lent
    }
    _ = old
  }

  // MARK: The host's pointer

  var data: UnsafeMutableRawPointer? { state.withLock { $0.data } }

  func setData(_ data: UnsafeMutableRawPointer?, _ destroy: synq_destroy_fn?) {
    replaceData(data, destroy)
  }

  /// The channel is gone.
  func end() {
    Tickets.sockets.revoke(state.withLock { $0.ticket })
    replaceData(nil, nil)
    takeBack()
  }

  private func replaceData(_ data: UnsafeMutableRawPointer?, _ destroy: synq_destroy_fn?) {
    let new = DestroyableData(data: data, destroy: destroy)
    let old = state.withLock { state -> DestroyableData in
      defer {
        state.data = new.data
        state.destroyData = new.destroy
      }
      return DestroyableData(data: state.data, destroy: state.destroyData)
    }
    old.destroy?(old.data)
  }
}

/// A host's pointer and the function that frees it.
struct DestroyableData: @unchecked Sendable {
  // The host says by giving it that the pointer may be used and freed on any thread.
  var data: UnsafeMutableRawPointer?
  var destroy: synq_destroy_fn?
}
