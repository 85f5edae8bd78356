import Glibc
import Synchronization

/// The memory that a server holds for its clients: in all, and for each address.
///
/// Members of the loops tell what they hold; who is over is decided by `MemoryShedder`. Safe to use from any thread.
package final class MemoryBudget: Sendable {
  /// How much may be held.
  package struct Limits: Sendable, Equatable {
    package var bytes: Int
    package var bytesPerAddress: Int
  }

  private struct Held {
    var bytes = 0
    var byAddress: [AddressKey: Int] = [:]
    /// The most that was held since memory was last given back to the system.
    var peak = 0
  }

  package let limits: Limits
  private let held = Mutex(Held())

  package init(_ limits: Limits) { self.limits = limits }

  /// Counts `delta` bytes more or less; false when that is over a limit.
  func add(_ delta: Int, for address: AddressKey?) -> Bool {
    held.withLock { held in
      held.bytes += delta
      held.peak = max(held.peak, held.bytes)
      guard let address else { return held.bytes <= limits.bytes }
      let own = held.byAddress[address, default: 0] + delta
      held.byAddress[address] = own > 0 ? own : nil
      return delta <= 0 || held.bytes <= limits.bytes && own <= limits.bytesPerAddress
    }
  }

  /// The bytes held at this moment.
  package var bytes: Int { held.withLock { $0.bytes } }

  /// Whether all have their limits' room.
  var isWithinLimits: Bool {
    held.withLock { held in
      held.bytes <= limits.bytes && held.byAddress.values.allSatisfy { $0 <= limits.bytesPerAddress }
    }
  }

  /// What is over the limits: bytes in all, and of each address. Nothing where nothing is.
  func excess() -> (bytes: Int, byAddress: [AddressKey: Int]) {
    held.withLock { held in
      // More than is over goes, so that the next byte does not begin it all again.
      let bytes = held.bytes > limits.bytes ? held.bytes - limits.bytes / 8 * 7 : 0
      var byAddress: [AddressKey: Int] = [:]
      for (address, own) in held.byAddress where own > limits.bytesPerAddress {
        byAddress[address] = own - limits.bytesPerAddress / 8 * 7
      }
      return (bytes, byAddress)
    }
  }

  /// Whether so much less is held than at the last peak that the system should have its pages back.
  func takeSpike(atLeast bytes: Int) -> Bool {
    held.withLock { held in
      guard held.peak - held.bytes >= bytes else { return false }
      held.peak = held.bytes
      return true
    }
  }
}

/// What a member of a loop is counted with.
struct MemoryAccount {
  let address: AddressKey
  /// As much was counted.
  var counted = 0
  /// Bytes that came or went since it was looked at.
  var moved = 0

  init(_ address: AddressKey) { self.address = address }

  /// Whether it may hold more, or less, than when it was looked at.
  var mayHold: Bool { moved > 0 || counted > NetworkLoop.connectionBytes }

  /// Bytes after which it is looked at again; what may be uncounted of each connection.
  static let granularity = 16_384
}

extension MemoryBudget.Limits {
  /// A quarter of the memory that this process may use, and half of that for one address.
  package static var `default`: Self {
    let bytes = max(usableMemory / 4, 64 << 20)
    return Self(bytes: bytes, bytesPerAddress: bytes / 2)
  }

  /// As settings give them, in megabytes: 0 is the default.
  package init(megabytes: Int, perAddress: Int) {
    self = .default
    if megabytes > 0 { bytes = min(megabytes, 1 << 24) * 1_000_000 }
    bytesPerAddress = perAddress > 0 ? min(perAddress, 1 << 24) * 1_000_000 : bytes / 2
  }

  /// The machine's memory, less where the process is limited: by its control group, or its address space.
  private static var usableMemory: Int {
    var bytes = sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE))
    if bytes <= 0 { bytes = 1 << 30 }
    for path in ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"] {
      if let limit = number(in: path), limit > 0 { bytes = min(bytes, limit) }
    }
    var limit = rlimit()
    if getrlimit(__rlimit_resource_t(UInt32(RLIMIT_AS.rawValue)), &limit) == 0 {
      bytes = min(bytes, Int(clamping: limit.rlim_cur))
    }
    return bytes
  }

  /// The number that a small file begins with; nil for "max".
  private static func number(in path: String) -> Int? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { buffer in
      let count = read(descriptor, buffer.baseAddress, buffer.count)
      guard count > 0 else { return nil }
      let digits = buffer[..<count].prefix { (0x30...0x39).contains($0) }
      return Int(String(decoding: digits, as: UTF8.self))
    }
  }
}
