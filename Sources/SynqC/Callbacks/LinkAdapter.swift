import CSynq
import SynqChannels
import SynqHosting
import SynqNetwork
import SynqWire
import Synchronization

/// The C callbacks of one link, and its ticket.
final class LinkAdapter: LinkHost, @unchecked Sendable {
  // The functions are the program's, which says by giving them that they may be called on any thread.
  private let options: synq_link_options_t
  private let user: HostUser

  private struct State: @unchecked Sendable {
    /// A number that is checked when it comes back.
    var ticket: OpaquePointer?
    var link: LinkConnection?
  }

  private let state = Mutex(State())

  init(_ options: synq_link_options_t, user: HostUser) {
    self.options = options
    self.user = user
  }

  /// What the program gave with the link.
  var pointer: UnsafeMutableRawPointer? { user.pointer }

  /// The adapter of a link that is not over.
  static func of(_ ticket: OpaquePointer?) throws(HostError) -> LinkConnection {
    guard let link = try Tickets.links.object(of: ticket).state.withLock({ $0.link }) else {
      throw HostError(.closed, "link: it is over")
    }
    return link
  }

  /// Issues the ticket of a link.
  func begin(_ link: LinkConnection) throws(HostError) -> OpaquePointer {
    let ticket = try Tickets.links.issue(self)
    state.withLock { $0 = State(ticket: ticket, link: link) }
    return ticket
  }

  private var ticket: OpaquePointer? { state.withLock { $0.ticket } }

  func accepted(subprotocol: String?) {
    guard !user.hasEnded, let accepted = options.accepted else { return }
    if let subprotocol {
      subprotocol.withCString { accepted(ticket, $0, user.pointer) }
    } else {
      accepted(ticket, nil, user.pointer)
    }
  }

  func refused(status: Int, body: String) {
    guard !user.hasEnded else { return }
    body.withCString { options.refused?(ticket, CInt(status), $0, user.pointer) }
  }

  func send(_ kind: Outbox.Kind, _ bytes: UnsafeRawBufferPointer) {
    guard !user.hasEnded else { return }
    let isBinary: CInt = kind == .binary ? 1 : 0
    options.send?(ticket, isBinary, bytes.baseAddress, bytes.count, user.pointer)
  }

  func resume() {
    guard !user.hasEnded else { return }
    options.resume?(ticket, user.pointer)
  }

  func close(_ code: CloseCode, reason: String) {
    guard !user.hasEnded else { return }
    reason.withCString { options.close?(ticket, CInt(code.rawValue), $0, user.pointer) }
  }

  func ended() {
    revoke()
    user.end()
  }

  /// The ticket is good for nothing any more.
  func revoke() {
    // The link refers to this adapter: what ends is let go of.
    let ticket = state.withLock { state in
      defer { state = State() }
      return state.ticket
    }
    Tickets.links.revoke(ticket)
  }
}
