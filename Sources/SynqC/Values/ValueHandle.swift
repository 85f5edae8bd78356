import CSynq
import Glibc
import SynqChannels
import SynqJSON
import SynqWire

/// A `synq_value_t`: a payload, params or the assigns, and the C strings that were read from it.
///
/// Unlike the other handles it is memory, as its strings are; whoever lends it keeps it alive for as long as the header says.
/// `@unchecked Sendable`: strings are added by whoever reads the value, which is one callback at a time.
final class ValueHandle: @unchecked Sendable {
  let payload: Payload
  private var strings: [UnsafeMutablePointer<CChar>] = []

  init(_ payload: Payload) { self.payload = payload }

  deinit { for string in strings { free(string) } }

  /// The handle as C holds it. Valid while the object lives.
  var opaque: OpaquePointer { OpaquePointer(Unmanaged.passUnretained(self).toOpaque()) }

  static func of(_ opaque: OpaquePointer?, _ name: String = "value") throws(HostError) -> ValueHandle {
    guard let opaque else { throw HostError(.invalidArgument, "\(name): is NULL") }
    return Unmanaged<ValueHandle>.fromOpaque(UnsafeRawPointer(opaque)).takeUnretainedValue()
  }

  /// The value at a pointer.
  func json(at pointer: UnsafePointer<CChar>?) throws(HostError) -> JSON {
    guard let root = payload.json else { throw HostError(.type, "value: is binary") }
    guard let pointer else { throw HostError(.invalidArgument, "pointer: is NULL") }
    if pointer.pointee == 0 { return root }
    let place = try Argument.pointer(pointer)
    guard let value = root[place] else { throw HostError(.notFound, "pointer: nothing is at \(place)") }
    return value
  }

  /// Copies bytes to a C string that lives as long as the value.
  func keep(_ bytes: UnsafeRawBufferPointer) throws(HostError) -> UnsafePointer<CChar> {
    guard let copy = malloc(bytes.count + 1)?.assumingMemoryBound(to: CChar.self) else {
      throw HostError(.limit, "out: out of memory")
    }
    if let start = bytes.baseAddress { memcpy(copy, start, bytes.count) }
    copy[bytes.count] = 0
    strings.append(copy)
    return UnsafePointer(copy)
  }

  /// Copies a value's JSON text likewise.
  func keep(_ json: JSON) throws(HostError) -> (text: UnsafePointer<CChar>, length: Int) {
    var writer = ByteWriter()
    writer.append(json: json)
    let kept = writer.withUnsafeBytes { bytes -> Result<UnsafePointer<CChar>, HostError> in
      do throws(HostError) {
        return .success(try keep(bytes))
      } catch {
        return .failure(error)
      }
    }
    return (try kept.get(), writer.count)
  }

  func keep(_ string: String) throws(HostError) -> (text: UnsafePointer<CChar>, length: Int) {
    var string = string
    let result = string.withUTF8 { bytes -> Result<UnsafePointer<CChar>, HostError> in
      do throws(HostError) {
        return .success(try keep(UnsafeRawBufferPointer(bytes)))
      } catch {
        return .failure(error)
      }
    }
    return (try result.get(), string.utf8.count)
  }
}
