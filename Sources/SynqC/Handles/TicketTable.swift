import SynqChannels
import Synchronization

/// Handles for C that are numbers, not addresses: each is checked when it comes back, and none is used twice.
///
/// A ticket is a place in a table and the number of tickets that had this place before, in the form of a pointer so
/// that C compilers tell handles of different kinds apart.
final class TicketTable<Object: AnyObject & Sendable>: Sendable {
  private struct Slot: Sendable {
    var generation: UInt
    var object: Object?
  }

  private struct State: Sendable {
    var slots: [Slot] = []
    var free: [Int] = []
  }

  private let state = Mutex(State())

  /// Places take the low bits, generations the others; neither is 0 in a ticket, so no ticket is NULL.
  private static var placeBits: UInt { 24 }

  func issue(_ object: Object) -> OpaquePointer {
    let bits = state.withLock { state -> UInt in
      if let place = state.free.popLast() {
        state.slots[place].object = object
        return Self.bits(place: place, generation: state.slots[place].generation)
      }
      state.slots.append(Slot(generation: 1, object: object))
      return Self.bits(place: state.slots.count - 1, generation: 1)
    }
    // Generations begin at 1, so the bits are never 0.
    return OpaquePointer(bitPattern: bits).unsafelyUnwrapped
  }

  /// The object of a ticket; nil for one that was revoked or never issued.
  func object(of ticket: OpaquePointer?) -> Object? {
    guard let ticket else { return nil }
    let (place, generation) = Self.parts(UInt(bitPattern: ticket))
    return state.withLock { state in
      guard place < state.slots.count, state.slots[place].generation == generation else { return nil }
      return state.slots[place].object
    }
  }

  /// Takes a ticket back; its object, or nil if it was taken before.
  @discardableResult
  func revoke(_ ticket: OpaquePointer?) -> Object? {
    guard let ticket else { return nil }
    let (place, generation) = Self.parts(UInt(bitPattern: ticket))
    return state.withLock { state in
      guard place < state.slots.count, state.slots[place].generation == generation else { return nil }
      let object = state.slots[place].object.take()
      state.slots[place].generation += 1
      state.free.append(place)
      return object
    }
  }

  private static func bits(place: Int, generation: UInt) -> UInt { generation << placeBits | UInt(place) }

  private static func parts(_ bits: UInt) -> (place: Int, generation: UInt) {
    (Int(bits & (1 << placeBits - 1)), bits >> placeBits)
  }
}

/// The tickets of the process.
enum Tickets {
  static let sockets = TicketTable<ChannelContextBox>()
  static let deferreds = TicketTable<Deferred>()
  static let connections = TicketTable<ConnectCall>()
}
