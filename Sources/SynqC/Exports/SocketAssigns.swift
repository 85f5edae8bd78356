import CJansson
import CSynq
import SynqChannels
import SynqJSON
import SynqHosting

@_cdecl("synq_socket_all_assigns") @implementation
public func synq_socket_all_assigns(_ socket: OpaquePointer!) -> OpaquePointer! {
  do throws(HostError) {
    let box = try ChannelContextBox.of(socket)
    if let lent = box.lentAssigns { return lent }
    guard let assigns = box.lendAssigns(try box.context.currentAssigns()) else { throw HostError.noCallback }
    return assigns
  } catch {
    fail(error)
    return nil
  }
}

@_cdecl("synq_socket_assign") @implementation
public func synq_socket_assign(
  _ socket: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ value: UnsafeMutablePointer<json_t>!
) -> CInt {
  export { () throws(HostError) in try assign(socket, name, UnsafeJansson.stolen(value, "value")) }
}

@_cdecl("synq_socket_assign_text") @implementation
public func synq_socket_assign_text(
  _ socket: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ text: UnsafePointer<CChar>!, _ length: Int
) -> CInt {
  export { () throws(HostError) in try assign(socket, name, Argument.json(text, length)) }
}

@_cdecl("synq_socket_set") @implementation
public func synq_socket_set(
  _ socket: OpaquePointer!, _ pointer: UnsafePointer<CChar>!, _ value: UnsafeMutablePointer<json_t>!
) -> CInt {
  export { () throws(HostError) in try change(socket, pointer, .set(UnsafeJansson.stolen(value, "value"))) }
}

@_cdecl("synq_socket_set_text") @implementation
public func synq_socket_set_text(
  _ socket: OpaquePointer!, _ pointer: UnsafePointer<CChar>!, _ text: UnsafePointer<CChar>!, _ length: Int
) -> CInt {
  export { () throws(HostError) in try change(socket, pointer, .set(Argument.json(text, length))) }
}

@_cdecl("synq_socket_set_int") @implementation
public func synq_socket_set_int(
  _ socket: OpaquePointer!, _ pointer: UnsafePointer<CChar>!, _ value: Int64
) -> CInt {
  export { () throws(HostError) in try change(socket, pointer, .set(JSON(Int(value)))) }
}

@_cdecl("synq_socket_set_real") @implementation
public func synq_socket_set_real(
  _ socket: OpaquePointer!, _ pointer: UnsafePointer<CChar>!, _ value: Double
) -> CInt {
  export { () throws(HostError) in
    guard let json = JSON(value) else { throw HostError(.json, "value: is not finite") }
    try change(socket, pointer, .set(json))
  }
}

@_cdecl("synq_socket_set_bool") @implementation
public func synq_socket_set_bool(
  _ socket: OpaquePointer!, _ pointer: UnsafePointer<CChar>!, _ value: CInt
) -> CInt {
  export { () throws(HostError) in try change(socket, pointer, .set(JSON(value != 0))) }
}

@_cdecl("synq_socket_set_string") @implementation
public func synq_socket_set_string(
  _ socket: OpaquePointer!, _ pointer: UnsafePointer<CChar>!, _ text: UnsafePointer<CChar>!, _ length: Int
) -> CInt {
  export { () throws(HostError) in
    let bytes = try Argument.text(text, length, "text")
    guard let string = String(validating: bytes, as: UTF8.self) else {
      throw HostError(.invalidArgument, "text: is not UTF-8")
    }
    try change(socket, pointer, .set(JSON(string)))
  }
}

@_cdecl("synq_socket_insert") @implementation
public func synq_socket_insert(
  _ socket: OpaquePointer!, _ pointer: UnsafePointer<CChar>!, _ value: UnsafeMutablePointer<json_t>!
) -> CInt {
  export { () throws(HostError) in
    try change(socket, pointer, .insert(UnsafeJansson.stolen(value, "value")))
  }
}

@_cdecl("synq_socket_insert_text") @implementation
public func synq_socket_insert_text(
  _ socket: OpaquePointer!, _ pointer: UnsafePointer<CChar>!, _ text: UnsafePointer<CChar>!, _ length: Int
) -> CInt {
  export { () throws(HostError) in try change(socket, pointer, .insert(Argument.json(text, length))) }
}

@_cdecl("synq_socket_append") @implementation
public func synq_socket_append(
  _ socket: OpaquePointer!, _ pointer: UnsafePointer<CChar>!, _ value: UnsafeMutablePointer<json_t>!
) -> CInt {
  export { () throws(HostError) in
    try change(socket, pointer, .append(UnsafeJansson.stolen(value, "value")))
  }
}

@_cdecl("synq_socket_append_text") @implementation
public func synq_socket_append_text(
  _ socket: OpaquePointer!, _ pointer: UnsafePointer<CChar>!, _ text: UnsafePointer<CChar>!, _ length: Int
) -> CInt {
  export { () throws(HostError) in try change(socket, pointer, .append(Argument.json(text, length))) }
}

@_cdecl("synq_socket_set_value") @implementation
public func synq_socket_set_value(
  _ socket: OpaquePointer!, _ pointer: UnsafePointer<CChar>!, _ value: OpaquePointer!,
  _ from: UnsafePointer<CChar>!
) -> CInt {
  export { () throws(HostError) in try change(socket, pointer, .set(part(of: value, from, lentTo: socket))) }
}

@_cdecl("synq_socket_insert_value") @implementation
public func synq_socket_insert_value(
  _ socket: OpaquePointer!, _ pointer: UnsafePointer<CChar>!, _ value: OpaquePointer!,
  _ from: UnsafePointer<CChar>!
) -> CInt {
  export { () throws(HostError) in
    try change(socket, pointer, .insert(part(of: value, from, lentTo: socket)))
  }
}

@_cdecl("synq_socket_append_value") @implementation
public func synq_socket_append_value(
  _ socket: OpaquePointer!, _ pointer: UnsafePointer<CChar>!, _ value: OpaquePointer!,
  _ from: UnsafePointer<CChar>!
) -> CInt {
  export { () throws(HostError) in
    try change(socket, pointer, .append(part(of: value, from, lentTo: socket)))
  }
}

@_cdecl("synq_socket_remove") @implementation
public func synq_socket_remove(_ socket: OpaquePointer!, _ pointer: UnsafePointer<CChar>!) -> CInt {
  export { () throws(HostError) in try change(socket, pointer, .remove) }
}

@_cdecl("synq_socket_increment") @implementation
public func synq_socket_increment(
  _ socket: OpaquePointer!, _ pointer: UnsafePointer<CChar>!, _ by: Int64, _ out: UnsafeMutablePointer<Int64>!
) -> CInt {
  export { () throws(HostError) in
    var sum: Int64 = 0
    try edit(socket, pointer) { assigns, place throws(HostError) in
      sum = try assigns.increment(at: place, by: by)
    }
    out?.pointee = sum
  }
}

@_cdecl("synq_socket_merge") @implementation
public func synq_socket_merge(
  _ socket: OpaquePointer!, _ pointer: UnsafePointer<CChar>!, _ members: UnsafeMutablePointer<json_t>!
) -> CInt {
  export { () throws(HostError) in try merge(socket, pointer, UnsafeJansson.stolen(members, "members")) }
}

@_cdecl("synq_socket_merge_text") @implementation
public func synq_socket_merge_text(
  _ socket: OpaquePointer!, _ pointer: UnsafePointer<CChar>!, _ text: UnsafePointer<CChar>!, _ length: Int
) -> CInt {
  export { () throws(HostError) in try merge(socket, pointer, Argument.json(text, length)) }
}

@_cdecl("synq_socket_patch") @implementation
public func synq_socket_patch(
  _ socket: OpaquePointer!, _ pointer: UnsafePointer<CChar>!, _ patch: UnsafeMutablePointer<json_t>!
) -> CInt {
  export { () throws(HostError) in try apply(socket, pointer, UnsafeJansson.stolen(patch, "patch")) }
}

@_cdecl("synq_socket_patch_text") @implementation
public func synq_socket_patch_text(
  _ socket: OpaquePointer!, _ pointer: UnsafePointer<CChar>!, _ text: UnsafePointer<CChar>!, _ length: Int
) -> CInt {
  export { () throws(HostError) in try apply(socket, pointer, Argument.json(text, length)) }
}

// MARK: Steps of these

private func merge(
  _ socket: OpaquePointer?, _ pointer: UnsafePointer<CChar>?, _ members: JSON
) throws(HostError) {
  try edit(socket, pointer) { assigns, place throws(HostError) in try assigns.merge(members, at: place) }
}

private func apply(
  _ socket: OpaquePointer?, _ pointer: UnsafePointer<CChar>?, _ patch: JSON
) throws(HostError) {
  try edit(socket, pointer) { assigns, place throws(HostError) in try assigns.apply(patch, at: place) }
}

/// A part of a value that a callback was lent, free of the rest of it. Read before the assigns change: it may be of them.
private func part(
  of value: OpaquePointer?, _ from: UnsafePointer<CChar>?, lentTo socket: OpaquePointer?
) throws(HostError) -> JSON {
  // After its callback the value is not there any more.
  try ChannelContextBox.of(socket).context.requireCallback()
  return try ValueHandle.of(value).json(at: from, "from").compacted()
}

private func assign(
  _ socket: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ value: JSON
) throws(HostError) {
  let name = try Argument.name(name, "name")
  let box = try ChannelContextBox.of(socket)
  try box.changeAssigns { assigns throws(HostError) in try assigns.set(name, to: value) }
}

/// One change by a value that the caller gives: it is taken over before the socket is looked at, and so in any case.
private func change(
  _ socket: OpaquePointer?, _ pointer: UnsafePointer<CChar>?, _ change: JSON.Change
) throws(HostError) {
  try edit(socket, pointer) { assigns, place throws(HostError) in try assigns.change(change, at: place) }
}

private func edit(
  _ socket: OpaquePointer?, _ pointer: UnsafePointer<CChar>?,
  _ body: (inout Assigns, UnsafeRawBufferPointer) throws(HostError) -> Void
) throws(HostError) {
  let place = try Argument.pointer(pointer)
  let box = try ChannelContextBox.of(socket)
  try box.changeAssigns { assigns throws(HostError) in try body(&assigns, place) }
}
