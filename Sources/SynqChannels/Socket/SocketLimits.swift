/// What one client may ask of the engine. Each limit names the attack that it stops.
package struct SocketLimits: Sendable, Hashable {
  /// Channels joined at once: a client that joins without end (Phoenix: `wire/max_channels`).
  package var maxChannels = 100
  /// Messages a second, on average; 0 is no limit: a client that floods. Beyond it a message gets an error, and one
  /// without a ref ends the connection with 1008.
  package var maxMessagesPerSecond = 0
  /// Joins a second, on average; 0 is no limit: a client that joins and leaves, each of which runs callbacks.
  package var maxJoinsPerSecond = 0
  /// Events, refreshes and joins that wait while a callback of their channel runs: a client that sends faster than its
  /// channel answers. A leave beyond it ends the channel without waiting its turn.
  package var maxQueuedEvents = 1000
  /// Bytes of all that waits so on one socket: likewise, with few and large events.
  package var maxQueuedBytes = 16_000_000
  /// Messages of the server that wait while a callback of their channel runs: others who publish faster than it takes.
  /// The channel ends as crashed, so that its client starts anew.
  package var maxQueuedMessages = 10_000
  /// Delayed messages of one channel that are not due yet: a client whose events each set a timer. The bytes of their
  /// payloads are limited by `maxQueuedBytes`.
  package var maxTimers = 1000
  /// Topics that one channel subscribed to beside its own: a client that names the topics.
  package var maxSubscriptions = 1000
  /// Replies owed to one socket after their callbacks returned: a client that asks for more late answers than the host gives.
  package var maxPendingReplies = 1000
  /// Bytes of a topic: names that fill tables and logs.
  package var maxTopicBytes = 1024
  /// Bytes of an event's name: likewise.
  package var maxEventBytes = 256
  /// Bytes of a ref or join_ref, which the server echoes and keeps: likewise.
  package var maxRefBytes = 256
  /// Bytes of a patch; a longer one is sent as the full state: a change that costs more than the whole.
  package var maxPatchBytes = 8_000_000

  package init() {}
}
