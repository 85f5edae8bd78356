import SynqHosting
import SynqNetwork
import SynqWebSocket
import Testing

@testable import Synq

/// That each limit of the front door is the one below it.
@Suite struct LimitsTests {
  /// What is configured by limits, in words.
  private func layers(_ limits: Limits) -> String {
    var network = NetworkLimits()
    limits.apply(to: &network)
    var mount = SocketMount(path: "/socket")
    mount.compression = CompressionOptions()
    limits.apply(to: &mount)
    let compression = mount.compression.map { "\($0)" } ?? ""
    return "\(network) \(mount.limits) \(mount.longPoll) \(compression) \(limits.client)"
  }

  @Test func theDefaultsAreThoseOfTheLayersBelow() {
    let network = "\(NetworkLimits()) \(WebSocketLimits()) \(LongPollLimits())"
    #expect(layers(Limits()) == "\(network) \(CompressionOptions()) \(ClientLimits())")
  }

  @Test(arguments: [
    \Limits.maxConnections, \.maxConnectionsPerAddress, \.maxHeaderBytes, \.maxFrameBytes, \.maxMessageBytes,
    \.maxFragments, \.maxChannels, \.maxQueuedEvents, \.maxTopicBytes, \.maxEventBytes, \.maxRefBytes,
    \.maxJSONDepth, \.maxMessagesPerSecond, \.maxJoinsPerSecond, \.maxOutboundBytes, \.maxPatchBytes,
    \.maxJSONNodes,
    \.maxPendingReplies, \.maxInflateRatio, \.maxLongPollSessions, \.maxLongPollBatch,
    \.maxLongPollQueueBytes,
    \.maxLongPollBodyBytes, \.drainBatch, \.maxQueuedMessages, \.maxQueuedBytes,
  ])
  func eachNumberReachesItsLayer(_ limit: WritableKeyPath<Limits, Int> & Sendable) {
    var limits = Limits()
    // What follows it else.
    (limits.maxFrameBytes, limits.maxLongPollBodyBytes) = (1, 2)
    limits[keyPath: limit] = 7_654_321
    // The JSON of a message may be as large as the message.
    let places = limit == \Limits.maxMessageBytes ? 2 : 1
    #expect(layers(limits).components("7654321") == places)
  }

  @Test(arguments: [
    \Limits.handshakeTimeout, \.idleTimeout, \.longPollSessionTimeout, \.keepAliveTimeout, \.closeTimeout,
    \.drainPause,
  ])
  func eachTimeReachesItsLayer(_ limit: WritableKeyPath<Limits, Duration> & Sendable) {
    var limits = Limits()
    limits[keyPath: limit] = .nanoseconds(7_654_321)
    #expect(layers(limits).components("7654321") == 1)
  }

  @Test func oneSettingRaisesTheSizeOfMessages() {
    var limits = Limits()
    limits.maxMessageBytes = 100 << 20
    #expect(limits.maxFrameBytes == (100 << 20) + 14)
    #expect(limits.maxLongPollBodyBytes == 100 << 20)
    #expect(limits.client.json.maxBytes == 100 << 20)
  }

  @Test(arguments: [(\Limits.maxJSONDepth, 2_048), (\.maxMessageBytes, 1 << 30)])
  func noSettingGoesBeyondTheCeiling(_ limit: WritableKeyPath<Limits, Int> & Sendable, _ ceiling: Int) throws
  {
    var limits = Limits()
    limits[keyPath: limit] = ceiling
    _ = try limits.checked()
    limits[keyPath: limit] = ceiling + 1
    #expect(throws: HostError.self) { try Server(limits: limits) }
    #expect(throws: HostError.self) {
      try Server().mount("/socket", options: MountOptions(limits: limits))
    }
  }

  @Test func aMountHasLimitsAndCompressionOfItsOwn() {
    var limits = Limits()
    limits.maxInflateRatio = 3
    let options = MountOptions(compress: true, limits: limits)
    var mount = options.mount(at: "/socket")
    #expect(mount.compression != nil)
    limits.apply(to: &mount)
    #expect(mount.compression?.maxInflateRatio == 3)
    #expect(MountOptions().mount(at: "/socket").compression == nil)
  }
}

extension String {
  /// How often a text is in this one.
  fileprivate func components(_ text: String) -> Int { ranges(of: text).count }
}
