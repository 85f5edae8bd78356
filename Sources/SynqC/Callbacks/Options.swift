import CSynq
import Logging
import NIOCore
import SynqChannels
import SynqHosting
import SynqJSON
import SynqNetwork
import SynqServer

/// Option structs from C, checked by their size: a shorter one comes from an older header, a longer one from a newer.
enum Options {
  /// A struct as far as the library knows it.
  struct Read<Struct> {
    /// Also of a struct that is newer: its `user` is still to be destroyed.
    let known: Struct
    fileprivate let error: HostError?

    /// The struct, if it is not newer than the library.
    func checked() throws(HostError) -> Struct {
      if let error { throw error }
      return known
    }
  }

  /// Reads a struct of which the host knows `size` bytes; the rest takes the defaults of `initial`.
  private static func read<Struct>(
    _ pointer: UnsafePointer<Struct>?, _ name: String, initial: Struct
  ) throws(HostError) -> Read<Struct> {
    guard let pointer else { return Read(known: initial, error: nil) }
    let size = UnsafeRawPointer(pointer).loadUnaligned(as: Int.self)
    guard size >= MemoryLayout<Int>.size else {
      throw HostError(.invalidArgument, "\(name): its size is not set; use the INIT macro")
    }
    var copy = initial
    withUnsafeMutableBytes(of: &copy) { bytes in
      bytes.copyMemory(from: UnsafeRawBufferPointer(start: pointer, count: min(size, bytes.count)))
    }
    let isNewer = size > MemoryLayout<Struct>.size
    let error = HostError(.version, "\(name): its size is that of a newer header than the library's")
    return Read(known: copy, error: isNewer ? error : nil)
  }

  static func channel(
    _ pointer: UnsafePointer<synq_channel_options_t>?
  ) throws(HostError) -> Read<synq_channel_options_t> {
    guard pointer != nil else { throw HostError(.invalidArgument, "options: is NULL") }
    return try read(pointer, "options", initial: synq_channel_options_t())
  }

  static func mount(
    _ pointer: UnsafePointer<synq_mount_options_t>?
  ) throws(HostError) -> Read<synq_mount_options_t> {
    try read(pointer, "options", initial: synq_mount_options_t())
  }

  static func link(
    _ pointer: UnsafePointer<synq_link_options_t>?
  ) throws(HostError) -> Read<synq_link_options_t> {
    guard pointer != nil else { throw HostError(.invalidArgument, "options: is NULL") }
    return try read(pointer, "options", initial: synq_link_options_t())
  }

  static func linkRequest(
    _ pointer: UnsafePointer<synq_link_request_t>?
  ) throws(HostError) -> Read<synq_link_request_t> {
    guard pointer != nil else { throw HostError(.invalidArgument, "request: is NULL") }
    return try read(pointer, "request", initial: synq_link_request_t())
  }

  static func server(
    _ pointer: UnsafePointer<synq_server_options_t>?
  ) throws(HostError) -> Read<synq_server_options_t> {
    try read(pointer, "options", initial: synq_server_options_t())
  }

  static func limits(_ pointer: UnsafePointer<synq_limits_t>?) throws(HostError) -> synq_limits_t {
    let limits = try read(pointer, "limits", initial: synq_limits_t()).checked()
    try checkCeiling(limits.max_json_depth, JSONLimits.maxDepthThatCounts, "max_json_depth")
    try checkCeiling(limits.max_message_bytes, JSONLimits.maxBytesThatCount, "max_message_bytes")
    return limits
  }

  /// Whether a switch that is on by default was turned off.
  static func isOff(_ option: synq_switch_t, _ name: String) throws(HostError) -> Bool {
    switch option.rawValue {
    case 0, SYNQ_ON.rawValue: return false
    case SYNQ_OFF.rawValue: return true
    default:
      throw HostError(.invalidArgument, "\(name): \(option.rawValue) is neither SYNQ_ON nor SYNQ_OFF")
    }
  }

  /// The engine's options of a channel.
  static func spec(_ options: synq_channel_options_t) throws(HostError) -> ChannelSpec.Options {
    var spec = ChannelSpec.Options()
    spec.track = try Argument.strings(options.track, "track") ?? []
    spec.shared = try Argument.strings(options.shared, "shared") ?? []
    spec.linger = .milliseconds(Int64(options.linger_ms))
    spec.patchInterval = .milliseconds(Int64(options.patch_interval_ms))
    if let name = options.presence { spec.presenceAssign = try Argument.name(name, "presence") }
    if options.shared == nil, options.presence == nil, options.open_topic != nil || options.close_topic != nil
    {
      throw HostError(
        .invalidArgument,
        "\(options.open_topic != nil ? "open_topic" : "close_topic"): needs assigns in `shared`")
    }
    if options.max_version > 0 { spec.maxVersion = Int(options.max_version) }
    guard let dialect = Dialect(rawValue: Int(options.dialect.rawValue)) else {
      throw HostError(.invalidArgument, "dialect: \(options.dialect.rawValue) is none")
    }
    spec.dialect = dialect
    if let keys = try Argument.strings(options.ignore_keys, "ignore_keys") { spec.ignoreKeys = keys }
    spec.intercept = Set((try Argument.strings(options.intercept, "intercept") ?? []).map { NameKey($0) })
    spec.allowsPrototypeKeys = options.allow_prototype_keys != 0
    set(&spec.presence.maxKeys, options.max_presence_keys)
    set(&spec.presence.maxBytes, options.max_presence_bytes)
    return spec
  }

  /// The configuration of a server.
  static func configuration(
    _ options: synq_server_options_t, user: HostUser
  ) throws(HostError) -> ServerConfiguration {
    guard options.log_level.rawValue <= SYNQ_LOG_OFF.rawValue else {
      throw HostError(.invalidArgument, "log_level: \(options.log_level.rawValue) is none")
    }
    let level = Logger.Level(options.log_level)
    let logger = Logger(label: "synq") { _ in LogAdapter(options.log, user: user, level: level) }
    var configuration = ServerConfiguration(logger: logger)
    configuration.logMustEnd = options.log != nil
    if let host = try Argument.optionalString(options.host, "host") { configuration.network.host = host }
    configuration.network.port = Int(options.port)
    for (path, name, page) in [
      (options.metrics, "metrics", ServerPage.metrics), (options.health, "health", .health),
    ] {
      guard let path = try Argument.optionalString(path, name) else { continue }
      guard path.utf8.first == UInt8(ascii: "/") else {
        throw HostError(.invalidArgument, "\(name): \"\(path)\" does not begin with /")
      }
      configuration.network.pages.append((path, page))
    }
    configuration.network.allowedHosts = try Argument.strings(options.allowed_hosts, "allowed_hosts")
    switch options.delivery {
    case SYNQ_WORKERS:
      configuration.threads = options.workers == 0 ? .workersAsNeeded : .workers(Int(options.workers))
    case SYNQ_INLINE: configuration.threads = .inline
    case SYNQ_POLLED: configuration.threads = .polled
    default: throw HostError(.invalidArgument, "delivery: \(options.delivery.rawValue) is none")
    }
    if options.loops > 0 { configuration.loopCount = Int(options.loops) }
    switch (options.tls_certificate, options.tls_key) {
    case (nil, nil): break
    case (let certificate, let key):
      configuration.network.tls = TLSConfiguration(
        certificateFile: try Argument.name(certificate, "tls_certificate"),
        keyFile: try Argument.name(key, "tls_key"))
    }
    switch options.tls_minimum_version.rawValue {
    case 0, SYNQ_TLS_1_2.rawValue: break
    case SYNQ_TLS_1_3.rawValue: configuration.network.tls?.minimumVersion = .tls13
    default:
      throw HostError(
        .invalidArgument, "tls_minimum_version: \(options.tls_minimum_version.rawValue) is none")
    }
    apply(try limits(options.limits), to: &configuration.network.limits)
    if let cluster = try Argument.optionalString(options.cluster, "cluster") {
      try configuration.setCluster(cluster)
    }
    return configuration
  }

  private static func apply(_ limits: synq_limits_t, to network: inout NetworkLimits) {
    set(&network.maxConnections, limits.max_connections)
    set(&network.maxConnectionsPerAddress, limits.max_connections_per_address)
    network.memory = MemoryBudget.Limits(
      megabytes: Int(limits.max_memory_mb), perAddress: Int(limits.max_memory_mb_per_address))
    set(&network.handshakeTimeout, limits.handshake_timeout_ms)
    set(&network.maxHeaderBytes, limits.max_header_bytes)
    set(&network.keepAliveTimeout, limits.keep_alive_timeout_ms)
    set(&network.closeTimeout, limits.close_timeout_ms)
    set(&network.drainBatch, limits.drain_batch)
    set(&network.drainPause, limits.drain_pause_ms)
  }

  /// The limits of a mount: its own, and where those are 0 the server's.
  static func merged(_ server: synq_limits_t, _ mount: synq_limits_t) -> synq_limits_t {
    var merged = server
    withUnsafeMutableBytes(of: &merged) { merged in
      withUnsafeBytes(of: mount) { mount in
        // Behind the size every member is a number of 32 bits.
        for offset in stride(from: MemoryLayout<Int>.size, to: merged.count, by: MemoryLayout<UInt32>.size) {
          let own = mount.load(fromByteOffset: offset, as: UInt32.self)
          if own > 0 { merged.storeBytes(of: own, toByteOffset: offset, as: UInt32.self) }
        }
      }
    }
    return merged
  }

  /// The limits of the connections of one mount.
  static func apply(_ limits: synq_limits_t, to mount: inout SocketMount, _ client: inout ClientLimits) {
    set(&mount.limits.idleTimeout, limits.idle_timeout_ms)
    set(&mount.limits.maxMessageBytes, limits.max_message_bytes)
    // One setting raises all three.
    mount.limits.maxFrameBytes = mount.limits.maxMessageBytes + WebSocketLimits.longestHeader
    mount.longPoll.maxBodyBytes = mount.limits.maxMessageBytes
    client.json.maxBytes = mount.limits.maxMessageBytes
    set(&mount.limits.messageTimeout, limits.message_timeout_ms)
    set(&mount.limits.maxFrameBytes, limits.max_frame_bytes)
    set(&mount.limits.maxFragments, limits.max_fragments)
    set(&mount.limits.maxOutboundBytes, limits.max_outbound_bytes)
    set(&client.json.maxDepth, limits.max_json_depth)
    set(&client.socket.maxChannels, limits.max_channels)
    set(&client.socket.maxQueuedEvents, limits.max_queued_events)
    set(&client.socket.maxQueuedMessages, limits.max_queued_messages)
    set(&client.socket.maxQueuedBytes, limits.max_queued_bytes)
    set(&client.socket.maxTimers, limits.max_timers)
    set(&client.socket.maxSubscriptions, limits.max_subscriptions)
    set(&client.socket.maxTopicBytes, limits.max_topic_bytes)
    set(&client.socket.maxEventBytes, limits.max_event_bytes)
    set(&client.socket.maxRefBytes, limits.max_ref_bytes)
    set(&client.socket.maxPatchBytes, limits.max_patch_bytes)
    set(&client.socket.maxMessagesPerSecond, limits.max_messages_per_second)
    set(&client.socket.maxJoinsPerSecond, limits.max_joins_per_second)
    set(&client.socket.maxPendingReplies, limits.max_pending_replies)
    set(&client.json.maxNodes, limits.max_json_nodes)
    if var compression = mount.compression {
      set(&compression.maxInflateRatio, limits.max_inflate_ratio)
      mount.compression = compression
    }
    set(&mount.longPoll.maxSessions, limits.max_longpoll_sessions)
    set(&mount.longPoll.maxBatchMessages, limits.max_longpoll_batch)
    set(&mount.longPoll.maxQueuedBytes, limits.max_longpoll_queue_bytes)
    set(&mount.longPoll.maxBodyBytes, limits.max_longpoll_body_bytes)
    set(&mount.longPoll.sessionTimeout, limits.longpoll_session_timeout_ms)
  }

  private static func checkCeiling(_ value: UInt32, _ most: Int, _ name: String) throws(HostError) {
    guard Int(value) <= most else {
      throw HostError(.invalidArgument, "limits: \(name) \(value) is more than \(most)")
    }
  }

  private static func set(_ limit: inout Int, _ value: UInt32) {
    if value > 0 { limit = Int(value) }
  }

  private static func set(_ limit: inout TimeAmount, _ milliseconds: UInt32) {
    if milliseconds > 0 { limit = .milliseconds(Int64(milliseconds)) }
  }
}
