import CSynq
import SynqChannels
import SynqJSON
import SynqHosting
import SynqWire

/// The C callbacks of one topic pattern.
final class ChannelAdapter: CallbackHost {
  private let authorize: synq_authorize_fn?
  private let initialize: synq_init_fn?
  private let handleEvent: synq_handle_event_fn?
  private let handleMessage: synq_handle_message_fn?
  private let beforeClose: synq_before_close_fn?
  private let newState: synq_new_state_fn?
  private let updateState: synq_update_state_fn?
  private let openTopic: synq_open_topic_fn?
  private let closeTopic: synq_close_topic_fn?
  private let user: HostUser
  let presence: (any PresenceHost)?

  init(_ options: synq_channel_options_t, user: HostUser) {
    authorize = options.authorize
    initialize = options.`init`
    handleEvent = options.handle_event
    handleMessage = options.handle_message
    beforeClose = options.before_close
    newState = options.new_state
    updateState = options.update_state
    openTopic = options.open_topic
    closeTopic = options.close_topic
    self.user = user
    presence = PresenceCallbacks(options, user: user)
  }

  /// Which callbacks the host gave.
  var callbacks: ChannelSpec.Callbacks {
    var callbacks: ChannelSpec.Callbacks = []
    if authorize != nil { callbacks.insert(.authorize) }
    if initialize != nil { callbacks.insert(.initialize) }
    if handleEvent != nil { callbacks.insert(.handleEvent) }
    if handleMessage != nil { callbacks.insert(.handleMessage) }
    if beforeClose != nil { callbacks.insert(.beforeClose) }
    if newState != nil { callbacks.insert(.newState) }
    if updateState != nil { callbacks.insert(.updateState) }
    if openTopic != nil { callbacks.insert(.openTopic) }
    if closeTopic != nil { callbacks.insert(.closeTopic) }
    return callbacks
  }

  func run(_ cause: Invocation.Cause, on context: ChannelContext) -> Outcome {
    let box: ChannelContextBox
    do throws(HostError) {
      box = try ChannelContextBox.of(context)
    } catch {
      return .crashed(cause: error.message)
    }
    let outcome = outcome(call(cause, on: box), of: cause)
    box.returned(outcome)
    return outcome
  }

  private func call(_ cause: Invocation.Cause, on box: ChannelContextBox) -> CInt {
    let context = box.context
    let socket = box.begin()
    let code: CInt? =
      switch cause {
      case .authorize(let params):
        context.topic.withCString { authorize?(socket, $0, box.lend(params), user.pointer) }
      case .initialize(let params):
        context.topic.withCString { initialize?(socket, $0, box.lend(params), user.pointer) }
      case .event(let name, let payload):
        name.withCString { handleEvent?(socket, $0, box.lend(payload), user.pointer) }
      case .message(let message):
        message.topic.withCString { topic in
          message.name.withCString {
            handleMessage?(socket, topic, $0, box.lend(message.payload), user.pointer)
          }
        }
      case .beforeClose(let reason):
        reason.rawValue.withCString { reason in
          beforeClose?(socket, reason, user.pointer)
          return UnsafeCrashCause.isNoted ? CInt(SYNQ_CRASH) : 0
        }
      case .newState(let state, let version):
        newState?(socket, box.lend(.json(state)), UInt32(clamping: version), user.pointer)
      case .updateState(let from, let to, let version):
        updateState?(
          socket, box.lend(.json(from)), box.lend(.json(to)), UInt32(clamping: version), user.pointer)
      case .openTopic: context.topic.withCString { openTopic?(socket, $0, user.pointer) }
      case .closeTopic:
        context.topic.withCString { topic in
          closeTopic?(socket, topic, user.pointer)
          return UnsafeCrashCause.isNoted ? CInt(SYNQ_CRASH) : 0
        }
      case .update: 0
      }
    return code ?? 0
  }

  private func outcome(_ code: CInt, of cause: Invocation.Cause) -> Outcome {
    defer { UnsafeCrashCause.forget() }
    switch code {
    case 0: return .returned
    case CInt(SYNQ_REFUSE):
      if case .authorize = cause { return .refused }
      return .crashed(cause: "it returned SYNQ_REFUSE, which only authorize and connect may")
    case ..<0: return .crashed(cause: UnsafeCrashCause.of(code), code: code)
    default: return .crashed(cause: "it returned \(code), which is no result of a callback")
    }
  }

  func channelEnded(_ context: ChannelContext) {
    (context.attachment as? ChannelContextBox)?.end()
  }
}
