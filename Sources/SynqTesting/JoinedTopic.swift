import Synq
import SynqChannels
import SynqJSON
import SynqPatch
import SynqWire
import Synchronization

/// What a test's client keeps of a channel that it joined: how it did, and the state as the server gave it. It knows neither
/// the client nor the test's `TestChannel`, who both refer to it.
final class JoinedTopic: Sendable {
  let topic: String
  let params: JSON
  let dialect: Dialect

  struct View {
    var joinRef: JSON?
    var state: JSON?
    var version: Int?
    /// The state up to the last message that was asked for.
    var expectedState: JSON?
    /// What a stock client would have choked on.
    var damage: String?
    var joinReply: Reply?
    /// Who is here.
    var presences = PresenceView()
  }

  let view = Mutex(View())

  init(topic: String, params: JSON, dialect: Dialect) {
    self.topic = topic
    self.params = params
    self.dialect = dialect
  }

  /// Does with a message what a client does, keeps its state up to date, and notes that in the message.
  func follow(_ frame: inout ServerFrame) {
    if frame.event == PresenceEvent.diff {
      view.withLock { [frame] in $0.presences.take(diff: frame.payload) }
    } else if frame.event == PresenceEvent.state {
      view.withLock { [frame] in
        if frame.joinRef == $0.joinRef { $0.presences.take(state: frame.payload) }
      }
    }
    frame.stateAfter = view.withLock { [frame] view -> JSON? in
      // Clients of a topic that have the same state get the same bytes, with none.
      guard frame.joinRef == nil || frame.joinRef == view.joinRef else { return nil }
      let next = frame.payload["version"]?.int64Value.map(Int.init)
      if frame.event == dialect.changeEvent {
        view.state = frame.payload["state"]
        view.version = next
      } else if frame.event == dialect.patchEvent {
        guard let next, let version = view.version, next == version + 1 else {
          view.damage = "a patch to version \(next ?? -1) came when the client had \(view.version ?? -1)"
          return nil
        }
        do throws(PatchError) {
          let operations = frame.payload["\(dialect.operationsMember)"] ?? .null
          view.state = try JSONPatch.apply(operations, to: view.state ?? .null)
          view.version = next
        } catch {
          view.damage = "a patch does not apply: \(error)"
        }
      }
      return view.state
    }
  }
}
