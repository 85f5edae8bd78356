import CJansson
import CSynq
import SynqChannels
import SynqJSON
import SynqHosting

@_cdecl("synq_connection_header") @implementation
public func synq_connection_header(
  _ connection: OpaquePointer!, _ name: UnsafePointer<CChar>!
) -> UnsafePointer<CChar>! {
  read(connection) { call throws(HostError) in
    let name = try Argument.name(name, "name").lowercased()
    return call.request.headers.first { $0.name.lowercased() == name }?.value
  }
}

@_cdecl("synq_connection_peer") @implementation
public func synq_connection_peer(_ connection: OpaquePointer!) -> UnsafePointer<CChar>! {
  read(connection) { $0.request.peer }
}

@_cdecl("synq_connection_token") @implementation
public func synq_connection_token(_ connection: OpaquePointer!) -> UnsafePointer<CChar>! {
  read(connection) { $0.request.authToken }
}

@_cdecl("synq_connection_set_id") @implementation
public func synq_connection_set_id(_ connection: OpaquePointer!, _ id: UnsafePointer<CChar>!) -> CInt {
  export { () throws(HostError) in try ConnectCall.of(connection).setID(Argument.name(id, "id")) }
}

@_cdecl("synq_connection_assign") @implementation
public func synq_connection_assign(
  _ connection: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ value: UnsafeMutablePointer<json_t>!
) -> CInt {
  export { () throws(HostError) in
    let value = try UnsafeJansson.stolen(value, "value")
    try ConnectCall.of(connection).assign(Argument.name(name, "name"), value)
  }
}

@_cdecl("synq_connection_assign_text") @implementation
public func synq_connection_assign_text(
  _ connection: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ text: UnsafePointer<CChar>!, _ length: Int
) -> CInt {
  export { () throws(HostError) in
    let value = try Argument.json(text, length)
    try ConnectCall.of(connection).assign(Argument.name(name, "name"), value)
  }
}

@_cdecl("synq_connection_set_data") @implementation
public func synq_connection_set_data(
  _ connection: OpaquePointer!, _ data: UnsafeMutableRawPointer!, _ destroy: synq_destroy_fn!
) -> CInt {
  export { () throws(HostError) in
    let data = ConnectionData(DestroyableData(pointer: data, destroyer: destroy))
    try ConnectCall.of(connection).setData(data)
  }
}

@_cdecl("synq_connection_refuse") @implementation
public func synq_connection_refuse(
  _ connection: OpaquePointer!, _ status: CInt, _ body: UnsafePointer<CChar>!
) -> CInt {
  export { () throws(HostError) in
    guard (400...599).contains(status) else {
      throw HostError(.invalidArgument, "status: \(status) is not in 400-599")
    }
    let body = try Argument.optionalString(body, "body") ?? ""
    try ConnectCall.of(connection).refuse(status: Int(status), body: body)
  }
}

@_cdecl("synq_connection_defer") @implementation
public func synq_connection_defer(_ connection: OpaquePointer!) -> CInt {
  export { () throws(HostError) in try ConnectCall.of(connection).defer() }
}

@_cdecl("synq_connection_finish") @implementation
public func synq_connection_finish(_ connection: OpaquePointer!, _ result: CInt) -> CInt {
  export { () throws(HostError) in try ConnectCall.finish(connection, result) }
}

private func read(
  _ connection: OpaquePointer?, _ text: (ConnectCall) throws(HostError) -> String?
) -> UnsafePointer<CChar>? {
  do throws(HostError) {
    let call = try ConnectCall.of(connection)
    return call.keep(try text(call))
  } catch {
    fail(error)
    return nil
  }
}
