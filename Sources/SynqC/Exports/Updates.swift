import CSynq
import SynqChannels
import SynqHosting

@_cdecl("synq_server_update") @implementation
public func synq_server_update(
  _ server: OpaquePointer!, _ topic: UnsafePointer<CChar>!, _ mode: CInt, _ update: synq_update_fn!,
  _ user: UnsafeMutableRawPointer!, _ done: synq_update_done_fn!
) -> CInt {
  begin(update, user, done) { (update) throws(HostError) in
    let name = try Argument.name(topic, "topic")
    guard mode == SYNQ_UPDATE_IF_OPEN || mode == SYNQ_UPDATE_OPEN else {
      throw HostError(
        .invalidArgument, "mode: \(mode) is neither SYNQ_UPDATE_IF_OPEN nor SYNQ_UPDATE_OPEN")
    }
    try ServerHandle.of(server).runtime.update(topic: name, opens: mode == SYNQ_UPDATE_OPEN, update)
  }
}

@_cdecl("synq_socket_update") @implementation
public func synq_socket_update(
  _ socket: OpaquePointer!, _ update: synq_update_fn!, _ user: UnsafeMutableRawPointer!,
  _ done: synq_update_done_fn!
) -> CInt {
  begin(update, user, done) { (update) throws(HostError) in
    try ChannelContextBox.of(socket).context.update(update)
  }
}

@_cdecl("synq_server_channel_count") @implementation
public func synq_server_channel_count(_ server: OpaquePointer!, _ topic: UnsafePointer<CChar>!) -> Int64 {
  do throws(HostError) {
    let name = try Argument.name(topic, "topic")
    return Int64(try ServerHandle.of(server).runtime.memberCount(ofTopic: name))
  } catch {
    return Int64(fail(error))
  }
}

/// Hands an update over. `done` is called also when that fails.
private func begin(
  _ function: synq_update_fn?, _ user: UnsafeMutableRawPointer?, _ done: synq_update_done_fn?,
  _ body: (ProgramUpdate) throws(HostError) -> Void
) -> CInt {
  let code = export { () throws(HostError) in
    guard let function else { throw HostError(.invalidArgument, "update: is NULL") }
    try body(ProgramUpdate(function, user: user, done))
  }
  if code != SYNQ_OK { done?(code, user) }
  return code
}

/// A function of the program's that runs in the order of a channel or a topic.
///
/// `@unchecked Sendable`: the program says by giving it that `user` may be used on the threads of callbacks; `code` is
/// written by the one thread that runs the update, before it has ended.
private final class ProgramUpdate: ContextUpdate, @unchecked Sendable {
  private let function: synq_update_fn
  private let user: UnsafeMutableRawPointer?
  private let done: synq_update_done_fn?
  private var code: CInt?

  init(_ function: @escaping synq_update_fn, user: UnsafeMutableRawPointer?, _ done: synq_update_done_fn?) {
    self.function = function
    self.user = user
    self.done = done
  }

  func run(on context: ChannelContext) -> Outcome {
    let box: ChannelContextBox
    do throws(HostError) {
      box = try ChannelContextBox.of(context)
    } catch {
      code = error.code.rawValue
      return .refused
    }
    let result = function(box.begin(), user)
    defer { UnsafeCrashCause.forget() }
    code = result
    let outcome: Outcome = result < 0 ? .refused : .returned
    box.returned(outcome)
    if result < 0, done == nil {
      context.logger.warning(
        "an update failed, and what it changed is dropped",
        metadata: [
          "topic": "\(context.topic)", "cause": "\(UnsafeCrashCause.of(result))", "code": "\(result)",
        ])
    }
    return outcome
  }

  func ended(_ error: HostError?) {
    // What was deferred may have failed after the function returned.
    if let error { code = error.code.rawValue }
    done?(code ?? CInt(SYNQ_ECLOSED), user)
  }
}
