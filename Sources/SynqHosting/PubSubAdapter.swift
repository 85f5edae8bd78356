import NIOCore
import SynqJSON
import SynqWire

/// Joins the topics of several servers, on one machine or many, so that they are one: Redis, a message queue, a test.
///
/// A server delivers to its own sockets by itself; an adapter has only what goes to the others and what comes from them.
/// Without one, which is the default, topics end with the process, and nothing is asked of anybody.
package protocol PubSubAdapter: AnyObject, Sendable {
  /// The server begins. `loop` is one of its event loops, which runs until after `end`. `deliver` may be called from now
  /// on, on any thread, once for each message that another server
  /// gave to its adapter; what it is given does not come back through `send`.
  func begin(on loop: any EventLoop, _ deliver: @escaping @Sendable (TopicMessage) -> Void)

  /// Takes a message for the other servers. Called on event loops and on the host's threads: it must return at once. The
  /// messages of one thread come in their order.
  func send(_ message: TopicMessage)

  /// The server has ended, or could not be started; nothing more is sent or taken.
  func end()
}

/// What one server tells the others.
package enum TopicMessage: Sendable {
  /// An event for every client of a topic.
  case broadcast(topic: String, event: String, payload: Payload)
  /// A message for `handle_message` of every channel of a topic.
  case publish(topic: String, message: String, payload: JSON)
  /// Every connection of this id is to be closed.
  case disconnect(id: String)
}
