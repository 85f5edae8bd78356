import CSynq
import SynqChannels
import SynqJSON
import SynqHosting
import SynqWire
import Synchronization

/// The C callbacks that decide about clients which ask to be connected: first about their origin, then about them.
final class ConnectAdapter: ConnectHost {
  private let checkOrigin: synq_check_origin_fn?
  private let connect: synq_connect_fn?
  private let user: HostUser

  /// Nil when the host gave neither.
  init?(_ options: synq_mount_options_t, user: HostUser) {
    if options.check_origin == nil, options.connect == nil { return nil }
    checkOrigin = options.check_origin
    connect = options.connect
    self.user = user
  }

  func connect(_ request: ConnectRequest) {
    if let refusal = refusal(ofOrigin: request.originToCheck) {
      request.attempt.answer(refusal)
    } else if let connect {
      let call: ConnectCall
      do throws(HostError) {
        call = try ConnectCall.begun(request)
      } catch {
        request.attempt.answer(.refused(status: 503, body: "", reason: error.message))
        return
      }
      call.returned(connect(call.ticket, call.params, user.pointer))
    } else {
      request.attempt.answer(.accepted(ConnectGrant()))
    }
  }

  private func refusal(ofOrigin origin: String?) -> ConnectOutcome? {
    guard let origin, let checkOrigin else { return nil }
    let code = origin.withCString { checkOrigin($0, user.pointer) }
    defer { UnsafeCrashCause.forget() }
    switch code {
    case 0: return nil
    case CInt(SYNQ_REFUSE): return .originRefused
    default:
      return .failed(reason: "check_origin failed for \(origin): \(cause(of: code))", code: code)
    }
  }
}

/// One call of a connect callback: the request, and what the host decides, now or later.
final class ConnectCall: Sendable {
  let request: ConnectRequest

  private enum Phase {
    /// The callback runs.
    case running
    /// It runs, or has returned, and the host decides later.
    case deferred
  }

  private struct State: @unchecked Sendable {
    /// A number that is checked when it comes back.
    var ticket: OpaquePointer?
    var phase = Phase.running
    var grant = ConnectGrant()
    var refusal: (status: Int, body: String)?
  }

  private let state = Mutex(State())
  private let paramsValue: ValueHandle
  /// Keeps the strings that the host reads; under the lock.
  private let strings = ValueHandle(.empty)

  private init(_ request: ConnectRequest) {
    self.request = request
    paramsValue = ValueHandle(.json(request.params))
  }

  /// A call with its ticket.
  static func begun(_ request: ConnectRequest) throws(HostError) -> ConnectCall {
    let call = ConnectCall(request)
    let ticket = try Tickets.connections.issue(call)
    call.state.withLock { $0.ticket = ticket }
    return call
  }

  var ticket: OpaquePointer? { state.withLock { $0.ticket } }

  /// The params, lent until the host has decided.
  var params: OpaquePointer { paramsValue.opaque }

  /// The call of a ticket whose client still waits.
  static func of(_ ticket: OpaquePointer?) throws(HostError) -> ConnectCall {
    let call = try Tickets.connections.object(of: ticket)
    guard !call.request.attempt.isOver else { throw .clientGone }
    return call
  }

  func keep(_ text: String?) -> UnsafePointer<CChar>? {
    guard let text else { return nil }
    return state.withLock { _ in try? strings.keep(text).text }
  }

  func setID(_ id: String) { state.withLock { $0.grant.id = id } }

  func assign(_ name: String, _ value: JSON) { state.withLock { $0.grant.assigns[NameKey(name)] = value } }

  func setData(_ data: ConnectionData) {
    // The old one is freed without the lock: that is the program's code.
    let old = state.withLock { state in
      defer { state.grant.attachment = data }
      return state.grant.attachment
    }
    withExtendedLifetime(old) {}
  }

  func refuse(status: Int, body: String) { state.withLock { $0.refusal = (status, body) } }

  // MARK: Deciding

  /// The host decides later, by `finish`.
  func `defer`() throws(HostError) {
    let wasRunning = state.withLock { state in
      defer { state.phase = .deferred }
      return state.phase == .running
    }
    guard wasRunning else { throw HostError(.state, "connection: it is deferred already") }
  }

  /// The callback has returned.
  func returned(_ code: CInt) {
    let isDeferred = state.withLock { $0.phase == .deferred }
    if isDeferred, code == 0 { return }
    guard Tickets.connections.revoke(ticket) else { return }
    request.attempt.answer(outcome(code))
  }

  /// Decides about the client of a deferred connection, and takes its ticket back.
  static func finish(_ ticket: OpaquePointer?, _ code: CInt) throws(HostError) {
    let call = try Tickets.connections.object(of: ticket)
    guard call.state.withLock({ $0.phase }) == .deferred else {
      throw HostError(.state, "connection: it is not deferred")
    }
    guard code <= 0 else {
      throw HostError(
        .invalidArgument, "result: \(code) is positive; a connect callback returns 0 or a negative code")
    }
    guard Tickets.connections.revoke(ticket) else {
      throw HostError(.closed, "connection: it has been decided already")
    }
    guard call.request.attempt.answer(call.outcome(code)) else { throw .clientGone }
  }

  private func outcome(_ code: CInt) -> ConnectOutcome {
    let (grant, refusal) = state.withLock { ($0.grant, $0.refusal) }
    defer { UnsafeCrashCause.forget() }
    switch code {
    case 0: return .accepted(grant)
    case CInt(SYNQ_REFUSE):
      return .refused(status: refusal?.status ?? 403, body: refusal?.body ?? "", reason: "connect refused")
    default: return .failed(reason: "connect failed: \(cause(of: code))", code: code)
    }
  }
}

private func cause(of code: CInt) -> String {
  code < 0 ? UnsafeCrashCause.of(code) : "it returned \(code), which is no result of a callback"
}

extension HostError {
  fileprivate static let clientGone = HostError(.closed, "connection: the client is gone")
}
