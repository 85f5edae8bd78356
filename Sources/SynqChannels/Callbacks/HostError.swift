/// A mistake in a host's call: nothing was done. `code` is stable, `message` names the argument and the cause.
public struct HostError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of mistake; the same set as the `SYNQ_E…` codes of the C library.
  public enum Code: Int32, Sendable, CaseIterable {
    /// An argument is empty, too long or otherwise not allowed.
    case invalidArgument = -1
    /// There is no memory for the result.
    case outOfMemory = -2
    /// The channel, the connection or the server is gone.
    case closed = -3
    /// Not at this time: outside a callback, after the start, a second reply.
    case state = -4
    /// Text that is not JSON, or a value without a JSON form.
    case json = -5
    /// Text that is not a JSON Pointer.
    case pointer = -6
    /// The pointer names no value.
    case notFound = -7
    /// The value is of another kind.
    case type = -8
    /// The number does not fit.
    case range = -9
    /// The port is taken.
    case addressInUse = -10
    /// The system refused: a missing directory, a bad certificate, no permission.
    case io = -11
    /// The server, or what it gave out, belongs to the parent process.
    case forked = -12
    /// A patch that is not one, or that does not apply.
    case patch = -13
    /// A limit of the options was reached.
    case limit = -14
    /// The header that the host was compiled with is newer than the library.
    case version = -15
    /// The deadline passed.
    case timedOut = -16
  }

  /// What kind of mistake it was.
  public var code: Code
  /// The argument and the cause, in one line.
  public var message: String

  /// An error of this kind, with its detail.
  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { message }
}
