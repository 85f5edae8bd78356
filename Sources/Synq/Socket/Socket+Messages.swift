import SynqChannels
import SynqJSON
import SynqHosting
import SynqWire

/// Reaching this client, this channel and the others of its topic: from any thread, at any time.
///
/// Inside a callback all of this happens when it is done, in the order of the calls.
extension Socket {
  // MARK: The client

  /// Pushes an event to this client.
  public func push(_ event: String, _ payload: JSON = .emptyObject) throws(HostError) {
    try context.push(event: event, payload: .json(payload))
  }

  /// Pushes an event to this client.
  public func push(_ event: String, _ payload: some Encodable) throws(HostError) {
    try push(event, try JSON.encoded(payload, "payload"))
  }

  /// Pushes an event with bytes to this client, which must speak serializer V2; else its channel crashes.
  public func push(_ event: String, bytes: [UInt8]) throws(HostError) {
    try context.push(event: event, payload: .binary(bytes))
  }

  /// Pushes an event to all clients of this topic, encoded once.
  public func broadcast(_ event: String, _ payload: JSON = .emptyObject) throws(HostError) {
    try broadcast(event, .json(payload), exceptSelf: false)
  }

  /// Pushes an event to all clients of this topic, encoded once.
  public func broadcast(_ event: String, _ payload: some Encodable) throws(HostError) {
    try broadcast(event, try JSON.encoded(payload, "payload"))
  }

  /// Pushes an event with bytes to all clients of this topic that speak serializer V2.
  public func broadcast(_ event: String, bytes: [UInt8]) throws(HostError) {
    try broadcast(event, .binary(bytes), exceptSelf: false)
  }

  /// Pushes an event to all clients of this topic but this one.
  public func broadcastFrom(_ event: String, _ payload: JSON = .emptyObject) throws(HostError) {
    try broadcast(event, .json(payload), exceptSelf: true)
  }

  /// Pushes an event to all clients of this topic but this one.
  public func broadcastFrom(_ event: String, _ payload: some Encodable) throws(HostError) {
    try broadcastFrom(event, try JSON.encoded(payload, "payload"))
  }

  /// Pushes an event with bytes to all clients of this topic that speak serializer V2, but this one.
  public func broadcastFrom(_ event: String, bytes: [UInt8]) throws(HostError) {
    try broadcast(event, .binary(bytes), exceptSelf: true)
  }

  private func broadcast(_ event: String, _ payload: Payload, exceptSelf: Bool) throws(HostError) {
    try Argument.check(event, "event")
    try context.perform(.broadcast(event: event, payload: payload, exceptSelf: exceptSelf))
  }

  // MARK: Channels

  /// Sends a message to `handleMessage` of this channel.
  public func send(_ message: String, _ payload: JSON = .emptyObject) throws(HostError) {
    try Argument.check(message, "message")
    try context.perform(.send(message: message, payload: payload))
  }

  /// Sends a message to `handleMessage` of this channel.
  public func send(_ message: String, _ payload: some Encodable) throws(HostError) {
    try send(message, try JSON.encoded(payload, "payload"))
  }

  /// Sends a message to `handleMessage` of this channel after a delay; a channel that has ended by then gets nothing.
  ///
  /// Throws a ``SynqChannels/HostError`` of code `limit` when ``Limits/maxTimers`` of the channel are not due yet.
  @discardableResult
  public func sendAfter(
    _ delay: Duration, _ message: String, _ payload: JSON = .emptyObject
  ) throws(HostError) -> ChannelTimer {
    try Argument.check(message, "message")
    guard delay >= .zero else { throw HostError(.invalidArgument, "delay: \(delay) is negative") }
    let number = try context.sendAfter(delay, message: message, payload: payload)
    return ChannelTimer(context: context, number: number)
  }

  /// Sends a message to `handleMessage` of this channel after a delay; a channel that has ended by then gets nothing.
  @discardableResult
  public func sendAfter(
    _ delay: Duration, _ message: String, _ payload: some Encodable
  ) throws(HostError) -> ChannelTimer {
    try sendAfter(delay, message, try JSON.encoded(payload, "payload"))
  }

  /// Sends a message to `handleMessage` of all channels of this topic, this one too.
  public func publish(_ message: String, _ payload: JSON = .emptyObject) throws(HostError) {
    try publish(message, payload, exceptSelf: false)
  }

  /// Sends a message to `handleMessage` of all channels of this topic, this one too.
  public func publish(_ message: String, _ payload: some Encodable) throws(HostError) {
    try publish(message, try JSON.encoded(payload, "payload"), exceptSelf: false)
  }

  /// Sends a message to `handleMessage` of all channels of this topic but this one.
  public func publishFrom(_ message: String, _ payload: JSON = .emptyObject) throws(HostError) {
    try publish(message, payload, exceptSelf: true)
  }

  /// Sends a message to `handleMessage` of all channels of this topic but this one.
  public func publishFrom(_ message: String, _ payload: some Encodable) throws(HostError) {
    try publish(message, try JSON.encoded(payload, "payload"), exceptSelf: true)
  }

  /// Sends a message to `handleMessage` of all channels of this topic. While one waits for a channel whose callback runs, a
  /// newer one of the same message and key takes its place.
  public func publishLatest(
    _ message: String, _ payload: JSON = .emptyObject, key: String
  ) throws(HostError) {
    try publish(message, payload, key: key, exceptSelf: false)
  }

  private func publish(
    _ message: String, _ payload: JSON, key: String? = nil, exceptSelf: Bool
  ) throws(HostError) {
    try Argument.check(message, "message")
    try context.perform(.publish(message: message, payload: payload, key: key, exceptSelf: exceptSelf))
  }

  /// Adds a topic whose messages and broadcasts reach `handleMessage` of this channel, beside its own. Twice is once.
  public func subscribe(_ topic: String) throws(HostError) {
    try Argument.check(topic, "topic")
    try context.perform(.subscribe(topic: topic))
  }

  /// Takes back a subscription; without one, does nothing.
  public func unsubscribe(_ topic: String) throws(HostError) {
    try Argument.check(topic, "topic")
    try context.perform(.unsubscribe(topic: topic))
  }
}
