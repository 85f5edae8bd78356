import NIOCore
import NIOHTTP1
import SynqHosting
import SynqWire

extension HTTPConnection {
  /// The fields that carry tokens; lower case as they are compared.
  private enum Field {
    static let sessionToken = "x-phoenix-longpoll-token"
    static let authToken = "x-phoenix-authtoken"
  }

  /// Whether a request's body is messages of somebody who is known, and how many bytes it may have. Of others it is dropped
  /// as it comes, and the answer says why.
  func bodyLimit(_ head: HTTPRequestHead, _ target: RequestTarget, _ route: Router.Route) -> Int? {
    guard case .longPoll(let mount, _) = route, head.method == .POST else { return nil }
    let verdict = core.sockets[mount].origins.judge(
      origin: head.headers.first(name: "origin"), host: head.headers.first(name: "host"),
      pagesSayOrigin: false)
    guard verdict == .allowed, session(of: head, target, mount: mount) != nil else { return nil }
    return core.sockets[mount].mount.longPoll.maxBodyBytes
  }

  /// Answers a request on a socket's long-poll path. The status is in the body, that of HTTP is 200
  /// (`wire/longpoll_*`).
  func serveLongPoll(_ request: Request, mount: Int, parameters: [(name: String, value: String)]) {
    let settings = core.sockets[mount]
    let head = request.head
    guard admitsOrigin(head, settings, pagesSayOrigin: false) else { return answer(.longPoll(.forbidden)) }
    switch head.method {
    case .OPTIONS: answer(.longPollPreflight(head.headers["access-control-request-headers"]))
    case .GET:
      if let session = session(of: request, mount: mount) {
        wait(on: session, request, mount: mount, parameters: parameters)
      } else {
        beginSession(request, mount: mount, parameters: parameters)
      }
    case .POST:
      guard let session = session(of: request, mount: mount) else { return answer(.longPoll(.gone)) }
      publish(request, to: session, settings.mount.longPoll)
    default:
      // `wire/longpoll_errors`: an empty 400.
      var refusal = HTTPAnswer.empty(.badRequest)
      refusal.headers = [HTTPAnswer.anyOrigin]
      answer(refusal)
    }
  }

  private func session(of request: Request, mount: Int) -> LongPollSession? {
    session(of: request.head, request.target, mount: mount)
  }

  private func session(of head: HTTPRequestHead, _ target: RequestTarget, mount: Int) -> LongPollSession? {
    let token = head.headers.first(name: Field.sessionToken) ?? target.value(of: "token")
    return core.sessions.find(token, mount: mount)
  }

  private func serializer(of request: Request) -> Serializer? {
    Serializer(vsn: request.target.value(of: "vsn"))
  }

  // MARK: GET

  private func beginSession(_ request: Request, mount: Int, parameters: [(name: String, value: String)]) {
    let settings = core.sockets[mount]
    guard let serializer = serializer(of: request) else {
      log("vsn \"\(request.target.value(of: "vsn") ?? "")\" is none of 1.0.x, 2.0.x")
      return answer(.longPoll(.forbidden))
    }
    let connect = connectRequest(
      request, mount: mount, transport: .longPoll, serializer: serializer, parameters: parameters,
      authToken: request.head.headers.first(name: Field.authToken))
    askHost(connect) { outcome in
      switch outcome {
      case .success(.accepted(let grant)):
        // Nobody to begin it for: the client went away while the host was asked.
        guard self.isAnswering else { return }
        let core = self.core
        let address = AddressKey(self.context?.channel.remoteAddress)
        let addition = core.sessions.add(
          mount: mount, limit: settings.mount.longPoll.maxSessions, address: address
        ) { token in
          LongPollSession(
            token: token, mount: mount, address: address, settings: settings, loop: self.loop,
            logger: core.logger
          ) {
            core.sessions.remove(token)
          }
        }
        switch addition {
        case .success(let session):
          session.attach(core.backend.accept(grant, connect, transport: session, on: self.loop.eventLoop))
          self.answer(.longPoll(.gone, token: session.token))
        case .failure(let refusal):
          self.log("\(refusal)")
          self.answer(.longPoll(.tooManyRequests))
        }
      case .success(.refused(let status, _, let reason)) where status >= 500:
        // No refusal but a failure: stock clients try again after it, and give up after 403.
        self.log(reason)
        self.answer(.longPollFailure(HTTPResponseStatus(statusCode: status)))
      case .success(.refused(_, _, let reason)):
        self.log(reason)
        self.answer(.longPoll(.forbidden))
      case .success(.failed(let reason, let code)):
        self.logFailure(reason, code)
        self.answer(.longPollFailure(.internalServerError))
      case .success(.originRefused):
        self.logRefusedOrigin(request.head, expected: OriginRule.whatHostsAllow)
        self.answer(.longPoll(.forbidden))
      case .failure(let error):
        self.core.logger.error("connect failed: \(error)", metadata: self.logMetadata)
        self.answer(.longPollFailure(.internalServerError))
      }
    }
  }

  private func wait(
    on session: LongPollSession, _ request: Request, mount: Int, parameters: [(name: String, value: String)]
  ) {
    let promise = loop.eventLoop.makePromise(of: LongPollSession.Delivery?.self)
    pollIsWaiting { session.loop.eventLoop.execute { session.abandon(promise) } }
    promise.futureResult.assumeIsolated().whenSuccess { delivery in
      self.pollIsWaiting(nil)
      guard self.isAnswering else { return }
      guard let delivery else {
        // The session ended while this request was on its way to it.
        return self.beginSession(request, mount: mount, parameters: parameters)
      }
      self.answer(
        .longPoll(delivery.isEmpty ? .noContent : .ok, token: session.token, messages: delivery.messages))
    }
    if session.loop === loop {
      session.waitForMessages(promise)
    } else {
      session.loop.eventLoop.execute { session.waitForMessages(promise) }
    }
  }

  // MARK: POST

  private func publish(_ request: Request, to session: LongPollSession, _ limits: LongPollLimits) {
    let type = request.head.headers.first(name: "content-type") ?? ""
    let batch = LongPollMessage.read(
      request.body, isLines: type.lowercased().hasPrefix("application/x-ndjson"),
      serializer: serializer(of: request) ?? .v2, limit: limits.maxBatchMessages)
    switch batch {
    case .tooMany:
      log("a long-poll request has more than \(limits.maxBatchMessages) lines")
      answer(.longPoll(.payloadTooLarge))
    case .malformed(let line):
      log("line \(line) of a long-poll request is neither a message nor base64")
      answer(.longPoll(.requestTimeout))
    case .messages(let messages):
      session.loop.eventLoop.submit { session.receive(messages) }.hop(to: loop.eventLoop)
        .assumeIsolated().whenSuccess { receipt in
          switch receipt {
          case .taken: self.answer(.longPoll(.ok))
          case .refused: self.answer(.longPoll(.requestTimeout))
          case .tooLarge: self.answer(.longPoll(.payloadTooLarge))
          case .sessionGone: self.answer(.longPoll(.gone))
          }
        }
    }
  }
}

extension HTTPAnswer {
  static let anyOrigin = (name: "access-control-allow-origin", value: "*")

  /// A status alone.
  static func longPoll(_ status: HTTPResponseStatus) -> HTTPAnswer {
    longPoll(ByteBuffer(string: "{\"status\":\(status.code)}"))
  }

  /// A failure of the host's: beside Phoenix's text the status, by which stock clients know to try again.
  static func longPollFailure(_ status: HTTPResponseStatus) -> HTTPAnswer {
    var failure = json(
      status, "{\"errors\":{\"detail\":\"\(status.reasonPhrase)\"},\"status\":\(status.code)}")
    failure.headers.append(anyOrigin)
    return failure
  }

  /// A status with the session's token and messages, JSON strings with commas between them.
  static func longPoll(_ status: HTTPResponseStatus, token: String, messages: ByteBuffer = ByteBuffer())
    -> HTTPAnswer
  {
    var body = ByteBuffer()
    body.reserveCapacity(messages.readableBytes + token.utf8.count + 48)
    body.writeStaticString("{\"messages\":[")
    body.writeImmutableBuffer(messages)
    body.writeString("],\"status\":\(status.code),\"token\":\"\(token)\"}")
    return longPoll(body)
  }

  private static func longPoll(_ body: ByteBuffer) -> HTTPAnswer {
    HTTPAnswer(
      status: .ok, headers: [anyOrigin, ("content-type", "application/json; charset=utf-8")], body: body)
  }

  /// The answer to a preflight: what was asked for is allowed (`wire/longpoll_errors`), the tokens' fields always.
  static func longPollPreflight(_ requested: [String]) -> HTTPAnswer {
    let always = "content-type, x-phoenix-longpoll-token, x-phoenix-authtoken"
    return HTTPAnswer(
      status: .ok,
      headers: [
        anyOrigin,
        ("access-control-allow-headers", requested.isEmpty ? always : requested.joined(separator: ", ")),
        ("access-control-allow-methods", "get, post, options"), ("access-control-max-age", "3600"),
      ])
  }
}
