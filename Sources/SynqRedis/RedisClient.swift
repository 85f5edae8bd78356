import Logging
import NIOCore

/// Two connections to one Redis: one for commands, sent without waiting for one another, one for subscriptions.
///
/// Both come back by themselves. What was under way when one was lost is told as an error, never sent again: only the
/// caller knows whether twice is right. Messages that came while there was no connection are lost, and `Event` says so.
///
/// Loop-bound: made, used and closed on one event loop, which every callback comes on too.
package final class RedisClient {
  /// What happens without being asked for.
  package enum Event: Sendable {
    /// Commands are taken from now on.
    case connected
    /// No command is taken until `connected`.
    case disconnected(RedisError)
    /// The subscription of this channel stands from now on; what was published before may be missing.
    case subscribed(channel: String)
    /// Messages are lost until each channel has its `subscribed` again.
    case subscriptionsLost(RedisError)
    case message(channel: String, payload: [UInt8])
  }

  private let configuration: RedisConfiguration
  private let eventLoop: any EventLoop
  private let handler: (Event) -> Void
  private var commands: RedisLink?
  private var subscriptions: RedisLink?
  /// Their names as bytes, as Redis compares them.
  private var channels: Set<[UInt8]> = []

  /// - Parameter handler: called on the event loop, from `start` until `close`.
  /// - Throws: when the file of roots for TLS cannot be read.
  package init(
    _ configuration: RedisConfiguration, on eventLoop: any EventLoop, logger: Logger,
    _ handler: @escaping (Event) -> Void
  ) throws {
    eventLoop.preconditionInEventLoop()
    self.configuration = configuration
    self.eventLoop = eventLoop
    self.handler = handler
    let tls = try configuration.url.isTLS ? RedisTLS(configuration.url) : nil
    commands = RedisLink(
      configuration, tls: tls, isForSubscriptions: false, on: eventLoop, logger: logger,
      RedisConnection.Events(
        ready: { handler(.connected) }, pushed: { _ in }, ended: { handler(.disconnected($0)) }))
    subscriptions = RedisLink(
      configuration, tls: tls, isForSubscriptions: true, on: eventLoop, logger: logger,
      RedisConnection.Events(
        ready: { [weak self] in self?.subscribeAgain() }, pushed: { [weak self] in self?.pushed($0) },
        ended: { handler(.subscriptionsLost($0)) }))
  }

  /// Begins to connect.
  package func start() {
    commands?.connect()
    subscriptions?.connect()
  }

  package var isConnected: Bool { commands?.connection != nil }

  /// Sends a command; `answer` is called once, on the loop. An error that Redis answers with is a `success` of
  /// `RESPValue.error`.
  package func send(_ command: RedisCommand, _ answer: @escaping (Result<RESPValue, RedisError>) -> Void) {
    eventLoop.assertInEventLoop()
    guard let connection = commands?.connection else { return answer(.failure(.notConnected)) }
    connection.send(command, answer)
  }

  /// Subscribes to a channel until `unsubscribe`, over all connections that come.
  package func subscribe(_ channel: String) {
    eventLoop.assertInEventLoop()
    guard channels.insert(Array(channel.utf8)).inserted else { return }
    subscriptions?.connection?.sendUnanswered(RedisCommand("SUBSCRIBE", .string(channel)))
  }

  /// Ends a subscription; what is still on its way is dropped.
  package func unsubscribe(_ channel: String) {
    eventLoop.assertInEventLoop()
    guard channels.remove(Array(channel.utf8)) != nil else { return }
    subscriptions?.connection?.sendUnanswered(RedisCommand("UNSUBSCRIBE", .string(channel)))
  }

  private func subscribeAgain() {
    guard !channels.isEmpty else { return }
    let names = channels.map { String(decoding: $0, as: UTF8.self) }.sorted()
      .map { RedisCommand.Argument.string($0) }
    subscriptions?.connection?.sendUnanswered(RedisCommand("SUBSCRIBE", names))
  }

  private func pushed(_ elements: [RESPValue]) {
    guard elements.count >= 3, let channel = elements[1].text, channels.contains(Array(channel.utf8)) else {
      return
    }
    switch elements[0].text {
    case "message":
      if let payload = elements[2].bytes { handler(.message(channel: channel, payload: payload)) }
    case "subscribe": handler(.subscribed(channel: channel))
    default: break
    }
  }

  /// Ends both connections; who waits for an answer gets an error. No event comes afterwards.
  package func close() {
    eventLoop.assertInEventLoop()
    commands?.close()
    subscriptions?.close()
    commands = nil
    subscriptions = nil
  }
}
