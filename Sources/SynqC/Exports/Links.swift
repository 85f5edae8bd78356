import CSynq
import SynqChannels
import SynqHosting
import SynqNetwork
import SynqWire

@_cdecl("synq_link_open") @implementation
public func synq_link_open(
  _ server: OpaquePointer!, _ request: UnsafePointer<synq_link_request_t>!,
  _ options: UnsafePointer<synq_link_options_t>!, _ out: UnsafeMutablePointer<OpaquePointer?>!
) -> CInt {
  export { () throws(HostError) in
    let read = try Options.link(options)
    let user = HostUser(read.known.user, read.known.destroy)
    let options = try read.checked()
    guard options.accepted != nil, options.refused != nil, options.send != nil, options.close != nil else {
      throw HostError(.invalidArgument, "options: accepted, refused, send and close must be given")
    }
    var request = try linkRequest(try Options.linkRequest(request).checked())
    let out = try Argument.out(out)
    let runtime = try ServerHandle.of(server).runtime
    let adapter = LinkAdapter(options, user: user)
    request.carrier = adapter
    let link = try runtime.makeLink(request, host: adapter)
    out.pointee = try adapter.begin(link)
    do throws(HostError) {
      try runtime.begin(link)
    } catch {
      adapter.revoke()
      out.pointee = nil
      throw error
    }
  }
}

private func linkRequest(_ request: synq_link_request_t) throws(HostError) -> LinkRequest {
  var made = LinkRequest(path: try Argument.string(request.path, "path"))
  made.mount = try Argument.optionalString(request.mount, "mount")
  made.query = try Argument.optionalString(request.query, "query") ?? ""
  made.host = try Argument.optionalString(request.host, "host")
  made.peer = try Argument.optionalString(request.peer, "peer") ?? ""
  made.subprotocols = try Argument.strings(request.subprotocols, "subprotocols")
  let headers = try Argument.strings(request.headers, "headers") ?? []
  guard headers.count.isMultiple(of: 2) else {
    throw HostError(.invalidArgument, "headers: the last name has no value")
  }
  made.headers = stride(from: 0, to: headers.count, by: 2).map { (headers[$0], headers[$0 + 1]) }
  return made
}

@_cdecl("synq_link_receive") @implementation
public func synq_link_receive(
  _ link: OpaquePointer!, _ is_binary: CInt, _ bytes: UnsafeRawPointer!, _ length: Int
) -> CInt {
  do throws(HostError) {
    let connection = try LinkAdapter.of(link)
    let bytes = try Argument.bytes(bytes, length, "bytes")
    guard let goesOn = connection.receive(is_binary == 0 ? .text : .binary, bytes) else {
      throw HostError(.closed, "link: it is not open")
    }
    return goesOn ? 0 : CInt(SYNQ_LINK_WAIT)
  } catch {
    return fail(error)
  }
}

@_cdecl("synq_link_sent") @implementation
public func synq_link_sent(_ link: OpaquePointer!, _ length: Int) -> CInt {
  export { () throws(HostError) in
    guard length >= 0 else { throw HostError(.invalidArgument, "length: is out of range") }
    guard try LinkAdapter.of(link).sent(length) else { throw HostError(.closed, "link: it is over") }
  }
}

@_cdecl("synq_link_lost") @implementation
public func synq_link_lost(_ link: OpaquePointer!, _ code: CInt) -> CInt {
  export { () throws(HostError) in
    let reason = code == 0 ? "the connection was lost" : "the client closed with \(code)"
    guard try LinkAdapter.of(link).lost(reason: reason) else { throw HostError(.closed, "link: it is over") }
  }
}

@_cdecl("synq_connection_link_user") @implementation
public func synq_connection_link_user(_ connection: OpaquePointer!) -> UnsafeMutableRawPointer! {
  do throws(HostError) {
    return (try ConnectCall.of(connection).request.carrier as? LinkAdapter)?.pointer
  } catch {
    fail(error)
    return nil
  }
}

@_cdecl("synq_server_start_links") @implementation
public func synq_server_start_links(_ server: OpaquePointer!) -> CInt {
  export { () throws(HostError) in
    let handle = try ServerHandle.of(server)
    if !handle.runtime.wasStarted { try handle.addDefaultMount() }
    try handle.runtime.start(listens: false)
  }
}
