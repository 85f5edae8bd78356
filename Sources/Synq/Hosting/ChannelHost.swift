import SynqChannels
import SynqJSON
import SynqHosting
import SynqWire

/// Runs the callbacks of a `Channel` on the delivery's threads.
final class ChannelHost<Host: Channel>: CallbackHost {
  private let channel: Host
  private let messageBuilder: (any MessageBuilder)?
  private let meter: CallbackMeter
  let presence: (any PresenceHost)?

  init(_ channel: Host, _ messageBuilder: (any MessageBuilder)?, _ meter: CallbackMeter) {
    self.channel = channel
    self.messageBuilder = messageBuilder
    self.meter = meter
    presence = channel.presence.host
  }

  var asksDueTime: Bool { meter.isMeasuring }

  func run(_ cause: Invocation.Cause, on context: ChannelContext) -> Outcome {
    let measurement = meter.begin(cause, on: context)
    defer { measurement?.end() }
    _ = ChannelStorage.of(context)
    let socket = Socket(context: context)
    do {
      switch cause {
      case .authorize(let params):
        try channel.authorize(topic: context.topic, params: params.params, socket: socket)
      case .initialize(let params):
        try channel.initialize(topic: context.topic, params: params.params, socket: socket)
      case .event(let name, .json(let payload)):
        try context.respond(with: channel.handleEvent(name, payload, socket: socket))
      case .event(let name, .binary(let bytes)):
        try context.respond(with: channel.handleBinary(name, bytes, socket: socket))
      case .message(let message): try channel.handleMessage(ServerMessage(message), socket: socket)
      case .beforeClose(let reason): channel.beforeClose(reason: reason, socket: socket)
      case .newState, .updateState: try messageBuilder?.build(cause, on: context)
      case .openTopic: try channel.openTopic(context.topic, socket: socket)
      case .closeTopic: try channel.closeTopic(context.topic, socket: socket)
      case .update: break
      }
      return .returned
    } catch is Unhandled {
      context.logUnhandled(cause)
      return .returned
    } catch {
      return CallbackFailure.outcome(of: error, thrownBy: cause, on: context)
    }
  }

  func channelEnded(_ context: ChannelContext) {}
}

extension ChannelContext {
  func respond(with response: Response) throws(HostError) {
    if let response = try response.checked() { try respond(response) }
  }

  /// A message came for a channel that handles none.
  func logUnhandled(_ cause: Invocation.Cause) {
    logger.warning(
      "a message was dropped: the channel has no handleMessage",
      metadata: ["topic": "\(topic)", "message": "\(cause.eventName ?? "")"])
  }
}
