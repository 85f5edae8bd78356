import SynqJSON

/// An error as clients get it: `{code, message, details, timestamp}` (docs/specification.md, section 6).
package struct ErrorReport: Sendable, Hashable {
  /// A short stable name for programs.
  package var code: String
  /// A sentence for people.
  package var message: String
  /// An object that says more, or nil.
  package let details: JSON?

  /// - Parameter details: clients count on an object or null, so any other value becomes an object's member `value`.
  package init(code: String, message: String, details: JSON? = nil) {
    self.code = code
    self.message = message
    switch details?.kind {
    case .object?: self.details = details
    case .null?, nil: self.details = nil
    case .boolean?, .number?, .string?, .array?: self.details = details.map { JSON(members: [("value", $0)]) }
    }
  }

  /// Appends the error as JSON text. `type` is an additional member that the live_state line expects.
  func append(to writer: inout ByteWriter, timestamp: String, type: String? = nil) {
    writer.append("{\"code\":")
    writer.append(jsonString: code)
    writer.append(",\"message\":")
    writer.append(jsonString: message)
    writer.append(",\"details\":")
    writer.append(json: details ?? .null)
    if let type {
      writer.append(",\"type\":")
      writer.append(jsonString: type)
    }
    writer.append(",\"timestamp\":")
    writer.append(jsonString: timestamp)
    writer.append(UInt8(ascii: "}"))
  }
}

/// The codes of the errors that the engine itself answers with.
package enum ErrorCode {
  /// `init` failed, so the channel has no state.
  package static let notInitialized = "not_initialized"
  /// The topic could not be opened, so the channel has no state.
  package static let topicUnavailable = "topic_unavailable"
  /// The host has no handler for events.
  package static let unknownEvent = "unknown_event"
  /// The event is not what its dialect asks for.
  package static let malformedEvent = "malformed_event"
  /// `authorize` refused without saying why.
  package static let unauthorized = "unauthorized"
  /// More events wait for the channel than `max_queued_events`.
  package static let tooManyQueuedEvents = "too_many_queued_events"
  /// A topic beyond `max_topic_bytes`.
  package static let topicTooLong = "topic_too_long"
  /// An event name beyond `max_event_bytes`, or with U+0000 in it.
  package static let eventNotAllowed = "event_not_allowed"
  /// A payload beyond `max_json_depth` or `max_json_nodes`.
  package static let payloadTooComplex = "payload_too_complex"
  /// More replies are owed than `max_pending_replies`.
  package static let tooManyPendingReplies = "too_many_pending_replies"
  /// More messages than `max_messages_per_second`.
  package static let tooManyMessages = "too_many_messages"
  /// More joins than `max_joins_per_second`.
  package static let tooManyJoins = "too_many_joins"
}
