import NIOCore
import SynqChannels
import SynqJSON
import Testing

@testable import SynqHosting

/// Two servers whose adapters hand each other what they are given, as a network between them would.
@Suite struct PubSubTests {
  private let wires: [Wire]
  private let servers: [ManualServer]

  init() throws {
    let wires = [Wire(), Wire()]
    wires[0].other = wires[1]
    wires[1].other = wires[0]
    self.wires = wires
    servers = try wires.map { try ManualServer(adapter: $0) }
  }

  @Test func aBroadcastReachesTheClientsOfBothServersOnce() throws {
    let peers = try servers.flatMap { [try $0.join("room:1"), try $0.join("room:1"), try $0.join("room:2")] }
    servers[0].push("shout", ["n": 1], from: peers[0])
    // Its own server leaves out the one that shouted; the other has nobody to leave out.
    let expected: JSON = [nil, nil, "room:1", "shouted", ["n": 1]]
    #expect(peers[0].messages() == [["1", "2", "room:1", "phx_reply", ["status": "ok", "response": [:]]]])
    #expect(peers[1].messages() == [expected])
    servers[1].loop.run()
    #expect(peers[3].messages() == [expected])
    #expect(peers[4].messages() == [expected])
    #expect(peers[2].messages() == [] && peers[5].messages() == [])
    #expect(wires.map(\.sent) == [1, 0])
  }

  @Test func aMessageIsHandledOnBothServersOnce() throws {
    let (here, there) = (try servers[0].join("room:1"), try servers[1].join("room:1"))
    servers[1].push("write", "hello", from: there)
    servers[0].loop.run()
    let patch: JSON = [
      "1", nil, "room:1", "synq:patch",
      ["operations": [["op": "replace", "path": "/text", "value": "hello"]], "version": 1],
    ]
    #expect(here.messages() == [patch])
    #expect(there.messages().last == patch)
    #expect(wires.map(\.sent) == [0, 1])
  }

  @Test func aDisconnectReachesBothServers() throws {
    for server in servers { _ = try server.join("room:1") }
    servers[0].hub.disconnect(id: "nobody")
    #expect(wires.map(\.sent) == [1, 0])
    #expect(servers.map { $0.hub.stats.connections.current } == [1, 1])
  }

  @Test func theAdapterLivesAsLongAsTheServer() throws {
    _ = try servers[0].join("room:1")
    #expect(wires.map(\.life) == [["begin"], ["begin"]])
    servers[0].hub.drain {}
    servers[0].loop.run()
    servers[0].loop.advanceTime(by: .seconds(10))
    #expect(wires.map(\.life) == [["begin", "end"], ["begin"]])
    // What still comes for it is for nobody.
    servers[1].hub.broadcast(topic: "room:1", event: "late", payload: .empty)
    servers[0].loop.run()
  }

  /// One end of the network. Used on the test's thread alone.
  private final class Wire: PubSubAdapter, @unchecked Sendable {
    weak var other: Wire?
    private(set) var sent = 0
    private(set) var life: [String] = []
    private var deliver: (@Sendable (TopicMessage) -> Void)?

    func begin(on loop: any EventLoop, _ deliver: @escaping @Sendable (TopicMessage) -> Void) {
      life.append("begin")
      self.deliver = deliver
    }

    func send(_ message: TopicMessage) {
      sent += 1
      other?.deliver?(message)
    }

    func end() { life.append("end") }
  }
}
