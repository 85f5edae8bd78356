import SynqJSON
import Testing

@testable import SynqWire

@Suite struct SerializerTests {
  private func text(_ body: (inout Outbox) -> Void) -> String {
    var outbox = Outbox()
    body(&outbox)
    return outbox.bytes.string
  }

  private func bytes(_ body: (inout Outbox) -> Void) -> [UInt8] {
    var outbox = Outbox()
    body(&outbox)
    return outbox.bytes.withUnsafeBytes { Array($0) }
  }

  private func decode(_ serializer: Serializer, _ text: String) throws(DecodingError) -> Message {
    let bytes = Array(text.utf8)
    let result = bytes.withUnsafeBytes { bytes -> Result<Message, DecodingError> in
      do throws(DecodingError) {
        return .success(try serializer.decode(text: bytes, limits: JSONLimits()))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  @Test(
    arguments: [
      (nil, Serializer.v1), ("1.0.0", .v1), ("2.0.0", .v2), ("2.0.9", .v2), ("", nil), ("abc", nil),
      ("2.0", nil),
      ("2.1.0", nil), ("3.0.0", nil), ("2.0.x", nil), ("2.0.", nil), ("2.0.00", nil), ("2.0.01", nil),
      ("1.0.10", .v1),
    ] as [(String?, Serializer?)])
  func vsnNamesTheSerializer(vsn: String?, serializer: Serializer?) {
    #expect(Serializer(vsn: vsn) == serializer)
  }

  @Test func v2IsAnArray() {
    #expect(
      text {
        Serializer.v2.encodeReply(
          joinRef: Ref(text: "\"3\""), ref: Ref(text: "10"), topic: Name("a:\"b\""), status: "ok",
          response: .json(["x": 1]), into: &$0)
      } == #"["3",10,"a:\"b\"","phx_reply",{"status":"ok","response":{"x":1}}]"#)
  }

  @Test func v1HasExactlyFourMembers() {
    #expect(
      text {
        Serializer.v1.encodePush(
          joinRef: Ref(text: "\"3\""), topic: Name("a"), event: "e", payload: .json([]), into: &$0)
      } == #"{"topic":"a","event":"e","payload":[],"ref":null}"#)
  }

  @Test func theBinaryFormsAreThoseOfTheRecordings() {
    #expect(
      bytes {
        Serializer.v2.encodeReply(
          joinRef: Ref(text: "\"1\""), ref: Ref(text: "\"14\""), topic: Name("plain:a"), status: "ok",
          response: .binary([0, 1, 2, 255]), into: &$0)
      } == hex("0101020702313134706c61696e3a616f6b000102ff"))
    #expect(
      bytes {
        Serializer.v2.encodePush(
          joinRef: Ref(text: "\"1\""), topic: Name("plain:a"), event: "bin", payload: .binary([9, 8, 7]),
          into: &$0)
      } == hex("0001070331706c61696e3a6162696e090807"))
    #expect(
      bytes {
        Serializer.v2.encodeBroadcast(topic: "plain:room", event: "bcb", payload: .binary([7, 7]), into: &$0)
      }
        == hex("020a03706c61696e3a726f6f6d6263620707"))
  }

  @Test func aBinaryPushIsDecoded() throws {
    let bytes = hex("000101070b3132706c61696e3a616563686f5f62696e617279000102ff")
    let message = try bytes.withUnsafeBytes { try Serializer.v2.decode(binary: $0, limits: JSONLimits()) }
    #expect(
      message
        == Message(
          joinRef: Ref(text: "\"1\""), ref: Ref(text: "\"2\""), topic: Name("plain:a"),
          event: Name("echo_binary"),
          payload: .binary([0, 1, 2, 255])))
  }

  @Test func anEmptyRefInABinaryPushIsNull() throws {
    let bytes = hex("000001070b35706c61696e3a616563686f5f62696e6172796e6f6a72")
    let message = try bytes.withUnsafeBytes { try Serializer.v2.decode(binary: $0, limits: JSONLimits()) }
    #expect(message.joinRef == nil)
    #expect(message.ref == Ref(text: "\"5\""))
  }

  /// The server echoes these, so that Phoenix fails on them as well.
  @Test(arguments: [
    [0, 1, 1, 1, 1, 0xFF, 50, 116, 101], [0, 1, 1, 1, 1, 49, 0xFF, 116, 101],
    [0, 1, 1, 1, 1, 49, 50, 0xFF, 101],
  ])
  func refsAndTopicsOfABinaryPushAreUTF8(bytes: [UInt8]) throws {
    #expect(throws: DecodingError.self) {
      try bytes.withUnsafeBytes { try Serializer.v2.decode(binary: $0, limits: JSONLimits()) }
    }
    let bad: [UInt8] = [0, 1, 1, 1, 1, 49, 50, 116, 0xFF]
    let message = try bad.withUnsafeBytes { try Serializer.v2.decode(binary: $0, limits: JSONLimits()) }
    #expect(message.event == Name(notAString: "null"))
  }

  @Test func aRefIsEqualHoweverItsClientEscapesIt() throws {
    #expect(Ref(text: #""\u0061\/b""#) == Ref(string: "a/b"))
    #expect(try decode(.v2, #"["\u00e9","1","t","e",{}]"#).joinRef == Ref(text: "\"é\""))
  }

  @Test(arguments: ["", "0001", "010101010161626364", "000101070b3132706c61696e3a616563686f5f62696e6172"])
  func aMalformedBinaryMessageIsRefused(text: String) {
    let bytes = hex(text)
    #expect(throws: DecodingError.self) {
      try bytes.withUnsafeBytes { try Serializer.v2.decode(binary: $0, limits: JSONLimits()) }
    }
  }

  @Test func v1ReadsJSONOutOfBinaryFrames() throws {
    let bytes = Array(#"{"topic":"t","event":"e","payload":{},"ref":"1"}"#.utf8)
    let message = try bytes.withUnsafeBytes { try Serializer.v1.decode(binary: $0, limits: JSONLimits()) }
    #expect(message.event == Name("e"))
  }

  @Test(arguments: [
    #"{"topic":"t","event":"e","ref":"1"}"#, #"{"event":"e","payload":{}}"#, #"["1","2","t","e",{}]"#, "{",
    "",
  ])
  func aMalformedV1MessageIsRefused(text: String) {
    #expect(throws: DecodingError.self) { try decode(.v1, text) }
  }

  /// Phoenix asks for all four, though ref may be null.
  @Test(arguments: ["topic", "event", "payload", "ref"])
  func aV1MessageHasItsFourMembers(missing: String) throws {
    let members = ["topic": "\"t\"", "event": "\"e\"", "payload": "{}", "ref": "null"]
    func text(_ members: [String: String]) -> String {
      "{" + members.map { "\"\($0)\":\($1)" }.joined(separator: ",") + "}"
    }
    #expect(try decode(.v1, text(members)).ref == nil)
    let error = #expect(throws: DecodingError.self) {
      try decode(.v1, text(members.filter { $0.key != missing }))
    }
    #expect(error?.reason == "the member \"\(missing)\" is missing")
  }

  /// The rest is read, so that the message can be answered by its ref.
  @Test(
    arguments: [
      (.v2, #"[1,"2","t","e",PAYLOAD,0]"#),
      (.v1, #"{"topic":"t","event":"e","payload":PAYLOAD,"ref":"2","join_ref":1}"#),
    ] as [(Serializer, String)])
  func aPayloadBeyondALimitLeavesTheMessageKnown(serializer: Serializer, text: String) {
    let deep = String(repeating: "[", count: 200) + String(repeating: "]", count: 200)
    let error = #expect(throws: DecodingError.self) {
      try decode(serializer, text.replacing("PAYLOAD", with: deep))
    }
    #expect(
      error?.excess
        == DecodingError.Excess(
          message: Message(
            joinRef: Ref(text: "1"), ref: Ref(string: "2"), topic: Name("t"), event: Name("e"),
            payload: .empty),
          limit: "max_json_depth"))
    let broken = #expect(throws: DecodingError.self) {
      try decode(serializer, text.replacing("PAYLOAD", with: deep.dropLast()))
    }
    #expect(broken?.excess == nil)
  }

  @Test func theErrorTellsTheByte() {
    do throws(DecodingError) {
      _ = try decode(.v2, #"["1","2","t" x"#)
      Issue.record("it was taken for a message")
    } catch {
      #expect(error.offset == 13)
    }
  }

  private func hex(_ text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = text[...]
    while let digits = Optional(rest.prefix(2)), !digits.isEmpty {
      bytes.append(UInt8(digits, radix: 16) ?? 0)
      rest = rest.dropFirst(2)
    }
    return bytes
  }
}
