import CJansson
import CSynq
import SynqChannels
import SynqJSON
import SynqHosting
import SynqWire

@_cdecl("synq_socket_send") @implementation
public func synq_socket_send(
  _ socket: OpaquePointer!, _ message: UnsafePointer<CChar>!, _ payload: UnsafeMutablePointer<json_t>!
) -> CInt {
  export { () throws(HostError) in
    let payload = try UnsafeJansson.stolen(payload)
    try perform(socket, .send(message: Argument.name(message, "message"), payload: payload))
  }
}

@_cdecl("synq_socket_send_text") @implementation
public func synq_socket_send_text(
  _ socket: OpaquePointer!, _ message: UnsafePointer<CChar>!, _ text: UnsafePointer<CChar>!, _ length: Int
) -> CInt {
  export { () throws(HostError) in
    let payload = try Argument.json(text, length)
    try perform(socket, .send(message: Argument.name(message, "message"), payload: payload))
  }
}

@_cdecl("synq_socket_send_after") @implementation
public func synq_socket_send_after(
  _ socket: OpaquePointer!, _ delay_ms: UInt32, _ message: UnsafePointer<CChar>!,
  _ payload: UnsafeMutablePointer<json_t>!
) -> CInt {
  export { () throws(HostError) in
    let payload = try UnsafeJansson.stolen(payload)
    let name = try Argument.name(message, "message")
    try sendAfter(socket, delay_ms, name, payload)
  }
}

@_cdecl("synq_socket_send_after_text") @implementation
public func synq_socket_send_after_text(
  _ socket: OpaquePointer!, _ delay_ms: UInt32, _ message: UnsafePointer<CChar>!,
  _ text: UnsafePointer<CChar>!,
  _ length: Int
) -> CInt {
  export { () throws(HostError) in
    let payload = try Argument.json(text, length)
    let name = try Argument.name(message, "message")
    try sendAfter(socket, delay_ms, name, payload)
  }
}

@_cdecl("synq_socket_broadcast") @implementation
public func synq_socket_broadcast(
  _ socket: OpaquePointer!, _ event: UnsafePointer<CChar>!, _ payload: UnsafeMutablePointer<json_t>!
) -> CInt {
  export { () throws(HostError) in
    let payload = Payload.json(try UnsafeJansson.stolen(payload))
    try broadcast(socket, event, payload, exceptSelf: false)
  }
}

@_cdecl("synq_socket_broadcast_text") @implementation
public func synq_socket_broadcast_text(
  _ socket: OpaquePointer!, _ event: UnsafePointer<CChar>!, _ text: UnsafePointer<CChar>!, _ length: Int
) -> CInt {
  export { () throws(HostError) in
    try broadcast(socket, event, .json(Argument.json(text, length)), exceptSelf: false)
  }
}

@_cdecl("synq_socket_broadcast_binary") @implementation
public func synq_socket_broadcast_binary(
  _ socket: OpaquePointer!, _ event: UnsafePointer<CChar>!, _ bytes: UnsafeRawPointer!, _ length: Int
) -> CInt {
  export { () throws(HostError) in
    let payload = Payload.binary(Array(try Argument.bytes(bytes, length, "bytes")))
    try broadcast(socket, event, payload, exceptSelf: false)
  }
}

@_cdecl("synq_socket_broadcast_from") @implementation
public func synq_socket_broadcast_from(
  _ socket: OpaquePointer!, _ event: UnsafePointer<CChar>!, _ payload: UnsafeMutablePointer<json_t>!
) -> CInt {
  export { () throws(HostError) in
    let payload = Payload.json(try UnsafeJansson.stolen(payload))
    try broadcast(socket, event, payload, exceptSelf: true)
  }
}

@_cdecl("synq_socket_broadcast_from_text") @implementation
public func synq_socket_broadcast_from_text(
  _ socket: OpaquePointer!, _ event: UnsafePointer<CChar>!, _ text: UnsafePointer<CChar>!, _ length: Int
) -> CInt {
  export { () throws(HostError) in
    try broadcast(socket, event, .json(Argument.json(text, length)), exceptSelf: true)
  }
}

@_cdecl("synq_socket_broadcast_from_binary") @implementation
public func synq_socket_broadcast_from_binary(
  _ socket: OpaquePointer!, _ event: UnsafePointer<CChar>!, _ bytes: UnsafeRawPointer!, _ length: Int
) -> CInt {
  export { () throws(HostError) in
    let payload = Payload.binary(Array(try Argument.bytes(bytes, length, "bytes")))
    try broadcast(socket, event, payload, exceptSelf: true)
  }
}

@_cdecl("synq_socket_publish") @implementation
public func synq_socket_publish(
  _ socket: OpaquePointer!, _ message: UnsafePointer<CChar>!, _ payload: UnsafeMutablePointer<json_t>!
) -> CInt {
  export { () throws(HostError) in
    try publish(socket, message, UnsafeJansson.stolen(payload), exceptSelf: false)
  }
}

@_cdecl("synq_socket_publish_text") @implementation
public func synq_socket_publish_text(
  _ socket: OpaquePointer!, _ message: UnsafePointer<CChar>!, _ text: UnsafePointer<CChar>!, _ length: Int
) -> CInt {
  export { () throws(HostError) in
    try publish(socket, message, Argument.json(text, length), exceptSelf: false)
  }
}

@_cdecl("synq_socket_publish_from") @implementation
public func synq_socket_publish_from(
  _ socket: OpaquePointer!, _ message: UnsafePointer<CChar>!, _ payload: UnsafeMutablePointer<json_t>!
) -> CInt {
  export { () throws(HostError) in
    try publish(socket, message, UnsafeJansson.stolen(payload), exceptSelf: true)
  }
}

@_cdecl("synq_socket_publish_from_text") @implementation
public func synq_socket_publish_from_text(
  _ socket: OpaquePointer!, _ message: UnsafePointer<CChar>!, _ text: UnsafePointer<CChar>!, _ length: Int
) -> CInt {
  export { () throws(HostError) in
    try publish(socket, message, Argument.json(text, length), exceptSelf: true)
  }
}

@_cdecl("synq_socket_publish_latest") @implementation
public func synq_socket_publish_latest(
  _ socket: OpaquePointer!, _ message: UnsafePointer<CChar>!, _ key: UnsafePointer<CChar>!,
  _ payload: UnsafeMutablePointer<json_t>!
) -> CInt {
  export { () throws(HostError) in
    let payload = try UnsafeJansson.stolen(payload)
    try publish(socket, message, payload, key: Argument.name(key, "key"), exceptSelf: false)
  }
}

@_cdecl("synq_socket_publish_latest_text") @implementation
public func synq_socket_publish_latest_text(
  _ socket: OpaquePointer!, _ message: UnsafePointer<CChar>!, _ key: UnsafePointer<CChar>!,
  _ text: UnsafePointer<CChar>!, _ length: Int
) -> CInt {
  export { () throws(HostError) in
    let payload = try Argument.json(text, length)
    try publish(socket, message, payload, key: Argument.name(key, "key"), exceptSelf: false)
  }
}

@_cdecl("synq_socket_subscribe") @implementation
public func synq_socket_subscribe(_ socket: OpaquePointer!, _ topic: UnsafePointer<CChar>!) -> CInt {
  export { () throws(HostError) in try perform(socket, .subscribe(topic: Argument.name(topic, "topic"))) }
}

@_cdecl("synq_socket_unsubscribe") @implementation
public func synq_socket_unsubscribe(_ socket: OpaquePointer!, _ topic: UnsafePointer<CChar>!) -> CInt {
  export { () throws(HostError) in try perform(socket, .unsubscribe(topic: Argument.name(topic, "topic"))) }
}

@_cdecl("synq_socket_start_timer") @implementation
public func synq_socket_start_timer(
  _ socket: OpaquePointer!, _ delay_ms: UInt32, _ message: UnsafePointer<CChar>!,
  _ payload: UnsafeMutablePointer<json_t>!, _ timer: UnsafeMutablePointer<UInt64>!
) -> CInt {
  export { () throws(HostError) in
    let payload = try UnsafeJansson.stolen(payload)
    let timer = try Argument.out(timer, "timer")
    timer.pointee = try sendAfter(socket, delay_ms, Argument.name(message, "message"), payload)
  }
}

@_cdecl("synq_socket_start_timer_text") @implementation
public func synq_socket_start_timer_text(
  _ socket: OpaquePointer!, _ delay_ms: UInt32, _ message: UnsafePointer<CChar>!,
  _ text: UnsafePointer<CChar>!, _ length: Int, _ timer: UnsafeMutablePointer<UInt64>!
) -> CInt {
  export { () throws(HostError) in
    let payload = try Argument.json(text, length)
    let timer = try Argument.out(timer, "timer")
    timer.pointee = try sendAfter(socket, delay_ms, Argument.name(message, "message"), payload)
  }
}

@_cdecl("synq_socket_cancel_timer") @implementation
public func synq_socket_cancel_timer(_ socket: OpaquePointer!, _ timer: UInt64) -> CInt {
  export { () throws(HostError) in try ChannelContextBox.of(socket).context.cancelTimer(timer) }
}

// MARK: Steps of these

@discardableResult
private func sendAfter(
  _ socket: OpaquePointer?, _ delay: UInt32, _ message: String, _ payload: JSON
) throws(HostError) -> UInt64 {
  try ChannelContextBox.of(socket).context.sendAfter(
    .milliseconds(delay), message: message, payload: payload)
}

private func perform(_ socket: OpaquePointer?, _ effect: Effect) throws(HostError) {
  try ChannelContextBox.of(socket).context.perform(effect)
}

private func broadcast(
  _ socket: OpaquePointer?, _ event: UnsafePointer<CChar>?, _ payload: Payload, exceptSelf: Bool
) throws(HostError) {
  let event = try Argument.name(event, "event")
  try perform(socket, .broadcast(event: event, payload: payload, exceptSelf: exceptSelf))
}

private func publish(
  _ socket: OpaquePointer?, _ message: UnsafePointer<CChar>?, _ payload: JSON, key: String? = nil,
  exceptSelf: Bool
) throws(HostError) {
  let message = try Argument.name(message, "message")
  try perform(socket, .publish(message: message, payload: payload, key: key, exceptSelf: exceptSelf))
}
