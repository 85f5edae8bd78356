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
    /// Lent until the callback is done, or its deferred is finished. Most callbacks are lent one value.
    var firstLent: ValueHandle?
    var otherLent: [ValueHandle] = []
    /// The assigns as they were lent last; nil once they changed.
    var assigns: ValueHandle?
    /// What the callback deferred in order: keeps what is taken back.
    var deferred: Deferred?
    var data: UnsafeMutableRawPointer?
    var destroyData: synq_destroy_fn?

    mutating func lend(_ handle: ValueHandle) {
      if firstLent == nil { firstLent = handle } else { otherLent.append(handle) }
    }

    /// All that is lent.
    var lent: [ValueHandle] { [firstLent, assigns].compactMap(\.self) + otherLent }

    mutating func takeBack() {
      if let deferred = deferred.take() { deferred.keep(lent) }
      firstLent = nil
      assigns = nil
      if !otherLent.isEmpty { otherLent = [] }
    }
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

  /// Takes back what an earlier callback was lent, and gives the ticket for the next.
  func begin() -> OpaquePointer? {
    state.withLock { state in
      state.takeBack()
      return state.ticket
    }
  }

  /// Lends a value until the callback is done.
  func lend(_ payload: Payload) -> OpaquePointer {
    let handle = ValueHandle(payload)
    state.withLock { $0.lend(handle) }
    return handle.opaque
  }

  /// Lends a text until the callback is done.
  func lend(_ text: String) -> UnsafePointer<CChar>? {
    let handle = ValueHandle(.empty)
    state.withLock { $0.lend(handle) }
    return try? handle.keep(text).text
  }

  /// Lends the assigns as they are, until they change or the callback is done.
  func lendAssigns(_ assigns: Assigns) -> OpaquePointer {
    let handle = ValueHandle(assigns)
    return state.withLock { state in
      if let old = state.assigns { state.lend(old) }
      state.assigns = handle
      return handle.opaque
    }
  }

  /// The assigns have changed: the next reader gets a new value.
  func assignsChanged() {
    state.withLock { state in
      if let old = state.assigns.take() { state.lend(old) }
    }
  }

  /// The assigns that were lent last, if they have not changed.
  var lentAssigns: OpaquePointer? { state.withLock { $0.assigns?.opaque } }

  /// Lets the host read what is lent until it has finished `deferred`; in order also what is lent from now on.
  func lend(until deferred: Deferred) {
    state.withLock { state in
      switch deferred.kind {
      case .inOrder: state.deferred = deferred
      case .detached: deferred.keep(state.lent)
      }
    }
  }

  /// Takes back what was lent to the callback before.
  func takeBack() { state.withLock { $0.takeBack() } }

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
