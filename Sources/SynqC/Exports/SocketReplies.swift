import CJansson
import CSynq
import SynqChannels
import SynqJSON
import SynqHosting
import SynqWire

@_cdecl("synq_socket_push") @implementation
public func synq_socket_push(
  _ socket: OpaquePointer!, _ event: UnsafePointer<CChar>!, _ payload: UnsafeMutablePointer<json_t>!
) -> CInt {
  export { () throws(HostError) in
    let payload = Payload.json(try UnsafeJansson.stolen(payload))
    try ChannelContextBox.of(socket).context.push(event: Argument.name(event, "event"), payload: payload)
  }
}

@_cdecl("synq_socket_push_text") @implementation
public func synq_socket_push_text(
  _ socket: OpaquePointer!, _ event: UnsafePointer<CChar>!, _ text: UnsafePointer<CChar>!, _ length: Int
) -> CInt {
  export { () throws(HostError) in
    let payload = Payload.json(try Argument.json(text, length))
    try ChannelContextBox.of(socket).context.push(event: Argument.name(event, "event"), payload: payload)
  }
}

@_cdecl("synq_socket_push_binary") @implementation
public func synq_socket_push_binary(
  _ socket: OpaquePointer!, _ event: UnsafePointer<CChar>!, _ bytes: UnsafeRawPointer!, _ length: Int
) -> CInt {
  export { () throws(HostError) in
    let payload = Payload.binary(Array(try Argument.bytes(bytes, length, "bytes")))
    try ChannelContextBox.of(socket).context.push(event: Argument.name(event, "event"), payload: payload)
  }
}

@_cdecl("synq_socket_reply") @implementation
public func synq_socket_reply(
  _ socket: OpaquePointer!, _ status: UnsafePointer<CChar>!, _ payload: UnsafeMutablePointer<json_t>!
) -> CInt {
  export { () throws(HostError) in
    let payload = Payload.json(try UnsafeJansson.stolen(payload))
    try respond(socket, .reply(status: Argument.name(status, "status"), payload: payload))
  }
}

@_cdecl("synq_socket_reply_text") @implementation
public func synq_socket_reply_text(
  _ socket: OpaquePointer!, _ status: UnsafePointer<CChar>!, _ text: UnsafePointer<CChar>!, _ length: Int
) -> CInt {
  export { () throws(HostError) in
    let payload = Payload.json(try Argument.json(text, length))
    try respond(socket, .reply(status: Argument.name(status, "status"), payload: payload))
  }
}

@_cdecl("synq_socket_reply_binary") @implementation
public func synq_socket_reply_binary(
  _ socket: OpaquePointer!, _ status: UnsafePointer<CChar>!, _ bytes: UnsafeRawPointer!, _ length: Int
) -> CInt {
  export { () throws(HostError) in
    let payload = Payload.binary(Array(try Argument.bytes(bytes, length, "bytes")))
    try respond(socket, .reply(status: Argument.name(status, "status"), payload: payload))
  }
}

@_cdecl("synq_socket_reply_error") @implementation
public func synq_socket_reply_error(
  _ socket: OpaquePointer!, _ code: UnsafePointer<CChar>!, _ message: UnsafePointer<CChar>!,
  _ details: UnsafeMutablePointer<json_t>!
) -> CInt {
  export { () throws(HostError) in
    let details = try details.map { value throws(HostError) in try UnsafeJansson.stolen(value, "details") }
    try respond(socket, .error(errorReport(code, message, details)))
  }
}

@_cdecl("synq_socket_reply_error_text") @implementation
public func synq_socket_reply_error_text(
  _ socket: OpaquePointer!, _ code: UnsafePointer<CChar>!, _ message: UnsafePointer<CChar>!,
  _ details: UnsafePointer<CChar>!, _ length: Int
) -> CInt {
  export { () throws(HostError) in
    let details = try details.map { text throws(HostError) in try Argument.json(text, length, "details") }
    try respond(socket, .error(errorReport(code, message, details)))
  }
}

@_cdecl("synq_socket_stop") @implementation
public func synq_socket_stop(_ socket: OpaquePointer!, _ reason: UnsafePointer<CChar>!) -> CInt {
  export { () throws(HostError) in
    let reason = CloseReason(rawValue: try Argument.name(reason, "reason"))
    try ChannelContextBox.of(socket).context.stop(reason)
  }
}

@_cdecl("synq_socket_defer") @implementation
public func synq_socket_defer(
  _ socket: OpaquePointer!, _ mode: CInt, _ out: UnsafeMutablePointer<OpaquePointer?>!
) -> CInt {
  export { () throws(HostError) in
    let out = try Argument.out(out)
    let box = try ChannelContextBox.of(socket)
    let context = box.context
    // First, because it may fail when nothing can be undone any more.
    let ticket = try Tickets.deferreds.reserve()
    let kind: Deferred.Kind
    do throws(HostError) {
      switch Int(mode) {
      case Int(SYNQ_DEFER_IN_ORDER): kind = .inOrder(try context.deferResponse())
      case Int(SYNQ_DEFER_DETACHED): kind = .detached(try context.detachReply())
      default: throw HostError(.invalidArgument, "mode: \(mode) is none")
      }
    } catch {
      Tickets.deferreds.revoke(ticket)
      throw error
    }
    let deferred = Deferred(box, kind)
    box.lend(until: deferred)
    Tickets.deferreds.fill(ticket, deferred)
    out.pointee = ticket
  }
}

private func respond(_ socket: OpaquePointer?, _ response: Response) throws(HostError) {
  try ChannelContextBox.of(socket).context.respond(response)
}

/// An error response from its parts; no message is the code itself.
func errorReport(
  _ code: UnsafePointer<CChar>?, _ message: UnsafePointer<CChar>?, _ details: JSON?
) throws(HostError) -> ErrorReport {
  let code = try Argument.name(code, "code")
  let message = try Argument.optionalString(message, "message")
  if let details, details.kind != .object { throw HostError(.invalidArgument, "details: is not an object") }
  return ErrorReport(code: code, message: message ?? code, details: details)
}

extension Optional where Wrapped: ~Copyable {
  /// `map` for a typed error.
  func map<Result>(_ body: (Wrapped) throws(HostError) -> Result) throws(HostError) -> Result?
  where Wrapped: Copyable {
    guard let self else { return nil }
    return try body(self)
  }
}
