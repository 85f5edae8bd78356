import CJansson
import CSynq
import SynqChannels
import SynqJSON
import SynqPatch
import SynqHosting

@_cdecl("synq_socket_state_message") @implementation
public func synq_socket_state_message(
  _ socket: OpaquePointer!, _ event: UnsafePointer<CChar>!, _ payload: UnsafeMutablePointer<json_t>!
) -> CInt {
  export { () throws(HostError) in try setMessage(socket, event, UnsafeJansson.stolen(payload)) }
}

@_cdecl("synq_socket_state_message_text") @implementation
public func synq_socket_state_message_text(
  _ socket: OpaquePointer!, _ event: UnsafePointer<CChar>!, _ text: UnsafePointer<CChar>!, _ length: Int
) -> CInt {
  export { () throws(HostError) in try setMessage(socket, event, Argument.json(text, length)) }
}

private func setMessage(
  _ socket: OpaquePointer?, _ event: UnsafePointer<CChar>?, _ payload: JSON
) throws(HostError) {
  let message = StateMessage(event: try Argument.name(event, "event"), payload: payload)
  try ChannelContextBox.of(socket).context.setMessage(message)
}

@_cdecl("synq_value_diff") @implementation
public func synq_value_diff(
  _ from: OpaquePointer!, _ to: OpaquePointer!, _ out: UnsafeMutablePointer<UnsafeMutablePointer<json_t>?>!
) -> CInt {
  export { () throws(HostError) in
    let out = try Argument.out(out)
    out.pointee = try UnsafeJansson.new(diff(from, to).patch)
  }
}

@_cdecl("synq_value_diff_text") @implementation
public func synq_value_diff_text(
  _ from: OpaquePointer!, _ to: OpaquePointer!, _ out: UnsafeMutablePointer<UnsafePointer<CChar>?>!,
  _ length: UnsafeMutablePointer<Int>!
) -> CInt {
  export { () throws(HostError) in
    let out = try Argument.out(out)
    let (patch, handle) = try diff(from, to)
    let kept = try handle.keep(patch)
    out.pointee = kept.text
    length?.pointee = kept.length
  }
}

/// The operations between two values, and the handle of the second.
private func diff(
  _ from: OpaquePointer?, _ to: OpaquePointer?
) throws(HostError) -> (patch: JSON, to: ValueHandle) {
  let from = try ValueHandle.of(from, "from")
  let to = try ValueHandle.of(to, "to")
  let old = try from.whole("from")
  let new = try to.whole("to")
  return (JSONPatch.diff(from: old, to: new), to)
}
