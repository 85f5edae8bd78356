#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Signals belong to the program: a thread of the library that could take one would take it from a `signalfd` or a `sigwait`
/// that the program makes later, or end the process.
package enum BlockedSignals {
  /// Those that a thread raises by what it does itself; blocked, they would end the process without a handler's word.
  private static let ownFaults = [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT]

  /// Runs `body` with all signals blocked on this thread: the threads that it starts keep that, this one goes back.
  package static func during<Result, Failure>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    for signal in ownFaults { sigdelset(&all, signal) }
    pthread_sigmask(SIG_BLOCK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    return try body()
  }
}
