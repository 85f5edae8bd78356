import SynqChannels
import SynqJSON
import SynqHosting
import SynqWire

/// Runs the callbacks of an `AsyncChannel` as tasks, while their channel waits.
final class AsyncChannelHost<Host: AsyncChannel>: CallbackHost {
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
    if cause.buildsMessage { return buildMessage(cause, on: context) }
    let deferral: UInt64
    do {
      deferral = try context.deferResponse(forTask: true)
    } catch {
      return .crashed(cause: error.message)
    }
    ChannelStorage.of(context).begin {
      let measurement = self.meter.begin(cause, on: context)
      let outcome = await self.outcome(of: cause, on: context)
      measurement?.end()
      // Refused only when the channel has not waited: then nobody asks for the outcome.
      try? context.finish(deferral, outcome)
    }
    return .returned
  }

  /// Nothing to await: no task, and the channel does not wait.
  private func buildMessage(_ cause: Invocation.Cause, on context: ChannelContext) -> Outcome {
    do {
      try messageBuilder?.build(cause, on: context)
      return .returned
    } catch {
      return CallbackFailure.outcome(of: error, thrownBy: cause, on: context)
    }
  }

  private func outcome(of cause: Invocation.Cause, on context: ChannelContext) async -> Outcome {
    let socket = Socket(context: context)
    do {
      switch cause {
      case .authorize(let params):
        try await channel.authorize(topic: context.topic, params: params.params, socket: socket)
      case .initialize(let params):
        try await channel.initialize(topic: context.topic, params: params.params, socket: socket)
      case .event(let name, .json(let payload)):
        try context.respond(with: await channel.handleEvent(name, payload, socket: socket))
      case .event(let name, .binary(let bytes)):
        try context.respond(with: await channel.handleBinary(name, bytes, socket: socket))
      case .message(let message): try await channel.handleMessage(ServerMessage(message), socket: socket)
      case .beforeClose(let reason): await channel.beforeClose(reason: reason, socket: socket)
      case .openTopic: try await channel.openTopic(context.topic, socket: socket)
      case .closeTopic: try await channel.closeTopic(context.topic, socket: socket)
      case .newState, .updateState, .update: break
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

  var neverBlocks: Bool { true }
}
