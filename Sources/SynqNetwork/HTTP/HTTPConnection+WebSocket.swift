import Logging
import NIOCore
import NIOHTTP1
import SynqHosting
import SynqJSON
import SynqWebSocket
import SynqWire

extension HTTPConnection {
  /// Answers a request on a socket's WebSocket path: checks it in Phoenix's order, asks the host, upgrades.
  func connectWebSocket(_ request: Request, mount: Int, parameters: [(name: String, value: String)]) {
    let settings = core.sockets[mount]
    let head = request.head
    // `wire/upgrade_post`: an empty 400.
    guard head.method == .GET else {
      log("a WebSocket begins with GET, not \(head.method.rawValue)")
      return answer(.empty(.badRequest))
    }
    guard admitsOrigin(head, settings, pagesSayOrigin: true) else { return answer(.empty(.forbidden)) }
    let offer = SubprotocolOffer(head.headers)
    guard case .accepted(let subprotocol) = offer.choose(from: settings.mount.subprotocols) else {
      log("no subprotocol of \"\(offer.text)\" is one of \(settings.mount.subprotocols)")
      return answer(.empty(.forbidden))
    }
    guard let serializer = Serializer(vsn: request.target.value(of: "vsn")) else {
      log("vsn \"\(request.target.value(of: "vsn") ?? "")\" is none of 1.0.x, 2.0.x")
      return answer(.empty(.forbidden))
    }
    if let fault = WebSocketHandshake.fault(in: head) {
      log(fault)
      return answer(.text(.badRequest, fault))
    }
    let connect = connectRequest(
      request, mount: mount, transport: .webSocket, serializer: serializer, parameters: parameters,
      authToken: offer.authToken)
    askHost(connect) { outcome in
      switch outcome {
      case .success(.accepted(let grant)):
        let terms = settings.mount.compression.flatMap {
          CompressionTerms.agree(on: head.headers["sec-websocket-extensions"], $0)
        }
        let fields = self.upgradeFields(head, subprotocol, terms)
        self.upgrade(fields, to: settings, compression: terms) { webSocket in
          webSocket.attach(
            self.core.backend.accept(grant, connect, transport: webSocket, on: self.loop.eventLoop))
        }
      case .success(.refused(let status, let body, let reason)):
        self.log(reason)
        self.answer(Self.refusal(status: status, body: body))
      case .success(.failed(let reason, let code)):
        self.logFailure(reason, code)
        self.answer(Self.refusal(status: 500, body: ""))
      case .success(.originRefused):
        self.logRefusedOrigin(head, expected: OriginRule.whatHostsAllow)
        self.answer(.empty(.forbidden))
      case .failure(let error):
        self.core.logger.error("connect failed: \(error)", metadata: self.logMetadata)
        self.answer(.failure(.internalServerError))
      }
    }
  }

  /// Whether the request's origin may connect; the log has what was expected when not.
  func admitsOrigin(_ head: HTTPRequestHead, _ settings: SocketSettings, pagesSayOrigin: Bool) -> Bool {
    let origin = head.headers.first(name: "origin")
    let host = head.headers.first(name: "host")
    switch settings.origins.judge(origin: origin, host: host, pagesSayOrigin: pagesSayOrigin) {
    case .allowed: return true
    case .refused(let expected):
      logRefusedOrigin(head, expected: expected)
      return false
    }
  }

  /// Tells the host that its own callback failed.
  func logFailure(_ reason: String, _ code: Int32) {
    var metadata = logMetadata
    metadata["code"] = "\(code)"
    core.logger.error("\(reason)", metadata: metadata)
  }

  func logRefusedOrigin(_ head: HTTPRequestHead, expected: String) {
    let origin = head.headers.first(name: "origin") ?? ""
    core.logger.warning(
      "refusing a connection: origin \"\(origin)\" is not allowed, expected \(expected)",
      metadata: logMetadata)
  }

  /// Asks the host whether the client may connect; `completion` runs here, also when the client did not wait for it.
  func askHost(
    _ request: ConnectRequest, _ completion: @escaping (Result<ConnectOutcome, any Error>) -> Void
  ) {
    hostIsAsked(request.attempt)
    core.backend.connect(request, on: loop.eventLoop).hop(to: loop.eventLoop).assumeIsolated().whenComplete {
      outcome in
      self.hostIsAsked(nil)
      completion(outcome)
    }
  }

  func connectRequest(
    _ request: Request, mount: Int, transport: ConnectRequest.Transport, serializer: Serializer,
    parameters: [(name: String, value: String)], authToken: String?
  ) -> ConnectRequest {
    var params = RequestParameters()
    for pair in request.target.query where pair.name != "vsn" { params.add(pair.name, pair.value) }
    // A path parameter wins over a query parameter of its name, as in Plug.
    for pair in parameters { params.add(plain: pair.name, pair.value) }
    return ConnectRequest(
      mount: mount, transport: transport, serializer: serializer, params: params.json,
      headers: request.head.headers.map { ($0.name, $0.value) },
      peer: context?.channel.remoteAddress?.hostText ?? "", authToken: authToken,
      originToCheck: core.sockets[mount].origins.toAskAbout(request.head.headers.first(name: "origin")))
  }

  /// The fields of the 101 answer, in Bandit's order (`wire/upgrade_ok`).
  private func upgradeFields(_ head: HTTPRequestHead, _ subprotocol: String?, _ terms: CompressionTerms?)
    -> HTTPHeaders
  {
    var fields = HTTPHeaders()
    fields.reserveCapacity(6)
    fields.add(name: "date", value: HTTPDate.now.text)
    fields.add(name: "upgrade", value: "websocket")
    fields.add(name: "connection", value: "Upgrade")
    let key = head.headers.first(name: "sec-websocket-key") ?? ""
    fields.add(name: "sec-websocket-accept", value: WebSocketHandshake.acceptance(of: key))
    if let terms { fields.add(name: "sec-websocket-extensions", value: terms.answer) }
    fields.add(name: "cache-control", value: HTTPAnswer.private)
    if let subprotocol { fields.add(name: "sec-websocket-protocol", value: subprotocol) }
    return fields
  }

  /// The answer for a refusal by the host; JSON is labelled as such (`wire/upgrade_connect_raises`).
  static func refusal(status: Int, body: String) -> HTTPAnswer {
    let status = HTTPResponseStatus(statusCode: status)
    return body.hasPrefix("{") || body.hasPrefix("[") ? .json(status, body) : .text(status, body)
  }

  func log(_ reason: String) {
    core.logger.info("refusing a connection: \(reason)", metadata: logMetadata)
  }
}
