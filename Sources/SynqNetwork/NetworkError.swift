/// Why a server could not be set up: which argument, and what is wrong with it.
package struct NetworkError: Error, Hashable, CustomStringConvertible {
  /// The argument at fault, as the host wrote it, for example `port 4000` or `mount "socket"`.
  package var argument: String
  /// What is wrong, for example `address already in use`.
  package var cause: String

  package init(argument: String, cause: String) {
    self.argument = argument
    self.cause = cause
  }

  package var description: String { "\(argument): \(cause)" }
}
