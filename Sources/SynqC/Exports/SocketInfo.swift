import CSynq
import SynqChannels
import SynqJSON
import SynqServer
import SynqWire

@_cdecl("synq_socket_topic") @implementation
public func synq_socket_topic(_ socket: OpaquePointer!) -> UnsafePointer<CChar>! {
  lendText(socket) { $0.topic }
}

@_cdecl("synq_socket_join_ref") @implementation
public func synq_socket_join_ref(_ socket: OpaquePointer!) -> UnsafePointer<CChar>! {
  lendText(socket) { $0.joinRef?.text ?? "null" }
}

@_cdecl("synq_socket_id") @implementation
public func synq_socket_id(_ socket: OpaquePointer!) -> UnsafePointer<CChar>! {
  lendText(socket) { $0.info.id }
}

@_cdecl("synq_socket_peer") @implementation
public func synq_socket_peer(_ socket: OpaquePointer!) -> UnsafePointer<CChar>! {
  lendText(socket) { $0.info.peer }
}

@_cdecl("synq_socket_header") @implementation
public func synq_socket_header(
  _ socket: OpaquePointer!, _ name: UnsafePointer<CChar>!
) -> UnsafePointer<CChar>! {
  do throws(HostError) {
    let name = try Argument.name(name, "name")
    return lendText(socket) { $0.info.header(name) }
  } catch {
    fail(error)
    return nil
  }
}

@_cdecl("synq_socket_params") @implementation
public func synq_socket_params(_ socket: OpaquePointer!) -> OpaquePointer! {
  do throws(HostError) {
    let box = try ChannelContextBox.of(socket)
    try box.context.withScope { _ in }
    return box.lend(.json(box.context.info.params))
  } catch {
    fail(error)
    return nil
  }
}

@_cdecl("synq_socket_set_data") @implementation
public func synq_socket_set_data(
  _ socket: OpaquePointer!, _ data: UnsafeMutableRawPointer!, _ destroy: synq_destroy_fn!
) -> CInt {
  export { () throws(HostError) in
    do throws(HostError) {
      try ChannelContextBox.of(socket).setData(data, destroy)
    } catch {
      destroy?(data)
      throw error
    }
  }
}

@_cdecl("synq_socket_data") @implementation
public func synq_socket_data(_ socket: OpaquePointer!) -> UnsafeMutableRawPointer! {
  do throws(HostError) {
    return try ChannelContextBox.of(socket).data
  } catch {
    fail(error)
    return nil
  }
}

/// A text of the channel, lent until its callback is done; NULL once the channel is gone or where there is none.
private func lendText(
  _ socket: OpaquePointer?, _ text: (ChannelContext) -> String?
) -> UnsafePointer<CChar>? {
  do throws(HostError) {
    let box = try ChannelContextBox.of(socket)
    return text(box.context).flatMap { box.lend($0) }
  } catch {
    fail(error)
    return nil
  }
}
