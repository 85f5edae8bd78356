import NIOCore
import SynqChannels
import SynqJSON
import Synchronization

/// Who is in the topics of a server: one table for each topic, whatever loops its members are on.
///
/// All methods may be called from any thread, those of one topic take turns.
package final class PresenceDirectory: Sendable {
  private struct State {
    var topics: [Topic: PresenceTopic] = [:]
    var refs: PresenceRefs
  }

  private let state: Mutex<State>
  private let backend = Mutex(WeakBackend())
  private let adapter: (any PresenceAdapter)?

  private struct WeakBackend {
    weak var backend: (any PresenceBackend)?
  }

  init(adapter: (any PresenceAdapter)? = nil) {
    self.adapter = adapter
    state = Mutex(State(refs: PresenceRefs(process: UInt64.random(in: 0...UInt64.max))))
  }

  /// Where diffs go and callbacks run; once, before the first channel.
  func use(_ backend: any PresenceBackend) { self.backend.withLock { $0.backend = backend } }

  // MARK: A channel

  /// Adds a channel under a key, and sees to it that its client gets the list. Returns the `phx_ref`.
  func track(_ key: String, _ meta: JSON, by context: ChannelContext) throws(HostError) -> String {
    let ref = nextRef()
    var mustShow = false
    try change(context) { state throws(HostError) in
      try state.table.track(key, meta, by: context.presenceOwner, ref: ref)
      mustShow = state.shown.insert(ObjectIdentifier(context)).inserted
    }
    if mustShow, context.getsPresenceMessages { try context.perform(.presenceState) }
    return ref
  }

  /// Replaces the meta of a channel under a key. Returns the new `phx_ref`.
  func update(_ key: String, _ meta: JSON, by context: ChannelContext) throws(HostError) -> String {
    let ref = nextRef()
    try change(context) { state throws(HostError) in
      try state.table.update(key, meta, by: context.presenceOwner, ref: ref)
    }
    return ref
  }

  /// Takes a channel away from a key.
  func untrack(_ key: String, by context: ChannelContext) throws(HostError) {
    try change(context) { state throws(HostError) in
      try state.table.untrack(key, by: context.presenceOwner)
    }
  }

  /// Shows the list to the channel's client; diffs follow by themselves.
  func show(_ context: ChannelContext) throws(HostError) {
    try change(context) { state throws(HostError) in state.shown.insert(ObjectIdentifier(context)) }
    if context.getsPresenceMessages { try context.perform(.presenceState) }
  }

  /// The channel has ended: it is nowhere any more.
  func left(_ context: ChannelContext) {
    guard let topic = find(context.topic) else { return }
    let action = topic.state.withLock { state in
      state.shown.remove(ObjectIdentifier(context))
      state.waiting.removeAll { $0 === context }
      state.table.remove(context.presenceOwner)
      return schedule(topic, &state, on: context.driver?.loop)
    }
    carryOut(action, topic)
  }

  /// The channel goes on after its client was away: the client gets the list anew, if it had been shown it.
  package func resumed(_ context: ChannelContext) {
    guard context.getsPresenceMessages, let topic = find(context.topic) else { return }
    if topic.state.withLock({ $0.shown.contains(ObjectIdentifier(context)) }) { requestState(context) }
  }

  // MARK: Reading

  /// The keys of a topic, `{key: {metas: […]}}`.
  package func list(_ topic: String) -> JSON {
    find(topic)?.state.withLock { $0.table.list() } ?? .emptyObject
  }

  /// A key of a topic, `{metas: […]}`; nil if nobody is there.
  package func presence(of key: String, in topic: String) -> JSON? {
    find(topic)?.state.withLock { $0.table.presence(of: key) }
  }

  // MARK: Other processes

  /// Takes over what another process told of its members. `options` and `host` are those of the topic's channels.
  package func merge(
    topic name: String, _ options: ChannelSpec.Options, host: (any PresenceHost)?, joins: [PresenceMember],
    leaves: [PresenceMember], on loop: any EventLoop
  ) {
    withTopic(name, options, host) { topic, state in
      state.table.merge(joins: joins, leaves: leaves)
      return schedule(topic, &state, onEventLoop: loop)
    }
  }

  /// Another process is gone, and with it all of its members.
  package func removeAll(of process: UInt64, on loop: any EventLoop) {
    for topic in state.withLock({ Array($0.topics.values) }) {
      let action = topic.state.withLock { state in
        state.table.removeAll(of: process)
        return schedule(topic, &state, onEventLoop: loop)
      }
      carryOut(action, topic)
    }
  }

  /// What this process has, for one that has just begun.
  package func ownMembers() -> [(topic: String, members: [PresenceMember])] {
    state.withLock { Array($0.topics.values) }.map { topic in
      (topic.name, topic.state.withLock { $0.table.members(of: PresenceOwner.own) })
    }
  }

  // MARK: Telling

  /// Sends what is gathered of a topic: a message of another kind is about to follow on it, and clients must see the order.
  func flush(before name: String) {
    guard let topic = find(name), topic.state.withLock({ $0.table.hasChange }) else { return }
    tell(topic)
  }

  /// Sends `presence_state` to a channel's client: behind the diff that is due, if one is.
  func requestState(_ context: ChannelContext) {
    let mustWake = find(context.topic)?.state.withLock { state -> Bool in
      if state.schedule == .soon || state.isFetching {
        state.waiting.append(context)
        return false
      }
      return context.owner.enqueue(.presenceState(context))
    }
    if mustWake ?? context.owner.enqueue(.presenceState(context)) { context.owner.wake() }
  }

  /// The payload of `presence_state` as text, as it is now.
  func stateText(_ topic: String) -> [UInt8] {
    find(topic)?.state.withLock { $0.table.state() } ?? Array("{}".utf8)
  }

  /// What follows a change, once the lock is free.
  private enum Action {
    case none
    case tellSoon(any EventLoop)
    case tellLater(any EventLoop, NIODeadline)
    case forget
  }

  /// What a diff that was sent leaves to do.
  private struct Told {
    var loops: [ServerLoop] = []
    var owners: [any ContextOwner] = []
    var fetch: PresenceFetch?
    var mustCall = false
    /// Keys whose place in the topic's state is out of date.
    var keys: [String] = []
  }

  private func schedule(_ topic: PresenceTopic, _ state: inout PresenceTopic.State, on loop: ServerLoop?)
    -> Action
  {
    // A topic, which has no loop, is never present itself.
    loop.map { schedule(topic, &state, onEventLoop: $0.eventLoop) } ?? .none
  }

  private func schedule(
    _ topic: PresenceTopic, _ state: inout PresenceTopic.State, onEventLoop loop: any EventLoop
  ) -> Action {
    guard state.table.hasChange else { return forgetIfUnused(&state) }
    state.loop = loop
    guard state.schedule == .none, !state.isFetching else { return .none }
    let due = state.toldAt.map { $0 + PresenceTopic.pause(members: state.table.memberCount) }
    if let due, due > loop.now {
      state.schedule = .paused
      return .tellLater(loop, due)
    }
    state.schedule = .soon
    return .tellSoon(loop)
  }

  private func forgetIfUnused(_ state: inout PresenceTopic.State) -> Action {
    guard state.isUnused else { return .none }
    state.isForgotten = true
    return .forget
  }

  private func carryOut(_ action: Action, _ topic: PresenceTopic) {
    switch action {
    case .none: break
    case .tellSoon(let loop): loop.execute { [weak self] in self?.tell(topic) }
    case .tellLater(let loop, let deadline):
      loop.scheduleTask(deadline: deadline) { [weak self] in self?.tell(topic) }
    case .forget:
      state.withLock { state in
        if state.topics[Topic(topic.name)] === topic { state.topics[Topic(topic.name)] = nil }
      }
    }
  }

  /// Sends what is gathered, or asks `fetch` about it first.
  private func tell(_ topic: PresenceTopic) {
    let (told, action) = topic.state.withLock { state -> (Told, Action) in
      state.schedule = .none
      var told = Told()
      guard !state.isFetching else { return (told, .none) }
      guard let change = state.table.takeChange() else {
        serveWaiting(&state, &told)
        return (told, forgetIfUnused(&state))
      }
      if topic.host?.fetchesPresence == true, !change.joins.isEmpty {
        state.isFetching = true
        told.fetch = PresenceFetch(topic: topic.name, presences: change.fetched) { [weak self] result in
          self?.fetched(topic, change, result)
        }
        return (told, .none)
      }
      send(change, [:], topic, &state, &told)
      return (told, forgetIfUnused(&state))
    }
    finish(told, topic)
    carryOut(action, topic)
  }

  private func fetched(_ topic: PresenceTopic, _ change: PresenceChange, _ result: Result<JSON, HostError>) {
    var additions: [PresenceKey: JSON]?
    switch result {
    case .success(let json):
      let named = json.members.filter { $0.value.kind == .object }.map { (PresenceKey($0.name), $0.value) }
      additions = Dictionary(named) { $1 }
    case .failure(let error): currentBackend?.presenceFailed(topic: topic.name, cause: error.message)
    }
    let (told, hasMore, action) = topic.state.withLock { state -> (Told, Bool, Action) in
      var told = Told()
      state.isFetching = false
      let shown = state.table.added(additions, to: change)
      send(change, shown, topic, &state, &told)
      return (told, state.table.hasChange, forgetIfUnused(&state))
    }
    finish(told, topic)
    // What came while the program was asked has waited long enough.
    if hasMore { tell(topic) } else { carryOut(action, topic) }
  }

  private func send(
    _ change: PresenceChange, _ additions: [PresenceKey: JSON], _ topic: PresenceTopic,
    _ state: inout PresenceTopic.State, _ told: inout Told
  ) {
    state.toldAt = state.loop?.now
    if topic.assign == nil {
      let payload = change.payload(additions: additions)
      told.loops +=
        currentBackend?.enqueueToAll(
          .broadcast(topic: topic.name, event: PresenceEvent.diff, payload: .json(payload), except: nil, nil))
        ?? []
    } else {
      told.keys = change.keys
    }
    if let adapter {
      let isOwn = { (member: PresenceMember) in member.owner.process == PresenceOwner.own }
      adapter.send(
        topic: topic.name, joins: change.joins.filter(isOwn),
        leaves: change.leaves.map(\.member).filter(isOwn))
    }
    if topic.host?.watchesPresence == true {
      state.calls += change.came.map { ($0, true) } + change.went.map { ($0, false) }
    }
    if !state.calls.isEmpty, !state.isCalling {
      state.isCalling = true
      told.mustCall = true
    }
    serveWaiting(&state, &told)
  }

  private func serveWaiting(_ state: inout PresenceTopic.State, _ told: inout Told) {
    for context in state.waiting where context.owner.enqueue(.presenceState(context)) {
      told.owners.append(context.owner)
    }
    state.waiting = []
  }

  private func finish(_ told: Told, _ topic: PresenceTopic) {
    for loop in told.loops { loop.wake() }
    for owner in told.owners { owner.wake() }
    if let assign = topic.assign, !told.keys.isEmpty {
      currentBackend?.update(
        topic: topic.name, by: PresenceUpdate(self, topic: topic.name, assign: assign, keys: told.keys))
    }
    var calls: [PendingCall] = []
    if let fetch = told.fetch, let host = topic.host { calls.append(.task { host.fetchPresence(fetch) }) }
    if told.mustCall { calls.append(.task { [weak self] in self?.call(topic) }) }
    if !calls.isEmpty { currentBackend?.submit(calls) }
  }

  /// Tells the program which keys came and went, until there are no more.
  private func call(_ topic: PresenceTopic) {
    while true {
      let (calls, action) = topic.state.withLock { state -> ([(key: String, isPresent: Bool)], Action) in
        defer { state.calls = [] }
        if !state.calls.isEmpty { return (state.calls, .none) }
        state.isCalling = false
        return ([], forgetIfUnused(&state))
      }
      if calls.isEmpty { return carryOut(action, topic) }
      for call in calls {
        topic.host?.presenceChanged(topic: topic.name, key: call.key, isPresent: call.isPresent)
      }
    }
  }

  // MARK: Steps of these

  private var currentBackend: (any PresenceBackend)? { backend.withLock { $0.backend } }

  private func nextRef() -> String { state.withLock { $0.refs.next() } }

  private func find(_ topic: String) -> PresenceTopic? {
    state.withLock { $0.topics.isEmpty ? nil : $0.topics[Topic(topic)] }
  }

  /// Changes the table of a channel's topic on its behalf.
  private func change(
    _ context: ChannelContext, _ body: (inout PresenceTopic.State) throws(HostError) -> Void
  ) throws(HostError) {
    try context.checkMayBePresent()
    var result: Result<Void, HostError> = .success(())
    withTopic(context.topic, context.spec.options, context.host.presence) { topic, state in
      // Under the lock: a channel that ends has its members taken away after it is marked as ended.
      if context.hasEnded {
        result = .failure(.channelClosed)
      } else {
        do throws(HostError) { try body(&state) } catch { result = .failure(error) }
      }
      return schedule(topic, &state, on: context.driver?.loop)
    }
    try result.get()
  }

  /// Runs `body` on the topic of a name, which is made if it is not there.
  private func withTopic(
    _ name: String, _ options: ChannelSpec.Options, _ host: (any PresenceHost)?,
    _ body: (PresenceTopic, inout PresenceTopic.State) -> Action
  ) {
    while true {
      let topic = state.withLock { state in
        if let topic = state.topics[Topic(name)] { return topic }
        let topic = PresenceTopic(
          name, limits: options.presence, assign: options.presenceAssign, host: host)
        state.topics[Topic(name)] = topic
        return topic
      }
      let action = topic.state.withLock { state in state.isForgotten ? nil : body(topic, &state) }
      if let action { return carryOut(action, topic) }
    }
  }
}
