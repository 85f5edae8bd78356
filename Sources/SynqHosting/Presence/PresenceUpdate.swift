import SynqChannels
import SynqJSON

/// Keeps the assign of a topic to who is in it: takes over how some keys are now, in the topic's turn.
final class PresenceUpdate: ContextUpdate {
  private let presences: PresenceDirectory
  private let topic: String
  private let assign: String
  private let keys: [String]

  init(_ presences: PresenceDirectory, topic: String, assign: String, keys: [String]) {
    self.presences = presences
    self.topic = topic
    self.assign = assign
    self.keys = keys
  }

  func run(on context: ChannelContext) -> Outcome {
    // As they are now: of several updates that wait, the first has it all.
    let values = keys.map { (key: $0, value: presences.presence(of: $0, in: topic)) }
    do throws(HostError) {
      try context.changeAssigns { assigns throws(HostError) in
        let members = assigns[assign] ?? .null
        if members.kind != .object { try assigns.set(assign, to: .emptyObject) }
        for (key, value) in values {
          let place = JSONPointer(tokens: [assign, key])
          if let value {
            try assigns.change(.set(value), at: place)
          } else if assigns[assign]?.contains(member: key) == true {
            try assigns.change(.remove, at: place)
          }
        }
      }
      return .returned
    } catch {
      return .crashed(cause: "presences: \(error.message)")
    }
  }

  func ended(_ error: HostError?) {}
}
