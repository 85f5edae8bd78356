@testable import SynqRedis
import Testing

@Suite struct RedisURLTests {
  @Test func aURLSaysWhereRedisIs() throws {
    #expect(try RedisURL("redis://example.org") == RedisURL(host: "example.org"))
    var whole = RedisURL(host: "::1", port: 7000)
    whole.user = "me"
    whole.password = "p@ss:/ü"
    whole.database = 3
    whole.prefix = "app"
    whole.isTLS = true
    whole.certificates = "/etc/ca.pem"
    #expect(try RedisURL("rediss://me:p%40ss%3a%2F%C3%BC@[::1]:7000/3?prefix=app&ca=/etc/ca.pem") == whole)
    #expect(whole.description == "rediss://[::1]:7000/3")
    #expect(try RedisURL("redis://:secret@h").password == "secret")
    #expect(try RedisURL("redis://:secret@h").user == nil)
    #expect(try RedisURL("redis://h/").database == 0)
  }

  @Test(arguments: [
    ("http://h", "does not begin with redis:// or rediss://"),
    ("redis://", "has no host"),
    ("redis://h:0", "the port \"0\" is not in 1...65535"),
    ("redis://h:+1", "the port \"+1\" is not in 1...65535"),
    ("redis://[::1", "the host has no closing ]"),
    ("redis://h/x", "the database \"x\" is not a number"),
    ("redis://me@h", "has a user without a password"),
    ("redis://:a%4@h", "the password has a % that is not followed by two hexadecimal digits"),
    ("redis://:%ff@h", "the password is not UTF-8"),
    ("redis://:a#b@h", "has a fragment (#); write %23 in a password"),
    ("redis://h?prefix=", "the prefix is empty, longer than 64 bytes, or has one of {}*?[]\\"),
    ("redis://h?prefix=a%7Bb", "the prefix is empty, longer than 64 bytes, or has one of {}*?[]\\"),
    ("redis://h?timeout=3", "has no option \"timeout\" (prefix, ca)"),
    ("redis://h?ca=/x", "the option ca needs rediss://"),
    ("redis://h h", "has a space, a control character or a letter that must be written as %XX"),
  ])
  func aMistakeIsNamed(text: String, reason: String) {
    #expect(throws: RedisURL.Malformed(reason: reason)) { try RedisURL(text) }
  }
}
