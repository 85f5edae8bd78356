@testable import SynqRedis
import Testing

@Suite struct RESPParserTests {
  private static let replies: [(text: String, value: RESPValue)] = [
    ("+OK\r\n", .string(Array("OK".utf8))),
    ("-ERR no\r\n", .error("ERR no")),
    (":-9223372036854775808\r\n", .integer(.min)),
    ("$5\r\na\r\nbc\r\n", .string(Array("a\r\nbc".utf8))),
    ("$0\r\n\r\n", .string([])),
    ("$-1\r\n", .null),
    ("*-1\r\n", .null),
    ("_\r\n", .null),
    ("*0\r\n", .array([])),
    ("*2\r\n:1\r\n*2\r\n$1\r\nx\r\n_\r\n", .array([.integer(1), .array([.string([120]), .null])])),
    ("%2\r\n+a\r\n:1\r\n+b\r\n*0\r\n", .array([.string([97]), .integer(1), .string([98]), .array([])])),
    ("~1\r\n:7\r\n", .array([.integer(7)])),
    ("#t\r\n", .integer(1)),
    ("#f\r\n", .integer(0)),
    (",1.5\r\n", .string(Array("1.5".utf8))),
    ("(123456789012345678901\r\n", .string(Array("123456789012345678901".utf8))),
    ("!7\r\nERR bad\r\n", .error("ERR bad")),
    ("=6\r\ntxt:ab\r\n", .string(Array("ab".utf8))),
    (
      ">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nm\r\n",
      .push([.string(Array("message".utf8)), .string([99]), .string([109])])
    ),
    ("|1\r\n+ttl\r\n:3\r\n:8\r\n", .integer(8)),
    ("*2\r\n|1\r\n+ttl\r\n:3\r\n:8\r\n:9\r\n", .array([.integer(8), .integer(9)])),
    ("|0\r\n:8\r\n", .integer(8)),
  ]

  @Test(arguments: replies.indices)
  func aReplyIsReadInOnePieceAndByteByByte(index: Int) throws {
    let (text, value) = Self.replies[index]
    var parser = RESPParser()
    parser.append((text + text).utf8)
    #expect(try parser.next() == value)
    #expect(try parser.next() == value)
    #expect(try parser.next() == nil)
    var slow = RESPParser()
    var read: [RESPValue] = []
    for byte in text.utf8 {
      slow.append([byte])
      while let reply = try slow.next() { read.append(reply) }
    }
    #expect(read == [value])
  }

  @Test(arguments: [
    ("hello\r\n", "no reply begins with the byte 104"),
    ("\r\n", "an empty line"),
    ("+OK\n", "a line does not end as it must"),
    (":1x\r\n", "\"1x\" is not an integer"),
    ("$-2\r\n", "a string of -2 bytes"),
    ("$9999999999\r\n", "a string of 9999999999 bytes"),
    ("$1\r\nabc", "a string is longer than it said"),
    ("*2000000\r\n", "an array of 2000000 elements"),
    ("*1\r\n>1\r\n", "a push within a reply"),
    ("#x\r\n", "a boolean is neither t nor f"),
    ("=2\r\nab\r\n", "a verbatim string without a format"),
  ])
  func whatIsNotAReplyIsRefused(text: String, reason: String) {
    var parser = RESPParser()
    parser.append(text.utf8)
    #expect(throws: RESPParser.Malformed(reason: reason)) { while try parser.next() != nil {} }
  }

  @Test func whatIsTooDeepOrTooLongIsRefused() {
    var deep = RESPParser()
    deep.append(String(repeating: "*1\r\n", count: 17).utf8)
    #expect(throws: RESPParser.Malformed(reason: "arrays are nested too deep")) { try deep.next() }
    var long = RESPParser()
    long.append(String(repeating: "+", count: 70_000).utf8)
    #expect(throws: RESPParser.Malformed(reason: "a line is too long")) { try long.next() }
  }

  /// A reply of many pieces is looked at once: the whole takes no longer for coming slowly.
  @Test func aLongReplyInSmallPiecesIsReadOnce() throws {
    var parser = RESPParser()
    let count = 50_000
    parser.append("*\(count)\r\n".utf8)
    for index in 0..<count {
      #expect(try parser.next() == nil)
      parser.append(":\(index)\r\n".utf8)
    }
    #expect(try parser.next()?.elements?.count == count)
  }

  @Test func namesOfAListAreFound() {
    let list = RESPValue.array([
      .string(Array("role".utf8)), .string(Array("master".utf8)), .string([]), .null,
    ])
    #expect(list["role"]?.text == "master")
    #expect(list["master"] == nil)
  }
}
