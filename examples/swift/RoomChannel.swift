import Synq

/// A chat room with a shared counter.
///
/// Tracked, so on every client's screen: room, count, members, messages, seconds. Not tracked, so never on the wire: secret.
struct RoomChannel: AsyncChannel {
  let options = ChannelOptions(track: ["room", "count", "members", "messages", "seconds"])
  let rooms = Rooms()
  let started = ContinuousClock.now

  /// The member of the room that a client is: a Swift value that the server keeps with its channel.
  enum Membership: StorageKey { typealias Value = Member }

  struct Join: Decodable { var user: String? }
  struct Say: Decodable { var text: String? }
  struct Tick: Codable { var seconds: Int }

  func authorize(topic: String, params: JSON, socket: Socket) async throws {
    guard try name(in: params).utf8.count <= 120 else {
      throw SynqError(code: "name_too_long", message: "The name has more than 120 bytes")
    }
    guard await rooms.open(topic) else { throw SynqError(code: "too_many_rooms") }
  }

  func initialize(topic: String, params: JSON, socket: Socket) async throws {
    let member = await rooms.admit(try name(in: params), to: topic)
    socket[Membership.self] = member
    try socket.assign("room", to: String(topic.dropFirst("room:".count)))
    try socket.assign("secret", to: "the cake is a lie")
    try socket.assign("seconds", to: seconds)
    try socket.subscribe("clock")
    try await showAll(socket)
    try socket.push("welcome", ["text": "Welcome, \(member.name)!"])
  }

  func handleEvent(_ event: String, _ payload: JSON, socket: Socket) async throws -> Response {
    switch event {
    case "inc":
      let count = await rooms.increment(socket.topic)
      try await showAll(socket)
      return .ok(["count": count])
    case "say": return try await say(payload.decode(Say.self).text ?? "", socket)
    case "crash": throw OnPurpose()  // ends this channel only, and its client joins again
    default: throw SynqError(code: "unknown_event", message: event)
    }
  }

  struct OnPurpose: Error {}

  private func say(_ text: String, _ socket: Socket) async throws -> Response {
    if text.allSatisfy(\.isWhitespace) {
      throw SynqError(code: "empty_message", message: "A message needs a text")
    }
    let length = text.unicodeScalars.count
    guard length <= 500 else {
      return .error(
        code: "message_too_long", message: "A message has at most 500 characters",
        details: ["characters": JSON(length)])
    }
    let name = socket[Membership.self]?.name ?? ""
    let id = await rooms.say(text, from: name, in: socket.topic)
    try await showAll(socket)
    return .ok(["id": id])
  }

  func handleMessage(_ message: ServerMessage, socket: Socket) async throws {
    if message.topic == "clock" {
      try socket.assign("seconds", to: message.payload.decode(Tick.self).seconds)
    } else {
      try await show(socket)
    }
  }

  func beforeClose(reason: CloseReason, socket: Socket) async {
    guard let member = socket[Membership.self] else { return }  // initialize did not come so far
    await rooms.dismiss(member, from: socket.topic)
    try? socket.publishFrom("changed")
  }

  var seconds: Int { Int(started.duration(to: .now).components.seconds) }

  private func name(in params: JSON) throws -> String {
    let user = try params.decode(Join.self).user ?? ""
    return user.isEmpty ? "guest" : user
  }

  /// Sets the tracked assigns to what the room holds now. What has not changed is not sent.
  private func show(_ socket: Socket) async throws {
    let room = await rooms.room(socket.topic)
    try socket.assign("count", to: room.count)
    try socket.assign("members", to: room.members)
    try socket.assign("messages", to: room.messages)
  }

  /// Shows this client its room, and tells the other members to look again. The message carries no values: two of them
  /// may overtake each other, and whoever looks sees the latest.
  private func showAll(_ socket: Socket) async throws {
    try await show(socket)
    try socket.publishFrom("changed")
  }
}
