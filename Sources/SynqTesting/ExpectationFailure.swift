import SynqJSON

/// What a test expected and did not get; its description says where, what, and what came instead.
public struct ExpectationFailure: Error, Sendable, CustomStringConvertible {
  /// What was expected, what came, and what the server's log says.
  public let message: String
  /// The file of the expectation, as `#fileID` gives it.
  public let fileID: String
  /// The line of the test.
  public let line: Int

  public var description: String { "\(fileID):\(line): \(message)" }
}

/// Where an expectation stands in a test.
struct Place: Sendable {
  var fileID: StaticString
  var line: Int

  func failure(_ message: String) -> ExpectationFailure {
    ExpectationFailure(message: message, fileID: "\(fileID)", line: line)
  }
}
