import CSynq
import SynqChannels
import SynqJSON

@_cdecl("synq_value_member") @implementation
public func synq_value_member(
  _ value: OpaquePointer!, _ pointer: UnsafePointer<CChar>!, _ index: Int,
  _ name: UnsafeMutablePointer<UnsafePointer<CChar>?>!, _ length: UnsafeMutablePointer<Int>!,
  _ out: UnsafeMutablePointer<OpaquePointer?>!
) -> CInt {
  export { () throws(HostError) in
    let handle = try ValueHandle.of(value)
    let json = try handle.json(at: pointer)
    guard json.kind == .array || json.kind == .object else {
      throw ValueHandle.mismatch("an array or an object", json, at: pointer)
    }
    guard let part = json.part(at: index) else {
      throw HostError(.notFound, "index: \(index) is not below \(json.count)")
    }
    let key = try part.name?.stringValue.map { text throws(HostError) in try handle.keep(text) }
    name?.pointee = key?.text
    length?.pointee = key?.length ?? 0
    out?.pointee = handle.lend(part: part.value)
  }
}

@_cdecl("synq_value_read") @implementation
public func synq_value_read(
  _ value: OpaquePointer!, _ fields: UnsafePointer<synq_field_t>!, _ count: Int
) -> CInt {
  export { () throws(HostError) in
    let handle = try ValueHandle.of(value)
    guard count >= 0 else { throw HostError(.invalidArgument, "count: is out of range") }
    guard let fields else { throw HostError(.invalidArgument, "fields: is NULL") }
    // All are read before one is given, so that a failed call leaves them alone.
    var found: [FieldValue] = []
    found.reserveCapacity(count)
    for index in 0..<count { found.append(try FieldValue(fields[index], index, in: handle)) }
    for (index, value) in found.enumerated() { value.store(at: fields[index].out) }
  }
}

/// What was read for one `synq_field_t`.
private enum FieldValue {
  /// There is nothing, and that is allowed.
  case absent
  case bool(CInt)
  case integer(Int64)
  case real(Double)
  case string(UnsafePointer<CChar>)
  case part(OpaquePointer)

  init(_ field: synq_field_t, _ index: Int, in handle: ValueHandle) throws(HostError) {
    guard field.out != nil else { throw HostError(.invalidArgument, "fields[\(index)].out: is NULL") }
    let pointer: UnsafePointer<CChar>? = field.pointer
    guard let pointer else { throw HostError(.invalidArgument, "fields[\(index)].pointer: is NULL") }
    let json: JSON
    do throws(HostError) {
      json = try handle.json(at: pointer)
    } catch {
      guard error.code == .notFound, field.optional != 0 else { throw error }
      self = .absent
      return
    }
    if field.optional != 0, json.kind == .null {
      self = .absent
      return
    }
    switch field.kind {
    case SYNQ_BOOL:
      guard let bool = json.boolValue else { throw ValueHandle.mismatch("a boolean", json, at: pointer) }
      self = .bool(bool ? 1 : 0)
    case SYNQ_INTEGER:
      guard json.isInteger else { throw ValueHandle.mismatch("an integer", json, at: pointer) }
      guard let integer = json.int64Value else {
        throw HostError(.range, "\(String(cString: pointer)): the integer is beyond 64 bits")
      }
      self = .integer(integer)
    case SYNQ_REAL:
      guard let real = json.doubleValue else { throw ValueHandle.mismatch("a number", json, at: pointer) }
      self = .real(real)
    case SYNQ_STRING:
      guard let text = json.stringValue else { throw ValueHandle.mismatch("a string", json, at: pointer) }
      guard !text.utf8.contains(0) else {
        throw HostError(.type, "\(String(cString: pointer)): expected a string without NUL")
      }
      self = .string(try handle.keep(text).text)
    case SYNQ_ARRAY:
      guard json.kind == .array else { throw ValueHandle.mismatch("an array", json, at: pointer) }
      self = .part(handle.lend(part: json))
    case SYNQ_OBJECT:
      guard json.kind == .object else { throw ValueHandle.mismatch("an object", json, at: pointer) }
      self = .part(handle.lend(part: json))
    default:
      throw HostError(
        .invalidArgument, "fields[\(index)].kind: \(field.kind.rawValue) is not a kind that can be read")
    }
  }

  func store(at out: UnsafeMutableRawPointer?) {
    guard let out else { return }
    switch self {
    case .absent: break
    case .bool(let value): out.storeBytes(of: value, as: CInt.self)
    case .integer(let value): out.storeBytes(of: value, as: Int64.self)
    case .real(let value): out.storeBytes(of: value, as: Double.self)
    case .string(let text): out.storeBytes(of: text, as: UnsafePointer<CChar>.self)
    case .part(let part): out.storeBytes(of: part, as: OpaquePointer.self)
    }
  }
}
