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
  private enum Content {
    case payload(Payload)
    /// Read as one object, which is only made for a reader who wants it whole.
    case assigns(Assigns)
  }

  private var content: Content
  /// What was read as C strings. Most values are read once.
  private var firstString: UnsafeMutablePointer<CChar>?
  private var otherStrings: [UnsafeMutablePointer<CChar>] = []
  /// Parts that were lent as values of their own.
  private var parts: [ValueHandle] = []

  init(_ payload: Payload) { content = .payload(payload) }

  init(_ assigns: Assigns) { content = .assigns(assigns) }

  /// Changes the assigns that this handle has. It lets go of them first, so that they are changed in place, and is empty
  /// afterwards unless the change failed.
  func changing(_ assigns: inout Assigns, _ body: (inout Assigns) throws(HostError) -> Void) throws(HostError)
  {
    content = .payload(.empty)
    do throws(HostError) {
      try body(&assigns)
    } catch {
      content = .assigns(assigns)
      throw error
    }
  }

  deinit {
    free(firstString)
    for string in otherStrings { free(string) }
  }

  /// The handle as C holds it. Valid while the object lives.
  var opaque: OpaquePointer { HandleKind.value.handle(of: self) }

  static func of(_ opaque: OpaquePointer?, _ name: String = "value") throws(HostError) -> ValueHandle {
    try HandleKind.value.object(of: opaque, name)
  }

  /// The bytes of a binary payload; nil for any other value.
  var binary: [UInt8]? {
    if case .payload(.binary(let bytes)) = content { bytes } else { nil }
  }

  /// The value itself. O(1), but for assigns, of which it is made anew.
  func whole(_ argument: String = "value") throws(HostError) -> JSON {
    switch content {
    case .payload(.json(let json)): return json
    case .payload(.binary): throw HostError(.type, "\(argument): is binary")
    case .assigns(let assigns): return assigns.object
    }
  }

  /// The value at a pointer. O(depth) beyond the root, whatever the size of the value.
  func json(
    at pointer: UnsafePointer<CChar>?, _ argument: String = "pointer"
  ) throws(HostError) -> JSON {
    if case .payload(.json(let json)) = content, pointer?.pointee == 0 { return json }
    if case .payload(.binary) = content { throw HostError(.type, "value: is binary") }
    let place = try Argument.pointer(pointer, argument)
    let value: JSON? =
      switch content {
      case .payload(let payload): payload.json.flatMap { FlatPointer.resolve(place, in: $0) }
      case .assigns(let assigns): assigns.value(at: place)
      }
    guard let value else {
      let place = JSONPointer(checked: place)
      throw HostError(
        .notFound, argument == "pointer" ? "\(place): is missing" : "\(argument): nothing is at \(place)")
    }
    return value
  }

  /// Lends a part of this value, as long as this value lives.
  func lend(part: JSON) -> OpaquePointer {
    let handle = ValueHandle(.json(part))
    parts.append(handle)
    return handle.opaque
  }

  /// The error of a value that is of another kind than a reader asked for, in words that its sender can be told.
  static func mismatch(_ expected: String, _ found: JSON, at pointer: UnsafePointer<CChar>) -> HostError {
    let place = pointer.pointee == 0 ? "" : "\(String(cString: pointer)): "
    return HostError(.type, "\(place)expected \(expected), got \(found.kind.withArticle)")
  }

  /// Copies bytes to a C string that lives as long as the value.
  func keep(_ bytes: UnsafeRawBufferPointer) throws(HostError) -> UnsafePointer<CChar> {
    guard let copy = malloc(bytes.count + 1)?.assumingMemoryBound(to: CChar.self) else {
      throw .outOfMemory
    }
    if let start = bytes.baseAddress { memcpy(copy, start, bytes.count) }
    copy[bytes.count] = 0
    if firstString == nil { firstString = copy } else { otherStrings.append(copy) }
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

extension HostError {
  static let outOfMemory = HostError(.outOfMemory, "out: out of memory")
}
