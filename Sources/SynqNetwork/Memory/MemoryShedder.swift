import NIOCore
import Synchronization

/// Ends the connections that hold most when the memory for clients is used up.
///
/// All loops are asked for their largest holders, the largest of all go until there is room again: first those of an
/// address that is over its own limit. Safe to use from any thread.
final class MemoryShedder: Sendable {
  /// A connection or session, and what it holds.
  struct Holder: Sendable {
    var bytes: Int
    var address: AddressKey
    var loop: Int
    var id: ObjectIdentifier
  }

  /// How many holders each loop names, and so the most that go in one round.
  private static let holdersPerLoop = 64
  /// Those who hold less than this are not ended: it would hardly help.
  private static let minBytes = 32_768

  private let budget: MemoryBudget
  private let loops: [NetworkLoop]
  private let isAtWork = Atomic<Bool>(false)

  init(budget: MemoryBudget, loops: [NetworkLoop]) {
    self.budget = budget
    self.loops = loops
    for loop in loops { loop.memoryIsShort = { [weak self] in self?.begin() } }
  }

  /// Begins a round, unless one is under way.
  func begin() {
    guard let first = loops.first, !isAtWork.exchange(true, ordering: .sequentiallyConsistent) else { return }
    let asked = loops.enumerated().map { index, loop in
      loop.eventLoop.submit {
        loop.largestHolders(Self.holdersPerLoop, minBytes: Self.minBytes, index: index)
      }
    }
    EventLoopFuture.whenAllComplete(asked, on: first.eventLoop).flatMap { results in
      let chosen = self.choose(from: results.flatMap { (try? $0.get()) ?? [] })
      let ended = self.loops.enumerated().compactMap { index, loop -> EventLoopFuture<Void>? in
        let ids = Set(chosen.lazy.filter { $0.loop == index }.map(\.id))
        return ids.isEmpty ? nil : loop.eventLoop.submit { loop.shed(ids) }
      }
      return EventLoopFuture.whenAllComplete(ended, on: first.eventLoop).map { _ in !ended.isEmpty }
    }.whenComplete { result in
      self.isAtWork.store(false, ordering: .sequentiallyConsistent)
      // Nobody left who holds much: what is over ends by itself, or is told again by who adds to it.
      if case .success(true) = result, !self.budget.isWithinLimits { self.begin() }
    }
  }

  private func choose(from holders: [Holder]) -> [Holder] {
    var (excess, byAddress) = budget.excess()
    return holders.sorted { $0.bytes > $1.bytes }.filter { holder in
      let ofAddress = byAddress[holder.address] ?? 0
      guard excess > 0 || ofAddress > 0 else { return false }
      excess -= holder.bytes
      byAddress[holder.address] = ofAddress - holder.bytes
      return true
    }
  }
}
