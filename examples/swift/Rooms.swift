import Synq

/// Someone who is in a room.
struct Member: Codable {
  var id: String
  var name: String
}

/// Something that was said.
struct Message: Codable {
  var id: Int
  var from: String
  var text: String
}

/// What the members of a room share.
struct Room {
  var count = 0
  /// In the order of their arrival.
  var members: [Member] = []
  /// The last ones, oldest first.
  var messages: [Message] = []
  var lastMessageID = 0
}

/// The rooms of this server. A room stays when its last member leaves.
actor Rooms {
  private var rooms: [String: Room] = [:]
  private var lastMemberID = 0

  private static let maxRooms = 1000
  private static let keptMessages = 50

  /// Makes the room if there is none; false when there are too many.
  func open(_ topic: String) -> Bool {
    if rooms[topic] != nil { return true }
    guard rooms.count < Self.maxRooms else { return false }
    rooms[topic] = Room()
    return true
  }

  func room(_ topic: String) -> Room { rooms[topic] ?? Room() }

  func admit(_ name: String, to topic: String) -> Member {
    lastMemberID += 1
    let member = Member(id: String(lastMemberID), name: name)
    rooms[topic]?.members.append(member)
    return member
  }

  func dismiss(_ member: Member, from topic: String) {
    rooms[topic]?.members.removeAll { $0.id == member.id }
  }

  func increment(_ topic: String) -> Int {
    rooms[topic]?.count += 1
    return room(topic).count
  }

  /// Adds a message and returns its id.
  func say(_ text: String, from name: String, in topic: String) -> Int {
    var room = room(topic)
    room.lastMessageID += 1
    room.messages.append(Message(id: room.lastMessageID, from: name, text: text))
    room.messages.removeFirst(max(0, room.messages.count - Self.keptMessages))
    rooms[topic] = room
    return room.lastMessageID
  }
}
