import SynqJSON
import SynqWire

/// Messages of the client.
extension SocketEngine {
  /// Takes one text message. What is no message closes the connection, as Phoenix does (`wire/text_notjson`).
  package mutating func receive(
    text: UnsafeRawBufferPointer, limits jsonLimits: JSONLimits, into output: inout EngineOutput
  ) {
    do throws(DecodingError) {
      receive(try serializer.decode(text: text, limits: jsonLimits), into: &output)
    } catch {
      refuse(error, into: &output)
    }
  }

  /// Takes one binary message: the binary form in V2, JSON in V1.
  package mutating func receive(
    binary: UnsafeRawBufferPointer, limits jsonLimits: JSONLimits, into output: inout EngineOutput
  ) {
    do throws(DecodingError) {
      receive(try serializer.decode(binary: binary, limits: jsonLimits), into: &output)
    } catch {
      refuse(error, into: &output)
    }
  }

  /// Answers a message whose payload alone is beyond a limit, where it has a ref; all else closes the connection.
  private mutating func refuse(_ error: DecodingError, into output: inout EngineOutput) {
    if let excess = error.excess, excess.message.ref != nil {
      guard admits(excess.message, into: &output) else { return }
      let report = ErrorReport(
        code: ErrorCode.payloadTooComplex, message: "the payload is beyond \(excess.limit): \(error.reason)")
      return replyError(report, joinRef: excess.message.joinRef, to: excess.message, into: &output)
    }
    output.actions.append(
      .log(
        LogEntry(
          .warning, "the client sent what is no message",
          [("reason", error.reason), ("at", "\(error.offset)")])))
    output.actions.append(.close(.internalError, reason: ""))
  }

  /// Takes one decoded message.
  package mutating func receive(_ message: Message, into output: inout EngineOutput) {
    guard admits(message, into: &output) else { return }
    let topic = message.topic.text
    if topic == PhoenixEvent.phoenixTopic { return receivePhoenix(message, into: &output) }
    if message.event.text == PhoenixEvent.join, message.event.isString { return join(message, into: &output) }
    guard let key = topics[Topic(topic)], let machine = self[key], !machine.isClosing else {
      return replyNotJoined(to: message, into: &output)
    }
    // A message of a channel that is no more: newer Phoenix ignores it, and so do clients the other way round. A
    // channel that was joined without a join_ref takes any.
    if let joinRef = message.joinRef, let newest = machine.newestJoinRef, joinRef != newest {
      output.actions.append(
        .log(LogEntry(.debug, "dropped a message with a stale join_ref", [("topic", topic)])))
      return
    }
    guard message.event.isString else {
      // Phoenix's channel process crashes on such a name (`wire/text_event_int`).
      return crash(key, cause: "the event's name is no string", into: &output)
    }
    guard
      let mail = mail(for: message, key: key, spec: machine.spec, joinedAs: machine.joinRef, into: &output)
    else { return }
    enqueue(mail, for: key, into: &output)
  }

  /// Whether a message is within the limits and its topic a string; answered here if not.
  private mutating func admits(_ message: Message, into output: inout EngineOutput) -> Bool {
    guard condition == .open else { return false }
    let wasTooFast = isTooFast
    isTooFast = messageBucket?.take(at: now) == false
    guard checkLengths(of: message, into: &output) else { return false }
    if isTooFast {
      refuseForRate(message, isLogged: wasTooFast, into: &output)
      return false
    }
    guard message.topic.isString else {
      replyNotJoined(to: message, into: &output)
      return false
    }
    return true
  }

  /// Answers a message that came too soon, or closes the connection where it has no ref. A flood is logged once.
  private func refuseForRate(_ message: Message, isLogged: Bool, into output: inout EngineOutput) {
    if !isLogged {
      output.actions.append(
        .log(LogEntry(.warning, "the client sends more than max_messages_per_second allows")))
    }
    guard message.ref != nil else {
      return output.actions.append(.close(.policyViolation, reason: "max_messages_per_second"))
    }
    let report = ErrorReport(
      code: ErrorCode.tooManyMessages,
      message: "more messages than max_messages_per_second (\(limits.maxMessagesPerSecond)) allows")
    replyError(report, joinRef: message.joinRef, to: message, into: &output)
  }

  private mutating func receivePhoenix(_ message: Message, into output: inout EngineOutput) {
    guard message.event == Name(PhoenixEvent.heartbeat) else {
      return replyNotJoined(to: message, into: &output)
    }
    serializer.encodeReply(
      joinRef: nil, ref: message.ref, topic: message.topic, status: Response.ok, response: .empty,
      into: &output.outbox)
  }

  private func replyNotJoined(to message: Message, into output: inout EngineOutput) {
    // Leaving what is not joined is no error (`wire/not_joined`).
    if message.event == Name(PhoenixEvent.leave) {
      serializer.encodeReply(
        joinRef: message.joinRef, ref: message.ref, topic: message.topic, status: Response.ok,
        response: .empty,
        into: &output.outbox)
    } else {
      replyUnmatched(to: message, into: &output)
    }
  }

  /// What the message means to its channel; nil when it was answered here.
  private mutating func mail(
    for message: Message, key: ChannelKey, spec: ChannelSpec, joinedAs joinRef: Ref?,
    into output: inout EngineOutput
  ) -> ChannelMachine.Mail? {
    let event = message.event.text
    if event == PhoenixEvent.leave { return .leave(ref: message.ref) }
    switch spec.options.dialect.request(event: event, payload: message.payload) {
    case .refresh where spec.hasState: return .refresh(ref: message.ref)
    case .refresh: return .event(name: event, payload: message.payload, ref: message.ref)
    case .event(let name, let payload):
      guard admits(eventName: name) else {
        refuseEventName(of: message, joinRef: joinRef, into: &output)
        return nil
      }
      return .event(name: name, payload: payload, ref: message.ref)
    case .foreign:
      crash(key, cause: "the event \(event) is not of the channel's dialect", into: &output)
      return nil
    case .malformed(let reason):
      replyError(
        ErrorReport(code: ErrorCode.malformedEvent, message: reason), joinRef: joinRef, to: message,
        into: &output)
      return nil
    }
  }

  /// Refuses names beyond their limits; false if it did.
  private func checkLengths(of message: Message, into output: inout EngineOutput) -> Bool {
    let refBytes = max(message.ref?.text.utf8.count ?? 0, message.joinRef?.text.utf8.count ?? 0)
    if refBytes > limits.maxRefBytes {
      // A ref beyond the limit cannot be echoed, so there is no reply to give.
      output.actions.append(
        .log(LogEntry(.warning, "a ref is beyond max_ref_bytes", [("bytes", "\(refBytes)")])))
      output.actions.append(.close(.policyViolation, reason: "max_ref_bytes"))
      return false
    }
    if message.topic.text.utf8.count > limits.maxTopicBytes {
      let report = ErrorReport(
        code: ErrorCode.topicTooLong,
        message: "the topic is longer than max_topic_bytes (\(limits.maxTopicBytes))")
      // The topic itself is not echoed.
      replyError(report, joinRef: nil, ref: message.ref, topic: Name(""), into: &output)
      return false
    }
    guard admits(eventName: message.event.text) else {
      refuseEventName(of: message, joinRef: message.joinRef, into: &output)
      return false
    }
    return true
  }

  private func admits(eventName name: String) -> Bool {
    name.utf8.count <= limits.maxEventBytes && !name.containsNUL
  }

  private func refuseEventName(of message: Message, joinRef: Ref?, into output: inout EngineOutput) {
    let report = ErrorReport(
      code: ErrorCode.eventNotAllowed,
      message: "the event's name is longer than max_event_bytes (\(limits.maxEventBytes)) or contains U+0000")
    replyError(report, joinRef: joinRef, to: message, into: &output)
  }

  // MARK: Replies

  /// Phoenix's refusal of a topic that has no channel; its join_ref is null (`wire/join_unmatched_topic`).
  func replyUnmatched(to message: Message, into output: inout EngineOutput) {
    replyReason("unmatched topic", joinRef: nil, to: message, into: &output)
  }

  /// An error in Phoenix's own form, `{reason}`, which stock clients look for.
  func replyReason(_ reason: String, joinRef: Ref?, to message: Message, into output: inout EngineOutput) {
    serializer.encodeReply(
      joinRef: joinRef, ref: message.ref, topic: message.topic, status: Response.failed, into: &output.outbox
    ) { writer in
      writer.append("{\"reason\":")
      writer.append(jsonString: reason)
      writer.append(UInt8(ascii: "}"))
    }
  }

  func replyError(_ report: ErrorReport, joinRef: Ref?, to message: Message, into output: inout EngineOutput)
  {
    replyError(report, joinRef: joinRef, ref: message.ref, topic: message.topic, into: &output)
  }

  func replyError(
    _ report: ErrorReport, joinRef: Ref?, ref: Ref?, topic: Name, into output: inout EngineOutput
  ) {
    let now = timestamp()
    serializer.encodeReply(
      joinRef: joinRef, ref: ref, topic: topic, status: Response.failed, into: &output.outbox
    ) {
      report.append(to: &$0, timestamp: now)
    }
  }
}

extension String {
  /// Whether U+0000 is in it, which would end the name early for a C host.
  var containsNUL: Bool {
    utf8.withContiguousStorageIfAvailable { bytes in bytes.contains(0) } ?? utf8.contains(0)
  }
}
