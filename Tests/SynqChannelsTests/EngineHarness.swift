import SynqJSON
import SynqWire

@testable import SynqChannels

/// Runs an engine as a host would: callbacks are Swift closures, answered at once or, if `held`, when the test says so.
final class EngineHarness {
  /// What a callback does; the scope is what it sees and changes.
  typealias Callback = (Invocation.Cause, inout CallbackScope) -> Outcome
  typealias SendableCallback = @Sendable (Invocation.Cause, inout CallbackScope) -> Outcome

  var engine: SocketEngine
  private var output = EngineOutput()
  /// The callbacks of the channels, by the text of their pattern.
  var callbacks: [String: Callback] = [:]
  /// The callbacks that ran, as "event inc" or "before_close shutdown:left".
  private(set) var ran: [String] = []
  /// Other actions, in order.
  private(set) var actions: [String] = []
  private(set) var logs: [LogEntry] = []
  /// While true, callbacks wait for `runHeld`.
  var holdsCallbacks = false
  private(set) var held: [Invocation] = []

  init(
    _ router: TopicRouter, serializer: Serializer = .v2, limits: SocketLimits = SocketLimits(),
    assigns: [NameKey: JSON] = [:]
  ) {
    engine = SocketEngine(
      router: router, serializer: serializer, limits: limits, connectionAssigns: assigns,
      timestamp: { "2026-01-02T03:04:05.678Z" })
  }

  /// Feeds a text message and returns what was sent, each message as JSON.
  @discardableResult
  func receive(_ text: String) -> [JSON] {
    var text = text
    text.withUTF8 { engine.receive(text: UnsafeRawBufferPointer($0), limits: JSONLimits(), into: &output) }
    return settle()
  }

  @discardableResult
  func receive(binary: [UInt8]) -> [JSON] {
    binary.withUnsafeBytes { engine.receive(binary: $0, limits: JSONLimits(), into: &output) }
    return settle()
  }

  /// Lets the engine do something else.
  @discardableResult
  func perform(_ body: (inout SocketEngine, inout EngineOutput) -> Void) -> [JSON] {
    body(&engine, &output)
    return settle()
  }

  /// Runs the oldest callback that waits.
  @discardableResult
  func runHeld() -> [JSON] {
    run(held.removeFirst())
    return settle()
  }

  /// Carries out actions until none is left, and takes the messages.
  private func settle() -> [JSON] {
    while let action = output.actions.popFirst() {
      switch action {
      case .invoke(let invocation):
        if holdsCallbacks { held.append(invocation) } else { run(invocation) }
      case .log(let entry): logs.append(entry)
      case .joined(let key): actions.append("joined \(engine.origin(of: key)?.topic ?? "and ended")")
      case .ended: actions.append("ended")
      case .closing: actions.append("closing")
      case .subscribe(_, let topic): actions.append("subscribe \(topic)")
      case .unsubscribe(_, let topic): actions.append("unsubscribe \(topic)")
      case .broadcast(let topic, let event, _, let except):
        actions.append("broadcast \(topic) \(event)\(except == nil ? "" : " from")")
      case .publish(let topic, let message, _, _, let except):
        actions.append("publish \(topic) \(message)\(except == nil ? "" : " from")")
      case .sendAfter(_, let delay, let message): actions.append("after \(delay) \(message.name)")
      case .cancelTimer(_, let timer): actions.append("cancel \(timer)")
      case .pauseState(_, let nanoseconds): actions.append("pause \(nanoseconds)")
      case .dropped: actions.append("dropped")
      case .close(let code, let reason): actions.append("close \(code.rawValue) \(reason)")
      case .presenceState: actions.append("presence_state")
      case .finished: actions.append("finished")
      }
    }
    defer { output.outbox.removeAll() }
    return messages()
  }

  private func run(_ invocation: Invocation) {
    let name = invocation.cause.eventName.map { " \($0)" } ?? ""
    if case .beforeClose(let reason) = invocation.cause {
      ran.append("before_close \(reason)")
    } else {
      ran.append(invocation.cause.callbackName + name)
    }
    let callback = engine.origin(of: invocation.channel).flatMap { callbacks[$0.spec.pattern.description] }
    let outcome = callback?(invocation.cause, &invocation.scope) ?? .returned
    engine.complete(invocation, outcome, into: &output)
  }

  /// Text messages as they are; binary ones as an array of their bytes.
  private func messages() -> [JSON] {
    var messages: [JSON] = []
    output.outbox.forEachMessage { kind, bytes in
      switch kind {
      case .text: messages.append((try? JSON(parsing: bytes)) ?? "not JSON")
      case .binary: messages.append(JSON(bytes.map { JSON(Int($0)) }))
      }
    }
    return messages
  }

  /// The newest channel of a topic.
  func key(_ topic: String) -> ChannelKey? { engine.topics[Topic(topic)] }

  var channelCount: Int { engine.channelCount }

  var queuedMessages: Int { engine.queuedMessages }

  var handlesLastEvents: Bool { engine.handlesLastEvents }

  var hasWaitingStates: Bool { engine.hasWaitingStates }
}

/// A router with one channel.
func router(
  _ pattern: String, track: [String] = [], callbacks: ChannelSpec.Callbacks = .all,
  _ configure: (inout ChannelSpec.Options) -> Void = { _ in }
) -> TopicRouter {
  var router = TopicRouter()
  router.addChannel(pattern, track: track, callbacks: callbacks, configure)
  return router
}

extension TopicRouter {
  mutating func addChannel(
    _ pattern: String, track: [String] = [], callbacks: ChannelSpec.Callbacks = .all,
    _ configure: (inout ChannelSpec.Options) -> Void = { _ in }
  ) {
    var options = ChannelSpec.Options()
    options.track = track
    configure(&options)
    if let pattern = try? TopicPattern(pattern) { add(pattern, options: options, callbacks: callbacks) }
  }
}

extension JSON {
  /// JSON text in a test.
  static func text(_ text: String) -> JSON { (try? JSON(parsing: text)) ?? "not JSON" }
}

/// A counter: `init` sets `count`, `inc` adds one.
let counter: EngineHarness.SendableCallback = { cause, scope in
  switch cause {
  case .initialize: try? scope.assigns.set("count", to: 0)
  case .event("inc", _): _ = try? scope.assigns.increment(at: "/count", by: 1)
  case .event("raise", _): return .crashed(cause: "on purpose")
  case .event("fail", _): scope.response = .error(ErrorReport(code: "no", message: "No!"))
  case .event("push", _): scope.effects.append(.push(event: "pushed", payload: .json(["a": 1])))
  case .event("stop", _): scope.stop = .normal
  default: break
  }
  return .returned
}
