import CSynq
import SynqChannels
import SynqJSON
import SynqServer
import SynqWire
import Synchronization

/// The C callback that decides about clients which ask to be connected.
final class ConnectAdapter: ConnectHost {
  private let connect: synq_connect_fn
  private let user: HostUser

  init(_ connect: @escaping synq_connect_fn, user: HostUser) {
    self.connect = connect
    self.user = user
  }

  func connect(_ request: ConnectRequest, _ completion: @escaping @Sendable (ConnectOutcome) -> Void) {
    completion(outcome(of: request))
  }

  private func outcome(of request: ConnectRequest) -> ConnectOutcome {
    let call = ConnectCall(request)
    let ticket = Tickets.connections.issue(call)
    defer { Tickets.connections.revoke(ticket) }
    let params = ValueHandle(.json(request.params))
    let code = withExtendedLifetime(params) { connect(ticket, params.opaque, user.pointer) }
    return call.outcome(code)
  }
}

/// One call of a connect callback: the request, and what the callback decides.
final class ConnectCall: Sendable {
  let request: ConnectRequest

  private struct State: Sendable {
    var grant = ConnectGrant()
    var refusal: (status: Int, body: String)?
  }

  private let state = Mutex(State())
  /// Keeps the strings that the callback reads.
  private let strings = ValueHandle(.empty)

  init(_ request: ConnectRequest) { self.request = request }

  static func of(_ ticket: OpaquePointer?) throws(HostError) -> ConnectCall {
    guard let ticket else { throw HostError(.invalidArgument, "connection: is NULL") }
    guard let call = Tickets.connections.object(of: ticket) else {
      throw HostError(.closed, "connection: its connect callback has returned")
    }
    return call
  }

  func keep(_ text: String?) -> UnsafePointer<CChar>? {
    guard let text else { return nil }
    return try? strings.keep(text).text
  }

  func setID(_ id: String) { state.withLock { $0.grant.id = id } }

  func assign(_ name: String, _ value: JSON) { state.withLock { $0.grant.assigns[name] = value } }

  func refuse(status: Int, body: String) { state.withLock { $0.refusal = (status, body) } }

  func outcome(_ code: CInt) -> ConnectOutcome {
    let (grant, refusal) = state.withLock { ($0.grant, $0.refusal) }
    switch code {
    case 0: return .accepted(grant)
    case SYNQ_REFUSE:
      return .refused(status: refusal?.status ?? 403, body: refusal?.body ?? "", reason: "connect refused")
    default:
      return .refused(status: 500, body: "", reason: "connect failed: it returned \(code)")
    }
  }
}

/// A response that a host gives later.
final class Deferred: Sendable {
  enum Kind: Sendable {
    case inOrder(UInt64)
    case detached(DeferredReply)
  }

  let context: ChannelContext
  let kind: Kind

  init(_ context: ChannelContext, _ kind: Kind) {
    self.context = context
    self.kind = kind
  }
}
