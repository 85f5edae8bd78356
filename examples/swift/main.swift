// A chat room with a shared counter: everything that a program does with Synq.
//
//   swift run demo-swift --port 4000
import Glibc
import Synq

/// What the command line asks for.
struct Arguments {
  var port = 4000
  var web: String?
  var synqJS: String?

  /// Nil when it is not understood.
  init?(_ words: [String]) {
    var words = words[...]
    while let name = words.popFirst() {
      guard let value = words.popFirst() else { return nil }
      switch name {
      case "--port":
        guard let port = UInt16(value) else { return nil }
        self.port = Int(port)
      case "--web": web = value
      case "--synq-js": synqJS = value
      default: return nil
      }
    }
  }
}

/// Serves a directory, if it is there or was asked for.
func serve(_ server: Server, _ prefix: String, _ asked: String?, otherwise: String) throws {
  guard asked != nil || access(otherwise, F_OK) == 0 else { return }
  try server.files(prefix, directory: asked ?? otherwise)
}

func complain(_ text: String) {
  var text = text + "\n"
  text.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
}

guard let arguments = Arguments(Array(CommandLine.arguments.dropFirst())) else {
  complain("usage: demo-swift [--port N] [--web DIR] [--synq-js DIR]")
  exit(2)
}

do {
  let server = try Server(port: arguments.port)
  let rooms = RoomChannel()
  try server.channel("room:*", rooms)
  try serve(server, "/", arguments.web, otherwise: "examples/web")
  try serve(server, "/synq/", arguments.synqJS, otherwise: "bindings/browser")

  // Once a second, the time for all channels.
  let clock = Task {
    while true {
      try await Task.sleep(for: .seconds(1))
      try server.publish("clock", "tick", RoomChannel.Tick(seconds: rooms.seconds))
    }
  }
  // Until a signal comes. Then every beforeClose runs; who takes longer than a second is cut off.
  try await server.run(stoppingOn: .interrupt, .terminate, grace: .seconds(1)) {
    print("listening on http://127.0.0.1:\(server.port ?? 0)/")
    fflush(nil)
  }
  clock.cancel()
} catch {
  complain("demo-swift: \(error)")
  exit(1)
}
