import CSynq
import SynqChannels
import SynqHosting
import Synchronization

/// A response that a host gives later. It lives until the host has given it, also when its channel has ended by then,
/// and so do the values that the host may read meanwhile.
final class Deferred: Sendable {
  enum Kind: Sendable {
    case inOrder(UInt64)
    case detached(DeferredReply)
  }

  let box: ChannelContextBox
  let kind: Kind
  private let lent = Mutex<[ValueHandle]>([])

  var context: ChannelContext { box.context }

  init(_ box: ChannelContextBox, _ kind: Kind) {
    self.box = box
    self.kind = kind
  }

  /// Keeps values that were lent to the callback.
  func keep(_ handles: [ValueHandle]) { lent.withLock { $0 += handles } }

  /// Whether the host can still finish it.
  var isOpen: Bool {
    switch kind {
    case .inOrder(let deferral): context.isOpen(deferral)
    case .detached: !context.hasEnded
    }
  }

  /// Finishes the deferred of a ticket, which is taken back: also when its channel has ended, but not when the callback
  /// has set a response and this would be a second one (`state`).
  static func finish(
    _ ticket: OpaquePointer?, _ outcome: Outcome, _ response: Response?
  ) throws(HostError) {
    let deferred = try Tickets.deferreds.object(of: ticket)
    switch deferred.kind {
    case .inOrder(let deferral):
      do throws(HostError) {
        try deferred.context.finish(deferral, outcome, response: response)
      } catch {
        if error.code != .state { deferred.end(ticket) }
        throw error
      }
      deferred.end(ticket)
    case .detached(let reply):
      // The first who takes it replies.
      guard deferred.end(ticket) else { throw HostError(.closed, "deferred: it was finished before") }
      if case .crashed(let cause, let code) = outcome {
        return try deferred.context.crash(cause: cause, code: code)
      }
      try deferred.context.reply(reply, response ?? .receipt)
    }
  }

  @discardableResult
  private func end(_ ticket: OpaquePointer?) -> Bool {
    box.finished(self)
    return Tickets.deferreds.revoke(ticket)
  }
}
