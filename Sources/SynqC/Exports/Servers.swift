import CJansson
import CSynq
import SynqChannels
import SynqJSON
import SynqHosting
import SynqNetwork
import SynqWebSocket
import SynqWire

@_cdecl("synq_server_new") @implementation
public func synq_server_new(
  _ out: UnsafeMutablePointer<OpaquePointer?>!, _ options: UnsafePointer<synq_server_options_t>!
) -> CInt {
  export { () throws(HostError) in
    let read = try Options.server(options)
    // From here on `destroy` runs when the last reference to the user is gone, also when the rest fails.
    let user = HostUser(read.known.user, read.known.destroy)
    let options = try read.checked()
    let out = try Argument.out(out)
    let configuration = try Options.configuration(options, user: user)
    out.pointee = try ServerHandle(configuration, limits: Options.limits(options.limits), user: user)
      .retained()
  }
}

@_cdecl("synq_server_channel") @implementation
public func synq_server_channel(
  _ server: OpaquePointer!, _ pattern: UnsafePointer<CChar>!,
  _ options: UnsafePointer<synq_channel_options_t>!
) -> CInt {
  export { () throws(HostError) in
    let read = try Options.channel(options)
    let user = HostUser(read.known.user, read.known.destroy)
    let options = try read.checked()
    let adapter = ChannelAdapter(options, user: user)
    let handle = try ServerHandle.of(server)
    try handle.runtime.addChannel(
      Argument.name(pattern, "pattern"), options: Options.spec(options), callbacks: adapter.callbacks,
      host: adapter)
    handle.keep(user)
  }
}

@_cdecl("synq_server_mount") @implementation
public func synq_server_mount(
  _ server: OpaquePointer!, _ path: UnsafePointer<CChar>!, _ options: UnsafePointer<synq_mount_options_t>!
) -> CInt {
  export { () throws(HostError) in
    let read = try Options.mount(options)
    let user = HostUser(read.known.user, read.known.destroy)
    let options = try read.checked()
    let adapter = ConnectAdapter(options, user: user)
    let handle = try ServerHandle.of(server)
    var mount = SocketMount(path: try Argument.name(path, "path"))
    if let origins = try Argument.strings(options.origins, "origins") {
      mount.origins = origins == ["*"] ? .any : .list(origins)
    }
    if options.check_origin != nil {
      guard options.origins == nil else {
        throw HostError(.invalidArgument, "check_origin: there are origins too")
      }
      mount.origins = .askHost
    }
    mount.subprotocols = try Argument.strings(options.subprotocols, "subprotocols") ?? []
    if let pattern = try Argument.optionalString(options.pattern, "pattern") { mount.webSocketPath = pattern }
    if try Options.isOff(options.longpoll, "longpoll") { mount.longPollPath = nil }
    if options.compress != 0 { mount.compression = CompressionOptions() }
    if options.longpoll_window_ms > 0 {
      mount.longPoll.window = .milliseconds(Int64(options.longpoll_window_ms))
    }
    try handle.add(mount, limits: Options.limits(options.limits), connectHost: adapter)
    handle.keep(user)
  }
}

@_cdecl("synq_server_static") @implementation
public func synq_server_static(
  _ server: OpaquePointer!, _ prefix: UnsafePointer<CChar>!, _ directory: UnsafePointer<CChar>!
) -> CInt {
  export { () throws(HostError) in
    let prefix = try Argument.name(prefix, "prefix")
    try ServerHandle.of(server).runtime.addFiles(
      prefix: prefix, directory: Argument.name(directory, "directory"))
  }
}

@_cdecl("synq_server_start") @implementation
public func synq_server_start(_ server: OpaquePointer!) -> CInt {
  export { () throws(HostError) in
    let handle = try ServerHandle.of(server)
    if !handle.runtime.wasStarted { try handle.addDefaultMount() }
    try handle.runtime.start()
  }
}

@_cdecl("synq_server_port") @implementation
public func synq_server_port(_ server: OpaquePointer!) -> CInt {
  do throws(HostError) {
    guard let port = try ServerHandle.of(server).runtime.port else {
      throw HostError(.state, "server: it was not started, or has stopped")
    }
    return CInt(port)
  } catch {
    return fail(error)
  }
}

@_cdecl("synq_server_run") @implementation
public func synq_server_run(_ server: OpaquePointer!) -> CInt {
  export { () throws(HostError) in
    let runtime = try ServerHandle.of(server).runtime
    if runtime.isOnCallbackThread { throw .insideCallback }
    guard runtime.wasStarted else { throw HostError(.state, "server: it was not started") }
    if let queue = runtime.pollQueue {
      while queue.poll(timeout: -1, max: 0) != nil {}
    } else {
      _ = try runtime.wait(timeout: nil)
    }
  }
}

@_cdecl("synq_server_poll") @implementation
public func synq_server_poll(_ server: OpaquePointer!, _ timeout_ms: CInt, _ max: CInt) -> CInt {
  do throws(HostError) {
    guard max >= 0 else { throw HostError(.invalidArgument, "max: is negative") }
    let queue = try pollQueue(of: server)
    guard let count = queue.poll(timeout: timeout_ms, max: Int(max)) else {
      throw HostError(.closed, "server: it has stopped")
    }
    return CInt(count)
  } catch {
    return fail(error)
  }
}

@_cdecl("synq_server_fd") @implementation
public func synq_server_fd(_ server: OpaquePointer!) -> CInt {
  do throws(HostError) {
    return try pollQueue(of: server).descriptor
  } catch {
    return fail(error)
  }
}

private func pollQueue(of server: OpaquePointer?) throws(HostError) -> PollQueue {
  guard let queue = try ServerHandle.of(server).runtime.pollQueue else {
    throw HostError(.state, "server: its delivery is not SYNQ_POLLED")
  }
  return queue
}

@_cdecl("synq_server_stop") @implementation
public func synq_server_stop(_ server: OpaquePointer!, _ timeout_ms: CInt) -> CInt {
  export { () throws(HostError) in
    try ServerHandle.of(server).runtime.stop(timeout: timeout_ms < 0 ? nil : .milliseconds(timeout_ms))
  }
}

@_cdecl("synq_server_wait") @implementation
public func synq_server_wait(_ server: OpaquePointer!, _ timeout_ms: CInt) -> CInt {
  export { () throws(HostError) in
    let runtime = try ServerHandle.of(server).runtime
    if runtime.isOnCallbackThread { throw .insideCallback }
    if !runtime.isStopped, runtime.pollQueue?.isPolledByCurrentThread == true {
      throw HostError(
        .state, "server: this is the thread that polls it, so nobody would run its last callbacks")
    }
    guard try runtime.wait(timeout: timeout_ms < 0 ? nil : .milliseconds(timeout_ms)) else {
      throw HostError(.timedOut, "timeout_ms: the server has not stopped after \(timeout_ms) ms")
    }
  }
}

@_cdecl("synq_server_free") @implementation
public func synq_server_free(_ server: OpaquePointer!) -> CInt {
  guard let server else { return 0 }
  return export { () throws(HostError) in
    let handle = try ServerHandle.of(server)
    let runtime = handle.runtime
    if runtime.isOnCallbackThread { throw .insideCallback }
    try runtime.stop(timeout: nil)
    runtime.abandonPeers()
    if let queue = runtime.pollQueue {
      while queue.poll(timeout: -1, max: 0) != nil {}
    }
    if runtime.wasStarted { _ = try runtime.wait(timeout: nil) }
    runtime.joinThreads()
    handle.free()
  }
}

@_cdecl("synq_server_broadcast") @implementation
public func synq_server_broadcast(
  _ server: OpaquePointer!, _ topic: UnsafePointer<CChar>!, _ event: UnsafePointer<CChar>!,
  _ payload: UnsafeMutablePointer<json_t>!
) -> CInt {
  export { () throws(HostError) in
    try broadcast(server, topic, event, .json(UnsafeJansson.stolen(payload)))
  }
}

@_cdecl("synq_server_broadcast_text") @implementation
public func synq_server_broadcast_text(
  _ server: OpaquePointer!, _ topic: UnsafePointer<CChar>!, _ event: UnsafePointer<CChar>!,
  _ text: UnsafePointer<CChar>!, _ length: Int
) -> CInt {
  export { () throws(HostError) in try broadcast(server, topic, event, .json(Argument.json(text, length))) }
}

@_cdecl("synq_server_broadcast_binary") @implementation
public func synq_server_broadcast_binary(
  _ server: OpaquePointer!, _ topic: UnsafePointer<CChar>!, _ event: UnsafePointer<CChar>!,
  _ bytes: UnsafeRawPointer!, _ length: Int
) -> CInt {
  export { () throws(HostError) in
    try broadcast(server, topic, event, .binary(Array(Argument.bytes(bytes, length, "bytes"))))
  }
}

private func broadcast(
  _ server: OpaquePointer?, _ topic: UnsafePointer<CChar>?, _ event: UnsafePointer<CChar>?, _ payload: Payload
) throws(HostError) {
  let topic = try Argument.name(topic, "topic")
  let event = try Argument.name(event, "event")
  try ServerHandle.of(server).runtime.broadcast(topic: topic, event: event, payload: payload)
}

@_cdecl("synq_server_publish") @implementation
public func synq_server_publish(
  _ server: OpaquePointer!, _ topic: UnsafePointer<CChar>!, _ message: UnsafePointer<CChar>!,
  _ payload: UnsafeMutablePointer<json_t>!
) -> CInt {
  export { () throws(HostError) in try publish(server, topic, message, UnsafeJansson.stolen(payload)) }
}

@_cdecl("synq_server_publish_text") @implementation
public func synq_server_publish_text(
  _ server: OpaquePointer!, _ topic: UnsafePointer<CChar>!, _ message: UnsafePointer<CChar>!,
  _ text: UnsafePointer<CChar>!, _ length: Int
) -> CInt {
  export { () throws(HostError) in try publish(server, topic, message, Argument.json(text, length)) }
}

@_cdecl("synq_server_publish_latest") @implementation
public func synq_server_publish_latest(
  _ server: OpaquePointer!, _ topic: UnsafePointer<CChar>!, _ message: UnsafePointer<CChar>!,
  _ key: UnsafePointer<CChar>!, _ payload: UnsafeMutablePointer<json_t>!
) -> CInt {
  export { () throws(HostError) in
    let payload = try UnsafeJansson.stolen(payload)
    try publish(server, topic, message, payload, key: Argument.name(key, "key"))
  }
}

@_cdecl("synq_server_publish_latest_text") @implementation
public func synq_server_publish_latest_text(
  _ server: OpaquePointer!, _ topic: UnsafePointer<CChar>!, _ message: UnsafePointer<CChar>!,
  _ key: UnsafePointer<CChar>!, _ text: UnsafePointer<CChar>!, _ length: Int
) -> CInt {
  export { () throws(HostError) in
    let payload = try Argument.json(text, length)
    try publish(server, topic, message, payload, key: Argument.name(key, "key"))
  }
}

private func publish(
  _ server: OpaquePointer?, _ topic: UnsafePointer<CChar>?, _ message: UnsafePointer<CChar>?, _ payload: JSON,
  key: String? = nil
) throws(HostError) {
  let topic = try Argument.name(topic, "topic")
  let message = try Argument.name(message, "message")
  try ServerHandle.of(server).runtime.publish(topic: topic, message: message, payload: payload, key: key)
}

@_cdecl("synq_server_disconnect") @implementation
public func synq_server_disconnect(_ server: OpaquePointer!, _ id: UnsafePointer<CChar>!) -> CInt {
  export { () throws(HostError) in
    try ServerHandle.of(server).runtime.disconnect(id: Argument.name(id, "id"))
  }
}

@_cdecl("synq_server_reload_tls") @implementation
public func synq_server_reload_tls(_ server: OpaquePointer!) -> CInt {
  export { () throws(HostError) in try ServerHandle.of(server).runtime.reloadTLS() }
}

@_cdecl("synq_server_metrics_text") @implementation
public func synq_server_metrics_text(
  _ server: OpaquePointer!, _ out: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>!,
  _ length: UnsafeMutablePointer<Int>!
) -> CInt {
  export { () throws(HostError) in
    let out = try Argument.out(out)
    try give(text: ServerHandle.of(server).runtime.metricsText(), out, length)
  }
}

@_cdecl("synq_server_stats") @implementation
public func synq_server_stats(_ server: OpaquePointer!, _ out: UnsafeMutablePointer<synq_stats_t>!) -> CInt {
  export { () throws(HostError) in
    let out = try Argument.out(out)
    let runtime = try ServerHandle.of(server).runtime
    let size = out.pointee.size
    guard size >= MemoryLayout<Int>.size else {
      throw HostError(.invalidArgument, "out: its size is not set; use SYNQ_STATS_INIT")
    }
    guard size <= MemoryLayout<synq_stats_t>.size else {
      throw HostError(.version, "out: its size is that of a newer header than the library's")
    }
    var stats = synq_stats_t()
    stats.size = size
    if let counted = runtime.stats {
      stats.connections = UInt64(clamping: counted.connections.current)
      stats.channels = UInt64(clamping: counted.channels.current)
      stats.connections_total = UInt64(clamping: counted.connectionsTotal.current)
      stats.messages_in = UInt64(clamping: counted.messagesIn.current)
      stats.messages_out = UInt64(clamping: counted.messagesOut.current)
      stats.bytes_out = UInt64(clamping: counted.bytesOut.current)
      stats.callbacks = UInt64(clamping: counted.callbacks.current)
      stats.crashes = UInt64(clamping: counted.crashes.current)
      stats.queued_messages = UInt64(clamping: counted.queuedMessages.current)
    }
    withUnsafeBytes(of: stats) { bytes in
      UnsafeMutableRawPointer(out).copyMemory(
        from: bytes.baseAddress.unsafelyUnwrapped, byteCount: min(size, bytes.count))
    }
  }
}

extension HostError {
  /// Of a call that waits for callbacks, made by one.
  fileprivate static let insideCallback = HostError(
    .state, "server: a callback of it cannot wait for its end; synq_server_stop() begins that")
}
