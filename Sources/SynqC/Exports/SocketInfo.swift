import CSynq
import SynqChannels
import SynqJSON
import SynqHosting
import SynqWire

@_cdecl("synq_socket_topic") @implementation
public func synq_socket_topic(_ socket: OpaquePointer!) -> UnsafePointer<CChar>! {
  text(socket, .topic)
}

@_cdecl("synq_socket_join_ref") @implementation
public func synq_socket_join_ref(_ socket: OpaquePointer!) -> UnsafePointer<CChar>! {
  text(socket, .joinRef)
}

@_cdecl("synq_socket_id") @implementation
public func synq_socket_id(_ socket: OpaquePointer!) -> UnsafePointer<CChar>! {
  text(socket, .id)
}

@_cdecl("synq_socket_peer") @implementation
public func synq_socket_peer(_ socket: OpaquePointer!) -> UnsafePointer<CChar>! {
  text(socket, .peer)
}

@_cdecl("synq_socket_header") @implementation
public func synq_socket_header(
  _ socket: OpaquePointer!, _ name: UnsafePointer<CChar>!
) -> UnsafePointer<CChar>! {
  do throws(HostError) {
    let name = try Argument.name(name, "name")
    return text(socket, .header(name.lowercased()))
  } catch {
    fail(error)
    return nil
  }
}

@_cdecl("synq_socket_params") @implementation
public func synq_socket_params(_ socket: OpaquePointer!) -> OpaquePointer! {
  do throws(HostError) {
    let box = try ChannelContextBox.of(socket)
    guard let params = box.lend(.json(box.context.info.params)) else { throw HostError.noCallback }
    return params
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
    let data = DestroyableData(pointer: data, destroyer: destroy)
    do throws(HostError) {
      try ChannelContextBox.of(socket).setData(data)
    } catch {
      data.destroy()
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

@_cdecl("synq_socket_connection_data") @implementation
public func synq_socket_connection_data(_ socket: OpaquePointer!) -> UnsafeMutableRawPointer! {
  do throws(HostError) {
    return (try ChannelContextBox.of(socket).context.info.attachment as? ConnectionData)?.pointer
  } catch {
    fail(error)
    return nil
  }
}

/// A text of the channel, which lives as long as that; NULL once it is gone or where there is none.
private func text(_ socket: OpaquePointer?, _ which: ChannelText) -> UnsafePointer<CChar>? {
  do throws(HostError) {
    return try ChannelContextBox.of(socket).text(which)
  } catch {
    fail(error)
    return nil
  }
}
