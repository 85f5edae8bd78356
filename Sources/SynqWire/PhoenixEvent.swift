/// The events and topics that the Phoenix protocol itself defines (`wire/README.md`, phoenix.js `constants.js`).
public enum PhoenixEvent {
  public static let join = "phx_join"
  public static let leave = "phx_leave"
  public static let reply = "phx_reply"
  public static let error = "phx_error"
  public static let close = "phx_close"
  public static let heartbeat = "heartbeat"
  /// The topic of heartbeats.
  public static let phoenixTopic = "phoenix"
}
