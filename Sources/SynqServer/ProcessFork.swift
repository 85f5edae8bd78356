import Glibc
import SynqChannels
import Synchronization

/// What a server must know of forks: NIO ends event loops on dispatch queues, which once used do not survive a fork.
enum ProcessFork {
  /// The process that ends or has ended event loops; 0 while none has.
  private static let endingProcess = Atomic<pid_t>(0)

  /// Event loops are going to be ended in this process.
  static func willEndLoops() { endingProcess.store(getpid(), ordering: .relaxed) }

  /// Fails in a child whose event loops could never be ended.
  static func checkLoopsCanEnd() throws(HostError) {
    let process = endingProcess.load(ordering: .relaxed)
    guard process == 0 || process == getpid() else {
      throw HostError(
        .forked, "server: the parent process ended one before it forked, so that this could not be ended")
    }
  }
}
