import SynqJSON
import SynqWire

/// What the engine asks of its host. Actions are carried out in order.
package enum Action {
  /// Run a callback, then call `complete`.
  case invoke(Invocation)
  /// The channel has joined and may be found by its topic. It may be the first that is heard of it.
  case joined(ChannelKey)
  /// The channel's end was decided while a callback of it runs. One that was deferred need not be waited for: complete it.
  case closing(ChannelKey)
  /// The channel is gone: forget it, its topics and its timers.
  case ended(ChannelKey)
  case subscribe(ChannelKey, topic: String)
  case unsubscribe(ChannelKey, topic: String)
  /// Push an event to every client of `topic`, except the one channel if given.
  case broadcast(topic: String, event: String, payload: Payload, except: ChannelKey?)
  /// Hand a message to every channel of `topic`, except the one if given; it replaces one of the same key that waits there.
  case publish(topic: String, message: String, payload: JSON, key: String?, except: ChannelKey?)
  /// Call `deliver` with this message after the delay, unless the channel has ended or `cancelTimer` came first.
  case sendAfter(ChannelKey, Duration, HostMessage)
  case cancelTimer(ChannelKey, UInt64)
  /// The client is to get `presence_state`, in its place among the topic's messages.
  case presenceState(ChannelKey)
  /// Call `endPause` after so long.
  case pauseState(ChannelKey, nanoseconds: UInt64)
  /// The channel ended before this could run.
  case dropped(any Update)
  /// Close the connection.
  case close(CloseCode, reason: String)
  /// Every channel has ended after `connectionLost` or `drain`.
  case finished
  case log(LogEntry)
}

/// Something that the host's operator should know.
package struct LogEntry: Sendable {
  package enum Level: Sendable { case debug, info, warning, error }
  /// What a host counts.
  package enum Kind: Sendable { case other, crash }

  package var kind: Kind
  package var level: Level
  package var message: String
  /// Names and values. Never payloads or tokens.
  package var fields: [(name: String, value: String)]

  package init(
    _ level: Level, _ message: String, _ fields: [(name: String, value: String)] = [], kind: Kind = .other
  ) {
    self.kind = kind
    self.level = level
    self.message = message
    self.fields = fields
  }
}
