import CSynq
import SynqChannels
import SynqJSON
import SynqHosting
import SynqWire

/// The C callbacks about who is in the topics of a pattern.
final class PresenceCallbacks: PresenceHost {
  private let fetch: synq_fetch_presence_fn?
  private let changed: synq_presence_changed_fn?
  private let user: HostUser

  /// Nil where the program gave neither.
  init?(_ options: synq_channel_options_t, user: HostUser) {
    guard options.fetch_presence != nil || options.presence_changed != nil else { return nil }
    fetch = options.fetch_presence
    changed = options.presence_changed
    self.user = user
  }

  var fetchesPresence: Bool { fetch != nil }
  var watchesPresence: Bool { changed != nil }

  func fetchPresence(_ request: PresenceFetch) {
    guard let fetch, !user.hasEnded else { return }
    let call = FetchCall(request)
    let ticket: OpaquePointer
    do throws(HostError) {
      ticket = try Tickets.fetches.issue(call)
    } catch {
      _ = request.finish(.failure(error))
      return
    }
    defer { UnsafeCrashCause.forget() }
    let code = request.topic.withCString { fetch(ticket, $0, call.presences.opaque, user.pointer) }
    guard code != 0 else { return }
    let cause = code < 0 ? UnsafeCrashCause.of(code) : "it returned \(code), which is no result of a callback"
    if Tickets.fetches.revoke(ticket) { request.finish(.failure(HostError(.state, cause))) }
  }

  func presenceChanged(topic: String, key: String, isPresent: Bool) {
    guard let changed, !user.hasEnded else { return }
    topic.withCString { topic in
      key.withCString { changed(topic, $0, isPresent ? 1 : 0, user.pointer) }
    }
  }
}

/// A fetch that the program has to finish, and what it may read until then.
final class FetchCall: Sendable {
  let request: PresenceFetch
  let presences: ValueHandle

  init(_ request: PresenceFetch) {
    self.request = request
    presences = ValueHandle(.json(request.presences))
  }

  /// Finishes the fetch of a ticket, which is taken back.
  static func finish(_ ticket: OpaquePointer?, _ result: Result<JSON, HostError>) throws(HostError) {
    let call = try Tickets.fetches.object(of: ticket)
    guard Tickets.fetches.revoke(ticket) else {
      throw HostError(.closed, "fetch: it was finished before")
    }
    call.request.finish(result)
  }
}
