import CJansson
import CSynq
import SynqChannels
import SynqJSON
import SynqHosting
import SynqServer

@_cdecl("synq_presence_track") @implementation
public func synq_presence_track(
  _ socket: OpaquePointer!, _ key: UnsafePointer<CChar>!, _ meta: UnsafeMutablePointer<json_t>!,
  _ ref: UnsafeMutablePointer<CChar>!
) -> CInt {
  export { () throws(HostError) in
    let meta = try UnsafeJansson.stolen(meta, "meta")
    try give(ref: channel(socket).track(Argument.string(key, "key"), meta), ref)
  }
}

@_cdecl("synq_presence_track_text") @implementation
public func synq_presence_track_text(
  _ socket: OpaquePointer!, _ key: UnsafePointer<CChar>!, _ text: UnsafePointer<CChar>!, _ length: Int,
  _ ref: UnsafeMutablePointer<CChar>!
) -> CInt {
  export { () throws(HostError) in
    try give(ref: channel(socket).track(Argument.string(key, "key"), Argument.json(text, length)), ref)
  }
}

@_cdecl("synq_presence_update") @implementation
public func synq_presence_update(
  _ socket: OpaquePointer!, _ key: UnsafePointer<CChar>!, _ meta: UnsafeMutablePointer<json_t>!,
  _ ref: UnsafeMutablePointer<CChar>!
) -> CInt {
  export { () throws(HostError) in
    let meta = try UnsafeJansson.stolen(meta, "meta")
    try give(ref: channel(socket).updatePresence(Argument.string(key, "key"), meta), ref)
  }
}

@_cdecl("synq_presence_update_text") @implementation
public func synq_presence_update_text(
  _ socket: OpaquePointer!, _ key: UnsafePointer<CChar>!, _ text: UnsafePointer<CChar>!, _ length: Int,
  _ ref: UnsafeMutablePointer<CChar>!
) -> CInt {
  export { () throws(HostError) in
    let meta = try Argument.json(text, length)
    try give(ref: channel(socket).updatePresence(Argument.string(key, "key"), meta), ref)
  }
}

@_cdecl("synq_presence_untrack") @implementation
public func synq_presence_untrack(_ socket: OpaquePointer!, _ key: UnsafePointer<CChar>!) -> CInt {
  export { () throws(HostError) in try channel(socket).untrack(Argument.string(key, "key")) }
}

@_cdecl("synq_presence_show") @implementation
public func synq_presence_show(_ socket: OpaquePointer!) -> CInt {
  export { () throws(HostError) in try channel(socket).showPresence() }
}

@_cdecl("synq_presence_list") @implementation
public func synq_presence_list(
  _ socket: OpaquePointer!, _ out: UnsafeMutablePointer<UnsafeMutablePointer<json_t>?>!
) -> CInt {
  export { () throws(HostError) in
    let out = try Argument.out(out)
    out.pointee = try UnsafeJansson.new(channel(socket).presenceList())
  }
}

@_cdecl("synq_presence_list_text") @implementation
public func synq_presence_list_text(
  _ socket: OpaquePointer!, _ out: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>!,
  _ length: UnsafeMutablePointer<Int>!
) -> CInt {
  export { () throws(HostError) in
    let out = try Argument.out(out)
    try give(channel(socket).presenceList(), out, length)
  }
}

@_cdecl("synq_presence_get") @implementation
public func synq_presence_get(
  _ socket: OpaquePointer!, _ key: UnsafePointer<CChar>!,
  _ out: UnsafeMutablePointer<UnsafeMutablePointer<json_t>?>!
) -> CInt {
  export { () throws(HostError) in
    let out = try Argument.out(out)
    let key = try Argument.string(key, "key")
    out.pointee = try UnsafeJansson.new(found(channel(socket).presence(of: key), key))
  }
}

@_cdecl("synq_presence_get_text") @implementation
public func synq_presence_get_text(
  _ socket: OpaquePointer!, _ key: UnsafePointer<CChar>!,
  _ out: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>!, _ length: UnsafeMutablePointer<Int>!
) -> CInt {
  export { () throws(HostError) in
    let out = try Argument.out(out)
    let key = try Argument.string(key, "key")
    try give(found(channel(socket).presence(of: key), key), out, length)
  }
}

@_cdecl("synq_server_presence_list") @implementation
public func synq_server_presence_list(
  _ server: OpaquePointer!, _ topic: UnsafePointer<CChar>!,
  _ out: UnsafeMutablePointer<UnsafeMutablePointer<json_t>?>!
) -> CInt {
  export { () throws(HostError) in
    let out = try Argument.out(out)
    let topic = try Argument.name(topic, "topic")
    out.pointee = try UnsafeJansson.new(presences(server).list(topic))
  }
}

@_cdecl("synq_server_presence_list_text") @implementation
public func synq_server_presence_list_text(
  _ server: OpaquePointer!, _ topic: UnsafePointer<CChar>!,
  _ out: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>!, _ length: UnsafeMutablePointer<Int>!
) -> CInt {
  export { () throws(HostError) in
    let out = try Argument.out(out)
    let topic = try Argument.name(topic, "topic")
    try give(presences(server).list(topic), out, length)
  }
}

@_cdecl("synq_server_presence_get") @implementation
public func synq_server_presence_get(
  _ server: OpaquePointer!, _ topic: UnsafePointer<CChar>!, _ key: UnsafePointer<CChar>!,
  _ out: UnsafeMutablePointer<UnsafeMutablePointer<json_t>?>!
) -> CInt {
  export { () throws(HostError) in
    let out = try Argument.out(out)
    let (topic, key) = (try Argument.name(topic, "topic"), try Argument.string(key, "key"))
    out.pointee = try UnsafeJansson.new(found(presences(server).presence(of: key, in: topic), key))
  }
}

@_cdecl("synq_server_presence_get_text") @implementation
public func synq_server_presence_get_text(
  _ server: OpaquePointer!, _ topic: UnsafePointer<CChar>!, _ key: UnsafePointer<CChar>!,
  _ out: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>!, _ length: UnsafeMutablePointer<Int>!
) -> CInt {
  export { () throws(HostError) in
    let out = try Argument.out(out)
    let (topic, key) = (try Argument.name(topic, "topic"), try Argument.string(key, "key"))
    try give(found(presences(server).presence(of: key, in: topic), key), out, length)
  }
}

@_cdecl("synq_fetch_finish") @implementation
public func synq_fetch_finish(_ fetch: OpaquePointer!, _ additions: UnsafeMutablePointer<json_t>!) -> CInt {
  export { () throws(HostError) in
    try FetchCall.finish(fetch, .success(object(UnsafeJansson.stolen(additions, "additions"))))
  }
}

@_cdecl("synq_fetch_finish_text") @implementation
public func synq_fetch_finish_text(
  _ fetch: OpaquePointer!, _ text: UnsafePointer<CChar>!, _ length: Int
) -> CInt {
  export { () throws(HostError) in
    try FetchCall.finish(fetch, .success(object(Argument.json(text, length), "text")))
  }
}

@_cdecl("synq_fetch_fail") @implementation
public func synq_fetch_fail(_ fetch: OpaquePointer!, _ cause: UnsafePointer<CChar>!) -> CInt {
  export { () throws(HostError) in
    let cause = try Argument.string(cause, "cause")
    try FetchCall.finish(fetch, .failure(HostError(.state, cause)))
  }
}

// MARK: Steps of these

private func channel(_ socket: OpaquePointer?) throws(HostError) -> ChannelContext {
  try ChannelContextBox.of(socket).context
}

private func presences(_ server: OpaquePointer?) throws(HostError) -> PresenceDirectory {
  try ServerHandle.of(server).runtime.presences()
}

private func found(_ presence: JSON?, _ key: String) throws(HostError) -> JSON {
  guard let presence else { throw HostError(.notFound, "key: nobody is present as \"\(key)\"") }
  return presence
}

private func object(_ json: JSON, _ name: String = "additions") throws(HostError) -> JSON {
  guard json.kind == .object else { throw HostError(.type, "\(name): is not an object") }
  return json
}

/// Writes a ref of 16 bytes and a NUL.
private func give(ref: String, _ out: UnsafeMutablePointer<CChar>?) {
  guard let out else { return }
  for (place, byte) in (Array(ref.utf8) + [0]).prefix(Int(SYNQ_PRESENCE_REF_BYTES)).enumerated() {
    out[place] = CChar(bitPattern: byte)
  }
}
