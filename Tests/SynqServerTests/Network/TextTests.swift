import SynqJSON
import Testing

@testable import SynqHosting
@testable import SynqNetwork

/// The small encodings that the network layer brings itself.
@Suite struct TextTests {
  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy"),
  ])
  func writesAndReadsBase64(_ plain: String, _ encoded: String) {
    #expect(Base64.encode(Array(plain.utf8)) == encoded)
    #expect(Base64.decode(encoded.utf8) == Array(plain.utf8))
    #expect(Base64.decode(encoded.filter { $0 != "=" }.utf8) == Array(plain.utf8))
  }

  @Test func readsBothAlphabetsOfBase64() {
    #expect(Base64.decode("-_8=".utf8) == [0xFB, 0xFF])
    #expect(Base64.decode("+/8=".utf8) == [0xFB, 0xFF])
    #expect(Base64.encode([0xFB, 0xFF] as [UInt8], url: true) == "-_8")
    for bad in ["A", "AB=", "A===", "AB=C", "AB CD", "AB\n", "ABCD=", "ä"] {
      #expect(Base64.decode(bad.utf8) == nil)
    }
  }

  /// RFC 3174, section 7.3; RFC 6455, section 1.3.
  @Test func digests() {
    func hex(_ text: String) -> String {
      SHA1.digest(Array(text.utf8)).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
    #expect(hex("abc") == "a9993e364706816aba3e25717850c26c9cd0d89d")
    #expect(hex("") == "da39a3ee5e6b4b0d3255bfef95601890afd80709")
    #expect(hex(String(repeating: "a", count: 119)) == "ee971065aaa017e0632a8ca6c77bb3bf8b1dfc56")
    #expect(WebSocketHandshake.acceptance(of: "dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
  }

  @Test(arguments: [
    (0, "Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00.007Z"),
    (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37.007Z"),
    (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT", "2000-02-29T00:00:00.007Z"),
    (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT", "2100-02-28T23:59:59.007Z"),
    (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT", "2100-03-01T00:00:00.007Z"),
    (-1, "Wed, 31 Dec 1969 23:59:59 GMT", "1969-12-31T23:59:59.007Z"),
  ])
  func writesDates(_ seconds: Int, _ http: String, _ timestamp: String) {
    #expect(HTTPDate(seconds: seconds).text == http)
    #expect(rfc3339(seconds: seconds, nanoseconds: 7_999_999) == timestamp)
  }

  @Test func matchesPaths() throws {
    let pattern = try PathPattern("/a/:id/ws")
    #expect(pattern.match(["a", "7", "ws"])?.map(\.value) == ["7"])
    #expect(pattern.match(["a", "7", "ws", "more"]) == nil)
    #expect(pattern.match(["b", "7", "ws"]) == nil)
    #expect(try PathPattern("/").match([])?.isEmpty == true)
  }

  @Test(
    arguments: [
      ("/", [], true), ("/a/b", ["a", "b"], false), ("//a//b/", ["a", "b"], true), ("/a%2Fb", ["a/b"], false),
      ("/%C3%A4", ["ä"], false), ("/%zz%4", ["%zz%4"], false), ("/a+b", ["a+b"], false),
      ("http://host/a?b", ["a"], false), ("http://host", [], true),
    ] as [(String, [String], Bool)])
  func readsTargets(_ text: String, _ segments: [String], _ endsInSlash: Bool) throws {
    let target = try #require(RequestTarget(text))
    #expect(target.segments == segments)
    #expect(target.endsInSlash == endsInSlash)
  }

  @Test(arguments: ["*", "", "a/b", "/%FF", "/a?b=%FF", "/a?%FF=b"])
  func refusesTargets(_ text: String) {
    #expect(RequestTarget(text) == nil)
  }

  @Test(
    arguments: [
      ("", [:]), ("a", ["a": ""]), ("a=", ["a": ""]), ("a=1&a=2", ["a": "2"]),
      ("a=b=c&&d", ["a": "b=c", "d": ""]),
      ("a[b]=1&a[c]=2", ["a": ["b": "1", "c": "2"]]), ("a[]=1&a[]=2", ["a": ["1", "2"]]),
      ("a[][b]=1&a[][b]=2", ["a": [["b": "1"], ["b": "2"]]]), ("a=1&a[b]=2", ["a": ["b": "2"]]),
      ("a[b]=1&a=2", ["a": "2"]), ("a[b=1", ["a[b": "1"]), ("[]=1", ["[]": "1"]), ("a[b]c=1", ["a[b]c": "1"]),
      ("a[b][c][d]=x", ["a": ["b": ["c": ["d": "x"]]]]), ("=1", ["": "1"]),
      ("%61%5Bb%5D=%20+", ["a": ["b": "  "]]),
    ] as [(String, JSON)])
  func readsParameters(_ query: String, _ expected: JSON) throws {
    var parameters = RequestParameters()
    for pair in try #require(RequestTarget("/?\(query)")).query { parameters.add(pair.name, pair.value) }
    #expect(parameters.json == expected)
  }

  @Test func readsAsManyParametersAsThereMayBe() throws {
    let query = (0..<500).map { "name\($0)=\($0)&list[]=\($0)" }.joined(separator: "&")
    var parameters = RequestParameters()
    for pair in try #require(RequestTarget("/?\(query)")).query { parameters.add(pair.name, pair.value) }
    let json = parameters.json
    #expect(json.members.map(\.name) == ["name0", "list"] + (1..<500).map { "name\($0)" })
    #expect((0..<500).allSatisfy { json["name\($0)"] == JSON("\($0)") })
    #expect(json["list"] == JSON((0..<500).map { JSON("\($0)") }))
  }

  @Test func refusesAQueryOfMoreThanAThousandParameters() {
    let query = String(repeating: "a&", count: 1_000)
    #expect(RequestTarget("/?\(query)")?.query.count == 1_000)
    #expect(RequestTarget("/?\(query)a") == nil)
  }

  @Test func stopsNestingParameters() throws {
    var parameters = RequestParameters()
    let name = "a" + String(repeating: "[b]", count: 1_000)
    parameters.add(name, "x")
    #expect(parameters.json[name] == "x")
  }
}
