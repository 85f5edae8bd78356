/// The events and topics that the Phoenix protocol itself defines (`wire/README.md`, and what phoenix.js names its constants).
package enum PhoenixEvent {
  package static let join = "phx_join"
  package static let leave = "phx_leave"
  package static let reply = "phx_reply"
  package static let error = "phx_error"
  package static let close = "phx_close"
  package static let heartbeat = "heartbeat"
  /// The topic of heartbeats.
  package static let phoenixTopic = "phoenix"
}
