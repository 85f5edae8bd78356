import SynqChannels

/// What a handle is, in its lowest four bits: a socket that is given as a server, or an address that no function of this
/// library gave out, is told from one that is right, and never read.
///
/// Handles that are memory point to objects, whose addresses are multiples of 16, plus their kind.
enum HandleKind: UInt {
  case server = 1
  case value = 2
  case socket = 3
  case deferred = 4
  case connection = 5
  case fetch = 6
  case link = 7

  /// The bits that say the kind.
  static let bits = 4
  private static let mask: UInt = (1 << UInt(bits)) - 1

  /// As errors name it.
  private var name: String {
    switch self {
    case .server: "a server"
    case .value: "a value"
    case .socket: "a socket"
    case .deferred: "a deferred"
    case .connection: "a connection"
    case .fetch: "a fetch"
    case .link: "a link"
    }
  }

  /// The handle of an object.
  func handle(of object: AnyObject) -> OpaquePointer {
    let address = UInt(bitPattern: Unmanaged.passUnretained(object).toOpaque())
    precondition(address & Self.mask == 0, "objects are aligned to 16 bytes")
    return OpaquePointer(bitPattern: address | rawValue).unsafelyUnwrapped
  }

  /// The bits of a handle of this kind without the kind. An error of code `invalidArgument` for any other pointer.
  func bits(of handle: OpaquePointer?, _ argument: String) throws(HostError) -> UInt {
    guard let handle else { throw HostError(.invalidArgument, "\(argument): is NULL") }
    let bits = UInt(bitPattern: handle)
    guard bits & Self.mask == rawValue else {
      let found = HandleKind(rawValue: bits & Self.mask)?.name ?? "not a handle of this library"
      throw HostError(.invalidArgument, "\(argument): this is \(found), not \(name)")
    }
    return bits & ~Self.mask
  }

  /// The object of a handle that is memory.
  func object<Object: AnyObject>(
    of handle: OpaquePointer?, _ argument: String, as type: Object.Type = Object.self
  ) throws(HostError) -> Object {
    guard let address = UnsafeRawPointer(bitPattern: try bits(of: handle, argument)) else {
      throw HostError(.invalidArgument, "\(argument): is NULL")
    }
    return Unmanaged<Object>.fromOpaque(address).takeUnretainedValue()
  }
}
