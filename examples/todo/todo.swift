// A to-do list, and a board for everybody, as docs/side-by-side.md shows them: swift run todo-swift 4000
import Glibc
import Synq

struct Item: Codable {
  var id: Int
  var title: String
  var done = false
}

struct Add: Decodable { var title: String }
struct Toggle: Decodable { var id: Int }
struct Search: Decodable { var text: String }
struct Filter: Decodable { var show: String }

struct Card: Codable {
  var id: Int
  var title: String
}

@concurrent func asText(_ items: [Item]) async -> String {
  items.map { "[\($0.done ? "x" : " ")] \($0.title)\n" }.joined()
}

struct ToDo: AsyncChannel {
  let options = ChannelOptions(track: ["items", "query", "found"])
  let server: Server

  func authorize(topic: String, params: JSON, socket: Socket) throws {
    guard params["key"]?.stringValue == "sesame" else {
      throw SynqError(code: "unauthorized", message: "The key is wrong")
    }
  }

  func initialize(topic: String, params: JSON, socket: Socket) throws {
    try socket.assign("items", to: JSON.emptyArray)
    try socket.assign("query", to: "")
    try socket.assign("found", to: JSON.emptyArray)
    try socket.assign("last_id", to: 0)  // not tracked, so it stays here
  }

  func handleEvent(_ event: String, _ payload: JSON, socket: Socket) async throws -> Response {
    switch event {
    case "add": return try add(payload.decode(), socket)
    case "toggle": return try toggle(payload.decode(), socket)
    case "search": return try search(payload.decode(), socket)
    case "export": return .ok(["text": await asText(try socket.value(at: "/items"))])
    case "share": return try await share(payload.decode())
    default: throw SynqError(code: "unknown_event", message: event)
    }
  }

  func add(_ payload: Add, _ socket: Socket) throws -> Response {
    guard !payload.title.isEmpty else {
      throw SynqError(code: "empty_title", message: "A task needs a title")
    }
    let item = Item(id: try socket.increment(at: "/last_id"), title: payload.title)
    try socket.append(item, at: "/items")
    try socket.broadcastFrom("added", ["title": item.title])
    return .ok(["id": item.id])
  }

  func toggle(_ payload: Toggle, _ socket: Socket) throws -> Response {
    let items = try socket.value([Item].self, at: "/items")
    guard let index = items.firstIndex(where: { $0.id == payload.id }) else {
      throw SynqError(code: "not_found", message: "There is no such task")
    }
    try socket.set(!items[index].done, at: "/items/\(index)/done")
    return .ok
  }

  func search(_ payload: Search, _ socket: Socket) throws -> Response {
    let items = try socket.value([Item].self, at: "/items")
    try socket.assign("query", to: payload.text)
    try socket.assign("found", to: items.filter { $0.title.contains(payload.text) }.map(\.id))
    return .ok
  }

  func share(_ payload: Add) async throws -> Response {
    try await server.update(topic: "board:home", opens: true) { board in
      try Board.put(payload.title, on: board)
    }
    return .ok
  }

  func beforeClose(reason: CloseReason, socket: Socket) {
    try? socket.broadcastFrom("left", ["reason": reason.rawValue])
  }
}

struct Board: Channel {
  let options = ChannelOptions(
    track: ["cards", "filter"], shared: ["cards", "last_id"], linger: .seconds(60))

  func openTopic(_ topic: String, socket board: Socket) throws {
    try board.assign("cards", to: JSON.emptyArray)
    try board.assign("last_id", to: 0)
  }

  func initialize(topic: String, params: JSON, socket: Socket) throws {
    try socket.assign("filter", to: "all")  // not shared: this client's own
  }

  func handleEvent(_ event: String, _ payload: JSON, socket: Socket) throws -> Response {
    switch event {
    case "add": try Self.put(payload.decode(Add.self).title, on: socket)
    case "filter": try socket.assign("filter", to: payload.decode(Filter.self).show)
    default: throw SynqError(code: "unknown_event", message: event)
    }
    return .ok
  }

  static func put(_ title: String, on board: Socket) throws {
    let id = try board.increment(at: "/last_id")
    try board.append(Card(id: id, title: title), at: "/cards")
  }
}

let arguments = CommandLine.arguments
let server = try Server(port: arguments.count > 1 ? Int(arguments[1]) ?? 4000 : 4000)
try server.channel("todo:*", ToDo(server: server))
try server.channel("board:*", Board())
try await server.run(stoppingOn: .interrupt, .terminate) {
  print("listening on http://127.0.0.1:\(server.port ?? 0)/")
  fflush(nil)
}
