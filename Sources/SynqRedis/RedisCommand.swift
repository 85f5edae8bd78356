/// One command with its arguments, in the form in which it goes over the wire.
package struct RedisCommand: Sendable, Hashable {
  /// One argument: a string, bytes, or a number as its text.
  package enum Argument: Sendable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    case string(String)
    case bytes([UInt8])
    case integer(Int64)

    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int64) { self = .integer(value) }
  }

  /// The name, as error messages tell it.
  package let name: String
  let bytes: [UInt8]

  package init(_ name: String, _ arguments: Argument...) { self.init(name, arguments) }

  package init(_ name: String, _ arguments: [Argument]) {
    var bytes: [UInt8] = []
    bytes.append(contentsOf: "*\(arguments.count + 1)\r\n".utf8)
    func append(_ argument: some Collection<UInt8>) {
      bytes.append(contentsOf: "$\(argument.count)\r\n".utf8)
      bytes.append(contentsOf: argument)
      bytes.append(contentsOf: "\r\n".utf8)
    }
    append(name.utf8)
    for argument in arguments {
      switch argument {
      case .string(let text): append(text.utf8)
      case .bytes(let value): append(value)
      case .integer(let value): append(String(value).utf8)
      }
    }
    self.name = name
    self.bytes = bytes
  }
}
