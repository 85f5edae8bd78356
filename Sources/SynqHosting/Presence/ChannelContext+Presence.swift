import SynqChannels
import SynqJSON

/// Who is here, as a channel says and asks. From any thread; what changes is told the clients of the topic.
extension ChannelContext {
  /// Makes the channel present under a key. Its client gets the list, once. Returns the `phx_ref`.
  package func track(_ key: String, _ meta: JSON) throws(HostError) -> String {
    try presences.track(key, meta, by: self)
  }

  /// Replaces the channel's meta under a key. Returns the new `phx_ref`.
  package func updatePresence(_ key: String, _ meta: JSON) throws(HostError) -> String {
    try presences.update(key, meta, by: self)
  }

  /// Takes the channel away from a key.
  package func untrack(_ key: String) throws(HostError) { try presences.untrack(key, by: self) }

  /// Shows the list to the client of a channel that is not present itself.
  package func showPresence() throws(HostError) { try presences.show(self) }

  /// The keys of the topic, `{key: {metas: […]}}`.
  package func presenceList() throws(HostError) -> JSON {
    if hasEnded { throw .channelClosed }
    return presences.list(topic)
  }

  /// A key of the topic, `{metas: […]}`; nil if nobody is there.
  package func presence(of key: String) throws(HostError) -> JSON? {
    if hasEnded { throw .channelClosed }
    return presences.presence(of: key, in: topic)
  }

  /// Fails while it is not decided whether the client may join: nobody is to be seen before that.
  func checkMayBePresent() throws(HostError) {
    guard isChannel else { throw .topicHasNoClient }
    let isJoining = state.withLock { state in
      if case .authorize? = state.invocation?.cause { true } else { false }
    }
    if isJoining {
      throw HostError(.state, "socket: it can be present once it has joined, in init or later")
    }
  }

  /// Whether its client is told by messages who is here, and not by the state.
  var getsPresenceMessages: Bool { spec.options.presenceAssign == nil }

  private var presences: PresenceDirectory { owner.presences }
}

extension SocketDriver {
  /// Sends `presence_state` to the client of a channel.
  func sendPresenceState(to context: ChannelContext) {
    let text = hub.presences.stateText(context.topic)
    enter { $0.encodePresenceState(text, at: context.key, into: &$1) }
  }
}

extension ChannelHub: PresenceBackend {
  func enqueueToAll(_ message: LoopMessage) -> [ServerLoop] { allLoops.filter { $0.enqueue(message) } }

  func submit(_ calls: [PendingCall]) { _ = delivery.submit(calls) }

  func update(topic name: String, by update: any ContextUpdate) {
    guard let topic = topics.topic(name) else { return }
    try? topic.requestUpdate(topic.makeCall(.update(update)), opens: false)
  }

  func presenceFailed(topic: String, cause: String) {
    logger.error("fetch of presences failed", metadata: ["topic": "\(topic)", "cause": "\(cause)"])
  }
}
