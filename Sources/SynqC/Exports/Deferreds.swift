import CJansson
import CSynq
import SynqChannels
import SynqJSON
import SynqWire

@_cdecl("synq_deferred_finish") @implementation
public func synq_deferred_finish(_ deferred: OpaquePointer!) -> CInt {
  export { () throws(HostError) in try Deferred.finish(deferred, .returned, nil) }
}

@_cdecl("synq_deferred_reply") @implementation
public func synq_deferred_reply(
  _ deferred: OpaquePointer!, _ status: UnsafePointer<CChar>!, _ payload: UnsafeMutablePointer<json_t>!
) -> CInt {
  export { () throws(HostError) in
    let payload = Payload.json(try UnsafeJansson.stolen(payload))
    try Deferred.finish(
      deferred, .returned, .reply(status: Argument.name(status, "status"), payload: payload))
  }
}

@_cdecl("synq_deferred_reply_text") @implementation
public func synq_deferred_reply_text(
  _ deferred: OpaquePointer!, _ status: UnsafePointer<CChar>!, _ text: UnsafePointer<CChar>!, _ length: Int
) -> CInt {
  export { () throws(HostError) in
    let payload = Payload.json(try Argument.json(text, length))
    try Deferred.finish(
      deferred, .returned, .reply(status: Argument.name(status, "status"), payload: payload))
  }
}

@_cdecl("synq_deferred_reply_binary") @implementation
public func synq_deferred_reply_binary(
  _ deferred: OpaquePointer!, _ status: UnsafePointer<CChar>!, _ bytes: UnsafeRawPointer!, _ length: Int
) -> CInt {
  export { () throws(HostError) in
    let payload = Payload.binary(Array(try Argument.bytes(bytes, length, "bytes")))
    try Deferred.finish(
      deferred, .returned, .reply(status: Argument.name(status, "status"), payload: payload))
  }
}

@_cdecl("synq_deferred_reply_error") @implementation
public func synq_deferred_reply_error(
  _ deferred: OpaquePointer!, _ code: UnsafePointer<CChar>!, _ message: UnsafePointer<CChar>!,
  _ details: UnsafeMutablePointer<json_t>!
) -> CInt {
  export { () throws(HostError) in
    let details = try details.map { value throws(HostError) in try UnsafeJansson.stolen(value, "details") }
    try Deferred.finish(deferred, .returned, .error(errorReport(code, message, details)))
  }
}

@_cdecl("synq_deferred_reply_error_text") @implementation
public func synq_deferred_reply_error_text(
  _ deferred: OpaquePointer!, _ code: UnsafePointer<CChar>!, _ message: UnsafePointer<CChar>!,
  _ details: UnsafePointer<CChar>!, _ length: Int
) -> CInt {
  export { () throws(HostError) in
    let details = try details.map { text throws(HostError) in try Argument.json(text, length, "details") }
    try Deferred.finish(deferred, .returned, .error(errorReport(code, message, details)))
  }
}

@_cdecl("synq_deferred_crash") @implementation
public func synq_deferred_crash(_ deferred: OpaquePointer!, _ cause: UnsafePointer<CChar>!) -> CInt {
  export { () throws(HostError) in
    // As a callback that returns SYNQ_CRASH, for those who read the log.
    try Deferred.finish(
      deferred, .crashed(cause: Argument.string(cause, "cause"), code: CInt(SYNQ_CRASH)), nil)
  }
}

@_cdecl("synq_deferred_is_open") @implementation
public func synq_deferred_is_open(_ deferred: OpaquePointer!) -> CInt {
  (try? Tickets.deferreds.object(of: deferred))?.isOpen == true ? 1 : 0
}
