import Synq
import SynqChannels
import SynqJSON

/// Who is here, as the client has it.
extension TestChannel {
  /// The list as the client made it of `presence_state` and `presence_diff`, by the rules of phoenix.js, or as it has it in the
  /// state (``Synq/PresenceOptions/assign``): `{"ann": {"metas": [{"phx_ref": …}]}}`.
  public var presences: JSON {
    let assign = client.server.presenceAssign(of: topic)
    return joined.view.withLock { view in
      assign.map { view.state?[$0] ?? .emptyObject } ?? view.presences.list
    }
  }

  /// That the client has exactly these keys and metas, `{"ann": [{"status": "online"}]}`: without refs, the metas of a key in
  /// any order. Waits for messages that lead there; afterwards the server's own list is compared, too.
  public func expectPresences(
    _ expected: JSON, fileID: StaticString = #fileID, line: Int = #line
  ) async throws {
    let wanted = expected.sortedPresences
    let assign = client.server.presenceAssign(of: topic)
    let events =
      assign == nil ? [PresenceEvent.state, PresenceEvent.diff] : [dialect.changeEvent, dialect.patchEvent]
    while presences.presencesWithoutRefs != wanted {
      let next = await next { events.contains($0.event) }
      guard next != nil else {
        throw failure(
          "the client has other presences\n  expected \(wanted)\n  but has  \(presences.presencesWithoutRefs)",
          fileID, line)
      }
    }
    let server = client.server.presences(topic).presencesWithoutRefs
    guard server == wanted else {
      throw failure(
        "the server has other presences\n  expected \(wanted)\n  but has  \(server)", fileID, line)
    }
  }
}

extension TestServer {
  /// Who is in a topic, `{"ann": {"metas": […]}}`.
  public func presences(_ topic: String) -> JSON { hub.presences.list(topic) }
}
