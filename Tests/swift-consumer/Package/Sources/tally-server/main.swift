import Synq
import Tally

// Serves, says so, and ends: a program that is linked and runs, network and all.
let server = try Server(port: 0)
try server.channel("tally:*", Tally())
try server.start()
print("listening: \(server.port != nil)")
try server.stop(timeout: .zero)
await server.wait()
