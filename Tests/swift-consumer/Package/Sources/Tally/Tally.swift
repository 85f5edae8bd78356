import Synq

/// A channel as a user of the package writes one.
public struct Tally: Channel {
  public let options = ChannelOptions(track: ["count"])

  public init() {}

  public func initialize(topic: String, params: JSON, socket: Socket) throws {
    try socket.assign("count", to: 0)
  }

  public func handleEvent(_ event: String, _ payload: JSON, socket: Socket) throws -> Response {
    guard event == "inc" else { throw SynqError(code: "unknown_event", message: event) }
    return .ok(["count": try socket.increment(at: "/count")])
  }
}
