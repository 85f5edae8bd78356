import CJansson
import CSynq
import SynqChannels
import SynqJSON
import SynqWire

@_cdecl("synq_value_kind") @implementation
public func synq_value_kind(_ value: OpaquePointer!, _ pointer: UnsafePointer<CChar>!) -> CInt {
  do throws(HostError) {
    let handle = try ValueHandle.of(value)
    if handle.binary != nil, pointer != nil, pointer.pointee == 0 { return CInt(SYNQ_BINARY.rawValue) }
    let json = try handle.json(at: pointer)
    let kind =
      switch json.kind {
      case .null: SYNQ_NULL
      case .boolean: SYNQ_BOOL
      case .number: json.isInteger ? SYNQ_INTEGER : SYNQ_REAL
      case .string: SYNQ_STRING
      case .array: SYNQ_ARRAY
      case .object: SYNQ_OBJECT
      }
    return CInt(kind.rawValue)
  } catch {
    return fail(error)
  }
}

@_cdecl("synq_value_size") @implementation
public func synq_value_size(_ value: OpaquePointer!, _ pointer: UnsafePointer<CChar>!) -> Int64 {
  do throws(HostError) {
    let json = try ValueHandle.of(value).json(at: pointer)
    guard json.kind == .array || json.kind == .object else {
      throw ValueHandle.mismatch("an array or an object", json, at: pointer)
    }
    return Int64(json.count)
  } catch {
    return Int64(fail(error))
  }
}

@_cdecl("synq_value_get_int") @implementation
public func synq_value_get_int(
  _ value: OpaquePointer!, _ pointer: UnsafePointer<CChar>!, _ out: UnsafeMutablePointer<Int64>!
) -> CInt {
  export { () throws(HostError) in
    let out = try Argument.out(out)
    let json = try ValueHandle.of(value).json(at: pointer)
    guard json.isInteger else { throw ValueHandle.mismatch("an integer", json, at: pointer) }
    guard let integer = json.int64Value else {
      throw HostError(.range, "\(String(cString: pointer)): the integer is beyond 64 bits")
    }
    out.pointee = integer
  }
}

@_cdecl("synq_value_get_real") @implementation
public func synq_value_get_real(
  _ value: OpaquePointer!, _ pointer: UnsafePointer<CChar>!, _ out: UnsafeMutablePointer<Double>!
) -> CInt {
  export { () throws(HostError) in
    let out = try Argument.out(out)
    let json = try ValueHandle.of(value).json(at: pointer)
    guard let real = json.doubleValue else { throw ValueHandle.mismatch("a number", json, at: pointer) }
    out.pointee = real
  }
}

@_cdecl("synq_value_get_bool") @implementation
public func synq_value_get_bool(
  _ value: OpaquePointer!, _ pointer: UnsafePointer<CChar>!, _ out: UnsafeMutablePointer<CInt>!
) -> CInt {
  export { () throws(HostError) in
    let out = try Argument.out(out)
    let json = try ValueHandle.of(value).json(at: pointer)
    guard let bool = json.boolValue else { throw ValueHandle.mismatch("a boolean", json, at: pointer) }
    out.pointee = bool ? 1 : 0
  }
}

@_cdecl("synq_value_get_string") @implementation
public func synq_value_get_string(
  _ value: OpaquePointer!, _ pointer: UnsafePointer<CChar>!,
  _ out: UnsafeMutablePointer<UnsafePointer<CChar>?>!,
  _ length: UnsafeMutablePointer<Int>!
) -> CInt {
  export { () throws(HostError) in
    let out = try Argument.out(out)
    let handle = try ValueHandle.of(value)
    let json = try handle.json(at: pointer)
    guard let string = json.stringValue else { throw ValueHandle.mismatch("a string", json, at: pointer) }
    let kept = try handle.keep(string)
    out.pointee = kept.text
    length?.pointee = kept.length
  }
}

@_cdecl("synq_value_get_bytes") @implementation
public func synq_value_get_bytes(
  _ value: OpaquePointer!, _ out: UnsafeMutablePointer<UnsafeRawPointer?>!,
  _ length: UnsafeMutablePointer<Int>!
) -> CInt {
  export { () throws(HostError) in
    let out = try Argument.out(out)
    let length = try Argument.out(length, "length")
    let handle = try ValueHandle.of(value)
    guard let bytes = handle.binary else { throw HostError(.type, "value: is not binary") }
    let kept = bytes.withUnsafeBytes { bytes -> Result<UnsafePointer<CChar>, HostError> in
      do throws(HostError) {
        return .success(try handle.keep(bytes))
      } catch {
        return .failure(error)
      }
    }
    out.pointee = UnsafeRawPointer(try kept.get())
    length.pointee = bytes.count
  }
}

@_cdecl("synq_value_get_text") @implementation
public func synq_value_get_text(
  _ value: OpaquePointer!, _ pointer: UnsafePointer<CChar>!,
  _ out: UnsafeMutablePointer<UnsafePointer<CChar>?>!,
  _ length: UnsafeMutablePointer<Int>!
) -> CInt {
  export { () throws(HostError) in
    let out = try Argument.out(out)
    let handle = try ValueHandle.of(value)
    let kept = try handle.keep(handle.json(at: pointer))
    out.pointee = kept.text
    length?.pointee = kept.length
  }
}

@_cdecl("synq_value_get_json") @implementation
public func synq_value_get_json(
  _ value: OpaquePointer!, _ pointer: UnsafePointer<CChar>!,
  _ out: UnsafeMutablePointer<UnsafeMutablePointer<json_t>?>!
) -> CInt {
  export { () throws(HostError) in
    let out = try Argument.out(out)
    out.pointee = try UnsafeJansson.new(try ValueHandle.of(value).json(at: pointer))
  }
}
