import CSynq
import Glibc
import SynqChannels
import SynqJSON
import SynqHosting
import SynqWire
import Synchronization

/// A channel as C hosts see it: its ticket, the host's pointer, its texts, and the values lent to the callback that runs.
final class ChannelContextBox: Sendable {
  let context: ChannelContext

  private struct State: ~Copyable, @unchecked Sendable {
    var ticket: OpaquePointer?
    var isRunning = false
    /// The channel is gone.
    var isEnded = false
    /// Lent until the callback is done, or its deferred is finished. Most callbacks are lent one value.
    var firstLent: ValueHandle?
    var otherLent: [ValueHandle] = []
    /// The assigns as they were lent last; nil once they changed.
    var assigns: ValueHandle?
    /// What the callback that runs, or ran last, has deferred in order: keeps what is taken back before its finish.
    var deferred: Deferred?
    var texts: [ChannelText: UnsafeMutablePointer<CChar>] = [:]
    var data = DestroyableData()

    /// Whether there is somebody to lend to, who will be done at some time.
    var mayLend: Bool { isRunning || deferred != nil }

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

  deinit { state.withLock { for text in $0.texts.values { free(text) } } }

  /// The box of a channel, made with its ticket at its first callback.
  static func of(_ context: ChannelContext) throws(HostError) -> ChannelContextBox {
    if let box = context.attachment as? ChannelContextBox { return box }
    let box = ChannelContextBox(context)
    let ticket = try Tickets.sockets.issue(box)
    box.state.withLock { $0.ticket = ticket }
    do throws(HostError) {
      _ = try context.attach(box)
    } catch {
      // The channel has ended meanwhile, and nobody else knows of the box.
      box.end()
      throw error
    }
    return box
  }

  /// The box of a ticket.
  static func of(_ ticket: OpaquePointer?) throws(HostError) -> ChannelContextBox {
    try Tickets.sockets.object(of: ticket)
  }

  // MARK: A callback

  /// A callback begins: takes back what an earlier one was lent, and gives the ticket.
  func begin() -> OpaquePointer? {
    state.withLock { state in
      state.takeBack()
      state.isRunning = true
      return state.ticket
    }
  }

  /// The callback has returned. What it was lent is taken back, unless its channel waits for a deferred.
  func returned(_ outcome: Outcome) {
    state.withLock { state in
      state.isRunning = false
      if case .returned = outcome, state.deferred != nil { return }
      state.takeBack()
    }
  }

  /// Lets the host read what is lent until it has finished `deferred`; in order also what is lent from now on.
  func lend(until deferred: Deferred) {
    state.withLock { state in
      switch deferred.kind {
      case .inOrder: if !state.isEnded { state.deferred = deferred }
      case .detached: deferred.keep(state.lent)
      }
    }
  }

  /// The host has finished `deferred`. If the channel has not gone on by then, nobody else takes back what was lent.
  func finished(_ deferred: Deferred) {
    state.withLock { state in
      guard state.deferred === deferred else { return }
      state.deferred = nil
      if !state.isRunning { state.takeBack() }
    }
  }

  // MARK: Values

  /// Lends a value until the callback is done; nil if none runs or is deferred.
  func lend(_ payload: Payload) -> OpaquePointer? {
    let handle = ValueHandle(payload)
    return state.withLock { state in
      guard state.mayLend else { return nil }
      state.lend(handle)
      return handle.opaque
    }
  }

  /// Lends the assigns as they are, until they change or the callback is done; nil if none runs or is deferred.
  func lendAssigns(_ assigns: Assigns) -> OpaquePointer? {
    let handle = ValueHandle(assigns)
    return state.withLock { state in
      guard state.mayLend else { return nil }
      state.assigns = handle
      return handle.opaque
    }
  }

  /// Changes the assigns. Then the next reader gets a new value, and the old one is over.
  func changeAssigns(_ body: (inout Assigns) throws(HostError) -> Void) throws(HostError) {
    // Those that a detached deferred keeps stay as they are.
    let lent = state.withLock { isKnownUniquelyReferenced(&$0.assigns) ? $0.assigns : nil }
    try context.changeAssigns { assigns throws(HostError) in
      if let lent { try lent.changing(&assigns, body) } else { try body(&assigns) }
    }
    state.withLock { $0.assigns = nil }
  }

  /// The assigns that were lent last, if they have not changed and a callback runs or is deferred.
  var lentAssigns: OpaquePointer? { state.withLock { $0.assigns?.opaque } }

  // MARK: Texts

  /// A text that stays as it is while the channel lives; nil where there is none.
  func text(_ which: ChannelText) throws(HostError) -> UnsafePointer<CChar>? {
    if let text = state.withLock({ $0.texts[which] }) { return UnsafePointer(text) }
    guard let string = which.string(of: context) else { return nil }
    let text = state.withLock { state -> UnsafeMutablePointer<CChar>? in
      if let text = state.texts[which] { return text }
      let text = strdup(string)
      state.texts[which] = text
      return text
    }
    guard let text else { throw .outOfMemory }
    return UnsafePointer(text)
  }

  // MARK: The host's pointer

  var data: UnsafeMutableRawPointer? { state.withLock { $0.data.pointer } }

  /// Replaces the host's pointer. Once the channel is gone the error `closed`, and the pointer stays the caller's.
  func setData(_ new: DestroyableData) throws(HostError) {
    let old = state.withLock { state -> DestroyableData? in
      guard !state.isEnded else { return nil }
      defer { state.data = new }
      return state.data
    }
    guard let old else { throw HostError(.closed, "socket: the channel is gone") }
    old.destroy()
  }

  /// The channel is gone.
  func end() {
    let (ticket, data) = state.withLock { state -> (OpaquePointer?, DestroyableData) in
      state.isEnded = true
      state.takeBack()
      defer { state.data = DestroyableData() }
      return (state.ticket.take(), state.data)
    }
    Tickets.sockets.revoke(ticket)
    data.destroy()
  }
}

/// What of a channel is read as a C string and never changes.
enum ChannelText: Hashable {
  case topic
  case joinRef
  case id
  case peer
  /// By its name in lower case.
  case header(String)

  fileprivate func string(of context: ChannelContext) -> String? {
    switch self {
    case .topic: context.topic
    case .joinRef: context.joinRef?.text ?? "null"
    case .id: context.info.id
    case .peer: context.info.peer
    case .header(let name): context.info.header(name)
    }
  }
}

/// A program's pointer that is kept with a connection, and freed when nothing refers to it any more.
final class ConnectionData: Sendable {
  private let data: DestroyableData

  init(_ data: DestroyableData) { self.data = data }

  deinit { data.destroy() }

  var pointer: UnsafeMutableRawPointer? { data.pointer }
}

/// A host's pointer and the function that frees it.
struct DestroyableData: @unchecked Sendable {
  // The host says by giving it that the pointer may be used and freed on any thread.
  var pointer: UnsafeMutableRawPointer?
  var destroyer: synq_destroy_fn?

  func destroy() { destroyer?(pointer) }
}
