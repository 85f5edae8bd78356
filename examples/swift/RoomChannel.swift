import Synq

/// A chat room with a shared counter. The room owns its state, and all of its clients see it.
///
/// - shared and tracked: room, count, members, messages
/// - shared: last_member, last_message, which are the server's alone
/// - tracked: seconds, for each client
/// - neither: secret, which is never on the wire
///
/// Callbacks of a room run one at a time, so there is no lock here, and nobody is told that something changed.
struct RoomChannel: Channel {
  let options = ChannelOptions(
    track: ["room", "count", "members", "messages", "seconds"],
    shared: ["room", "count", "members", "messages", "last_member", "last_message"],
    linger: .seconds(60))
  let started = ContinuousClock.now

  private static let keptMessages = 50

  /// The member of the room that a client is: a Swift value that the server keeps with its channel.
  enum Membership: StorageKey { typealias Value = Member }

  struct Member: Codable {
    var id: String
    var name: String
  }

  struct Message: Codable {
    var id: Int
    var from: String
    var text: String
  }

  struct Join: Decodable { var user: String? }
  struct Say: Decodable { var text: String? }
  struct Tick: Codable { var seconds: Int }
  struct OnPurpose: Error {}

  /// The first client comes: what the room begins with.
  func openTopic(_ topic: String, socket room: Socket) throws {
    try room.assign("room", to: String(topic.dropFirst("room:".count)))
    try room.assign("count", to: 0)
    try room.assign("members", to: JSON.emptyArray)
    try room.assign("messages", to: JSON.emptyArray)
    try room.assign("last_member", to: 0)
    try room.assign("last_message", to: 0)
  }

  func authorize(topic: String, params: JSON, socket: Socket) throws {
    guard try name(in: params).utf8.count <= 120 else {
      throw SynqError(code: "name_too_long", message: "The name has more than 120 bytes")
    }
  }

  func initialize(topic: String, params: JSON, socket: Socket) throws {
    let member = Member(id: String(try socket.increment(at: "/last_member")), name: try name(in: params))
    socket[Membership.self] = member
    try socket.append(member, at: "/members")
    try socket.assign("secret", to: "the cake is a lie")
    try socket.assign("seconds", to: seconds)
    try socket.subscribe("clock")
    try socket.push("welcome", ["text": "Welcome, \(member.name)!"])
  }

  func handleEvent(_ event: String, _ payload: JSON, socket: Socket) throws -> Response {
    switch event {
    case "inc": return .ok(["count": try socket.increment(at: "/count")])
    case "say": return try say(payload.decode(Say.self).text ?? "", socket)
    case "crash": throw OnPurpose()  // ends this channel only, and its client joins again
    default: throw SynqError(code: "unknown_event", message: event)
    }
  }

  private func say(_ text: String, _ socket: Socket) throws -> Response {
    if text.allSatisfy(\.isWhitespace) {
      throw SynqError(code: "empty_message", message: "A message needs a text")
    }
    let length = text.unicodeScalars.count
    guard length <= 500 else {
      return .error(
        code: "message_too_long", message: "A message has at most 500 characters",
        details: ["characters": JSON(length)])
    }
    let id = try socket.increment(at: "/last_message")
    let name = socket[Membership.self]?.name ?? ""
    try socket.append(Message(id: id, from: name, text: text), at: "/messages")
    if try socket.value(at: "/messages").count > Self.keptMessages { try socket.remove(at: "/messages/0") }
    return .ok(["id": id])
  }

  /// The clock ticks: this client's time.
  func handleMessage(_ message: ServerMessage, socket: Socket) throws {
    try socket.assign("seconds", to: message.payload.decode(Tick.self).seconds)
  }

  func beforeClose(reason: CloseReason, socket: Socket) {
    guard let member = socket[Membership.self],  // initialize came so far
      let members = try? socket.value([Member].self, at: "/members"),
      let place = members.firstIndex(where: { $0.id == member.id })
    else { return }
    try? socket.remove(at: "/members/\(place)")
  }

  var seconds: Int { Int(started.duration(to: .now).components.seconds) }

  private func name(in params: JSON) throws -> String {
    let user = try params.decode(Join.self).user ?? ""
    return user.isEmpty ? "guest" : user
  }
}
