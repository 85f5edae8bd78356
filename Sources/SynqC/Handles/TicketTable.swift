import SynqChannels
import Synchronization

/// Handles for C that are numbers, not addresses: each is checked when it comes back, and none is used twice.
///
/// A ticket is a place in a table, the number of tickets that had this place before, and the process that issued it; in
/// the form of a pointer, so that C compilers tell handles of different kinds apart.
final class TicketTable<Object: AnyObject & Sendable>: Sendable {
  private struct Slot: Sendable {
    var generation: UInt32 = 1
    var object: Object?
  }

  private struct Slots: Sendable {
    var all: [Slot] = []
    var free: [Int] = []
  }

  /// What one process has issued. A forked child begins anew: the lock that it inherits may be held by a thread that it
  /// has not got.
  private final class Store: Sendable {
    let forks: UInt8
    let slots = Mutex(Slots())

    init(forks: UInt8) { self.forks = forks }
  }

  /// What the tickets are.
  private let kind: HandleKind
  /// The argument that errors name, and what has happened when a ticket is not there any more.
  private let argument: String
  private let gone: String
  private let capacity: Int
  private let lastGeneration: UInt32
  private let store: Atomic<Unmanaged<Store>>

  /// - Parameters:
  ///   - capacity: the most tickets at a time.
  ///   - lastGeneration: the tickets that a place can have; then it is not used any more.
  init(
    _ kind: HandleKind, _ argument: String, gone: String, capacity: Int = 1 << Bits.place,
    lastGeneration: UInt32 = Bits.lastGeneration
  ) {
    self.kind = kind
    self.argument = argument
    self.gone = gone
    self.capacity = capacity
    self.lastGeneration = lastGeneration
    store = Atomic(Unmanaged.passRetained(Store(forks: Bits.forks)))
  }

  deinit { store.load(ordering: .acquiring).release() }

  /// A ticket for an object. An error of code `limit` when there are too many.
  func issue(_ object: Object) throws(HostError) -> OpaquePointer {
    let ticket = try reserve()
    fill(ticket, object)
    return ticket
  }

  /// A ticket whose object is still to be made: until then it counts as gone.
  func reserve() throws(HostError) -> OpaquePointer {
    let store = ownStore()
    let bits = store.slots.withLock { slots -> UInt? in
      let place: Int
      if let free = slots.free.popLast() {
        place = free
      } else {
        guard slots.all.count < capacity else { return nil }
        place = slots.all.count
        slots.all.append(Slot())
      }
      let generation = slots.all[place].generation
      return Bits.of(kind, place: place, forks: store.forks, generation: generation)
    }
    // Generations begin at 1, so the bits are never 0.
    guard let bits, let ticket = OpaquePointer(bitPattern: bits) else {
      throw HostError(.limit, "\(argument): there are \(capacity) of them already")
    }
    return ticket
  }

  /// Gives a reserved ticket its object.
  func fill(_ ticket: OpaquePointer, _ object: Object) {
    withSlot(of: ticket) { slots, place in slots.all[place].object = object }
  }

  /// The object of a ticket of this process. Errors: `invalidArgument` for none, `forked`, and `closed` for one that was
  /// revoked or never issued.
  func object(of ticket: OpaquePointer?) throws(HostError) -> Object {
    _ = try kind.bits(of: ticket, argument)
    guard let ticket, Bits(ticket).forks == Bits.forks else {
      throw HostError(.forked, "\(argument): it belongs to the parent process")
    }
    var object: Object?
    withSlot(of: ticket) { slots, place in object = slots.all[place].object }
    guard let object else { throw HostError(.closed, "\(argument): \(gone)") }
    return object
  }

  /// Takes a ticket back; false if it was taken before.
  @discardableResult
  func revoke(_ ticket: OpaquePointer?) -> Bool {
    guard let ticket, Bits(ticket).forks == Bits.forks else { return false }
    // Released when the lock is not held any more.
    var object: Object?
    var wasThere = false
    withSlot(of: ticket) { slots, place in
      wasThere = true
      object = slots.all[place].object.take()
      guard slots.all[place].generation < lastGeneration else { return slots.all[place].generation = 0 }
      slots.all[place].generation += 1
      slots.free.append(place)
    }
    withExtendedLifetime(object) {}
    return wasThere
  }

  /// Calls `body` under the lock if the ticket's place is still its own.
  private func withSlot(of ticket: OpaquePointer, _ body: (inout Slots, Int) -> Void) {
    let bits = Bits(ticket)
    ownStore().slots.withLock { slots in
      guard bits.place < slots.all.count, bits.generation > 0,
        slots.all[bits.place].generation == bits.generation
      else { return }
      body(&slots, bits.place)
    }
  }

  /// What this process has issued; made anew by whoever needs it first in a forked child.
  private func ownStore() -> Store {
    let held = store.load(ordering: .acquiring)
    let forks = Bits.forks
    let own = held.takeUnretainedValue()
    if own.forks == forks { return own }
    let fresh = Unmanaged.passRetained(Store(forks: forks))
    // The parent's is left as it is: to free what it holds would take its locks.
    let (exchanged, current) = store.compareExchange(
      expected: held, desired: fresh, ordering: .acquiringAndReleasing)
    guard !exchanged else { return fresh.takeUnretainedValue() }
    fresh.release()
    return current.takeUnretainedValue()
  }
}

/// The parts of a ticket, from the lowest bit: 4 of the kind, 24 of the place, 8 of the process, 28 of the generation.
private struct Bits {
  static let place = 24
  static let lastGeneration: UInt32 = (1 << 28) - 1

  /// Those of this process: how many forks it came by.
  static var forks: UInt8 { UInt8(truncatingIfNeeded: Forks.count) }

  let place: Int
  let forks: UInt8
  let generation: UInt32

  init(_ ticket: OpaquePointer) {
    let bits = UInt(bitPattern: ticket) >> HandleKind.bits
    place = Int(bits & (1 << Self.place - 1))
    forks = UInt8(truncatingIfNeeded: bits >> Self.place)
    generation = UInt32(truncatingIfNeeded: bits >> (Self.place + 8))
  }

  static func of(_ kind: HandleKind, place: Int, forks: UInt8, generation: UInt32) -> UInt {
    let bits = UInt(generation) << (Self.place + 8) | UInt(forks) << Self.place | UInt(place)
    return bits << HandleKind.bits | kind.rawValue
  }
}

/// The tickets of the process.
enum Tickets {
  static let sockets = TicketTable<ChannelContextBox>(.socket, "socket", gone: "the channel is gone")
  static let deferreds = TicketTable<Deferred>(.deferred, "deferred", gone: "it was finished before")
  static let fetches = TicketTable<FetchCall>(.fetch, "fetch", gone: "it was finished before")
  static let links = TicketTable<LinkAdapter>(.link, "link", gone: "it is over")
  static let connections = TicketTable<ConnectCall>(
    .connection, "connection", gone: "it has been decided already")
}
