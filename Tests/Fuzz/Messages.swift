import SynqChannels
import SynqJSON
import SynqPatch
import SynqWire

/// What a client sends over one socket, with a host behind it that answers, fails, pushes and takes its time: the first
/// byte picks the serializer; then a message a line, "b" before a binary one, "#" before what the network and the host do
/// meanwhile. Whatever comes: the engine answers in whole messages, at most once each; its states are what its patches
/// lead to; and what was let in is told its end once.
@_cdecl("LLVMFuzzerTestOneInput")
public func messages(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = UnsafeBufferPointer(start: start, count: count)
  guard let first = bytes.first else { return 0 }
  let socket = FuzzedSocket(serializer: first & 1 == 0 ? .v2 : .v1)
  for line in bytes.dropFirst().split(separator: UInt8(ascii: "\n"), maxSplits: 200) {
    switch line.first {
    case UInt8(ascii: "b"): socket.receive(binary: Array(line.dropFirst()))
    case UInt8(ascii: "#"): for command in line.dropFirst() { socket.obey(command) }
    default: socket.receive(text: Array(line))
    }
  }
  socket.end()
  return 0
}

private final class FuzzedSocket {
  private var engine: SocketEngine
  private let serializer: Serializer
  private var output = EngineOutput()
  private var held: [Invocation] = []
  private var deferred: [(reply: DeferredReply, channel: ChannelKey)] = []
  private var replies: UInt32 = 0
  private var holds = false
  private var isClosed = false
  private var isLost = false
  /// How often the last channel ended since the connection was lost, or since the beginning: once.
  private var finished = 0
  /// The channels that were let in, and those that were told their end.
  private var admitted: Set<ChannelKey> = []
  private var ended: Set<ChannelKey> = []
  /// How many messages with a ref were sent, and not answered yet.
  private var owed: [String: Int] = [:]
  /// What the client makes of the state messages, by topic, and the version.
  private var states: [String: (state: JSON, version: Int)] = [:]

  init(serializer: Serializer) {
    self.serializer = serializer
    var limits = SocketLimits()
    limits.maxChannels = 8
    limits.maxQueuedEvents = 4
    limits.maxPendingReplies = 3
    limits.maxQueuedBytes = 64
    engine = SocketEngine(
      router: Self.router, serializer: serializer, limits: limits,
      connectionAssigns: ["of": "the connection"],
      timestamp: { "2026-01-02T03:04:05.678Z" })
  }

  /// The topics of the recordings, so that these are good seeds.
  private static let router: TopicRouter = {
    var router = TopicRouter()
    func add(_ patterns: [String], _ dialect: Dialect, track: [String]) {
      for text in patterns {
        guard let pattern = try? TopicPattern(text) else { fatalError(text) }
        var options = ChannelSpec.Options()
        options.dialect = dialect
        options.track = track
        options.maxVersion = 3
        options.intercept = ["shout"]
        _ = router.add(pattern, options: options, callbacks: .all)
      }
    }
    add(["counter:*", "room:*", "spatch:*", "sinit:*", "sauth:*"], .seance, track: ["doc", "n"])
    add(["lcounter:*", "lroom:*", "lpatch:*", "linit:*"], .liveState, track: ["doc", "n"])
    add(["m:*"], .liveViewModel, track: ["doc"])
    add(["s:*"], .synq, track: ["doc", "n"])
    add(["plain:*", "exact"], .synq, track: [])
    return router
  }()

  // MARK: Input

  func receive(text: [UInt8]) {
    guard !isClosed else { return }
    text.withUnsafeBytes { bytes in
      note { () throws(DecodingError) in try serializer.decode(text: bytes, limits: JSONLimits()) }
      engine.receive(text: bytes, limits: JSONLimits(), into: &output)
    }
    settle()
  }

  func receive(binary: [UInt8]) {
    guard !isClosed else { return }
    binary.withUnsafeBytes { bytes in
      note { () throws(DecodingError) in try serializer.decode(binary: bytes, limits: JSONLimits()) }
      engine.receive(binary: bytes, limits: JSONLimits(), into: &output)
    }
    settle()
  }

  /// Counts what will be answered: a message, or what would be one but for a payload that is too complex.
  private func note(_ decode: () throws(DecodingError) -> Message) {
    let message: Message?
    do throws(DecodingError) { message = try decode() } catch { message = error.excess?.message }
    if let message { owed[message.ref?.text ?? "null", default: 0] += 1 }
  }

  func obey(_ command: UInt8) {
    switch command {
    case UInt8(ascii: "h"): holds.toggle()
    case UInt8(ascii: "r"): if !held.isEmpty { run(held.removeFirst()) }
    case UInt8(ascii: "l"): if !held.isEmpty { run(held.removeLast()) }
    case UInt8(ascii: "w"):
      engine.isWritable.toggle()
      if engine.isWritable { engine.encodeStates(into: &output) }
    case UInt8(ascii: "p"):
      if let owed = deferred.popLast() {
        _ = engine.reply(owed.reply, .receipt, of: owed.channel, into: &output)
      }
    case UInt8(ascii: "m"):
      let message = HostMessage(topic: "t", name: "tick", payload: .json(["n": 1]))
      for key in admitted.subtracting(ended) { engine.deliver(message, to: key, into: &output) }
    case UInt8(ascii: "s"):
      if let key = admitted.subtracting(ended).first { engine.stop(key, reason: .normal, into: &output) }
    case UInt8(ascii: "d"): engine.drain(reason: .draining, into: &output)
    case UInt8(ascii: "c"): lose()
    default: break
    }
    settle()
  }

  private func lose() {
    if !isLost { finished = 0 }
    isLost = true
    isClosed = true
    engine.connectionLost(into: &output)
  }

  /// The connection is lost, if it was not before, and every callback ends.
  func end() {
    lose()
    settle()
    while !held.isEmpty { run(held.removeFirst()) }
    for owed in deferred { _ = engine.reply(owed.reply, .receipt, of: owed.channel, into: &output) }
    settle()
    precondition(finished == 1, "never finished")
    precondition(admitted == ended, "\(admitted.count) were let in, \(ended.count) told their end")
    precondition(engine.busyTopics.isEmpty)
  }

  // MARK: The host

  private func run(_ invocation: Invocation) {
    var outcome = Outcome.returned
    switch invocation.cause {
    case .authorize(let payload):
      outcome = authorize(payload, &invocation.scope)
      if case .returned = outcome, invocation.scope.response?.isFailure != true {
        admitted.insert(invocation.channel)
      }
    case .initialize(let payload): initialize(payload, &invocation.scope)
    case .event(let name, let payload):
      outcome = handle(name, payload, of: invocation.channel, &invocation.scope)
    case .newState, .updateState: break
    case .message:
      try? invocation.scope.assigns.set(
        "n", to: JSON((invocation.scope.assigns["n"]?.int64Value ?? 0) &+ 1))
    case .beforeClose:
      precondition(ended.insert(invocation.channel).inserted, "before_close twice")
      invocation.scope.effects.append(.push(event: "too late", payload: .empty))
    // The fuzzer's channels share nothing, and nobody updates them.
    case .update, .openTopic, .closeTopic: break
    }
    engine.complete(invocation, outcome, into: &output)
    settle()
  }

  private func authorize(_ payload: Payload, _ scope: inout CallbackScope) -> Outcome {
    guard case .json(let params) = payload else { return .returned }
    switch params["kind"]?.stringValue {
    case "string": scope.response = .error(ErrorReport(code: "no", message: "Go away!"))
    case "map": scope.response = .reply(status: "error", payload: .json(params))
    case "atom": return .refused
    case "raise": return .crashed(cause: "raised")
    case "binary": scope.response = .reply(status: "ok", payload: .binary([1, 2]))
    default: break
    }
    return .returned
  }

  private func initialize(_ payload: Payload, _ scope: inout CallbackScope) {
    guard case .json(let params) = payload else { return }
    try? scope.assigns.set("doc", to: params["doc"] ?? params)
    if params["kind"] == "nope" { scope.response = .error(ErrorReport(code: "no", message: "no")) }
  }

  private func handle(
    _ name: String, _ payload: Payload, of channel: ChannelKey, _ scope: inout CallbackScope
  ) -> Outcome {
    let json: JSON = if case .json(let json) = payload { json } else { .null }
    switch name {
    case "set", "say": try? scope.assigns.set("doc", to: json["doc"] ?? json)
    case "inc": try? scope.assigns.set("n", to: JSON((scope.assigns["n"]?.int64Value ?? 0) &+ 1))
    case "remove": _ = try? scope.assigns.remove("doc")
    case "reply_ok_map": scope.response = .reply(status: "ok", payload: payload)
    case "reply_binary", "echo_binary": scope.response = .reply(status: "ok", payload: .binary([0, 1, 255]))
    case "reply_error_map": scope.response = .error(ErrorReport(code: "bad", message: name))
    case "push_text": scope.effects.append(.push(event: "pushed", payload: payload))
    case "push_binary": scope.effects.append(.push(event: "bin", payload: .binary([9])))
    case "broadcast": scope.effects.append(.broadcast(event: "bc", payload: payload, exceptSelf: false))
    case "async_reply":
      replies += 1
      let reply = DeferredReply(rawValue: replies)
      deferred.append((reply, channel))
      scope.detached = reply
    case "send": scope.effects.append(.send(message: "self", payload: json))
    case "stop_normal": scope.stop = .normal
    case "stop_other": scope.stop = CloseReason(rawValue: "other")
    case "raise": return .crashed(cause: "raised", code: -1)
    default: break
    }
    return .returned
  }

  // MARK: Output

  /// Carries out actions until none is left, and reads what was sent.
  private func settle() {
    defer { precondition(finished <= 1, "finished \(finished) times") }
    while let action = output.actions.popFirst() {
      switch action {
      case .invoke(let invocation): if holds { held.append(invocation) } else { run(invocation) }
      case .close: isClosed = true
      case .finished: finished += 1
      case .ended(let key):
        precondition(!held.contains { $0.channel == key }, "ended with a callback under way")
      case .joined, .closing, .subscribe, .unsubscribe, .broadcast, .publish, .sendAfter, .cancelTimer,
        .presenceState, .pauseState, .dropped, .log:
        break
      }
    }
    output.outbox.forEachMessage { kind, bytes in
      switch kind {
      case .text:
        guard let json = try? JSON(parsing: bytes) else { fatalError("sent what is no JSON") }
        read(json)
      case .binary:
        precondition(serializer == .v2, "binary to a client of V1")
        read(binary: bytes)
      }
    }
    output.outbox.removeAll()
    if engine.isWritable, !isClosed { compareStates() }
  }

  private func read(_ json: JSON) {
    let (ref, topic, event, payload): (JSON?, JSON?, JSON?, JSON?)
    if serializer == .v2 {
      precondition(json.kind == .array && json.count == 5, "\(json)")
      (ref, topic, event, payload) = (json[1], json[2], json[3], json[4])
    } else {
      precondition(json.kind == .object && json.count == 4, "\(json)")
      (ref, topic, event, payload) = (json["ref"], json["topic"], json["event"], json["payload"])
    }
    guard let ref, let topic, let event = event?.stringValue, let payload else { fatalError("\(json)") }
    switch event {
    case "phx_reply":
      precondition(payload.count == 2 && payload["status"]?.kind == .string && payload["response"] != nil)
      answered(ref.description)
    case "phx_close", "phx_error": states[topic.stringValue ?? ""] = nil
    case "synq:change", "seance:change", "state:change":
      guard let version = payload["version"]?.int64Value, let state = payload["state"] else {
        fatalError("\(json)")
      }
      states[topic.stringValue ?? ""] = (state, Int(version))
    case "synq:patch", "seance:patch", "state:patch":
      patch(topic.stringValue ?? "", payload)
    default: break
    }
  }

  private func patch(_ topic: String, _ payload: JSON) {
    guard let known = states[topic], let version = payload["version"]?.int64Value,
      let operations = payload["operations"] ?? payload["patch"]
    else {
      fatalError("a patch of nothing at \(topic): \(payload)")
    }
    precondition(Int(version) == known.version + 1, "version \(version) after \(known.version)")
    guard let state = try? JSONPatch.apply(operations, to: known.state) else {
      fatalError("\(operations) does not apply to \(known.state)")
    }
    states[topic] = (state, Int(version))
  }

  private func read(binary bytes: UnsafeRawBufferPointer) {
    let parts = bytes[0] == 0 ? 3 : bytes[0] == 1 ? 4 : 2
    precondition(bytes.count > parts)
    let lengths = bytes[1...parts].map(Int.init)
    precondition(bytes.count >= 1 + parts + lengths.reduce(0, +), "a binary message that is too short")
    guard bytes[0] == 1 else { return }
    let start = 1 + parts + lengths[0]
    let ref = String(decoding: bytes[start..<start + lengths[1]], as: UTF8.self)
    // Whether it was a string cannot be seen here.
    answered(owed[ref] ?? 0 > 0 ? ref : ref.isEmpty && owed["null"] ?? 0 > 0 ? "null" : JSON(ref).description)
  }

  private func answered(_ ref: String) {
    guard let count = owed[ref], count > 0 else {
      // A ref is echoed as it was written, and may be the same value in other words.
      let value = try? JSON(parsing: ref)
      guard let same = owed.first(where: { $0.value > 0 && (try? JSON(parsing: $0.key)) == value }) else {
        fatalError("an answer to \(ref), which nobody waits for")
      }
      owed[same.key] = same.value - 1
      return
    }
    owed[ref] = count - 1
  }

  /// What the client has is what the channel has, when nothing is held back.
  private func compareStates() {
    for (topic, known) in states {
      guard let key = engine.channel(at: topic), admitted.contains(key), !ended.contains(key),
        !held.contains(where: { $0.channel == key }), let assigns = engine.assigns(at: topic)
      else {
        continue
      }
      precondition(known.state == assigns.state, "\(topic): \(known.state) is not \(assigns.state)")
    }
  }
}

extension Response {
  fileprivate var isFailure: Bool {
    switch self {
    case .reply(let status, _): status != Response.ok
    case .error: true
    }
  }
}
