import CJansson
import SynqChannels
import SynqJSON

/// The boundary to jansson: values are converted here and nowhere else, and the engine never holds a `json_t`.
package enum UnsafeJansson {
  /// As deep as jansson's own parser goes; a value that contains itself ends here too.
  private static let maxDepth = JSONLimits.maxDepthThatCounts
  /// A patch has its operations around what it carries.
  private static let maxMadeDepth = maxDepth + 8

  /// Converts a value and takes over the caller's reference, also when it fails.
  static func stolen(
    _ value: UnsafeMutablePointer<json_t>?, _ name: String = "payload"
  ) throws(HostError) -> JSON {
    guard let value else { throw HostError(.invalidArgument, "\(name): is NULL") }
    do throws(HostError) {
      let json = try borrowed(value, name)
      json_decref(value)
      return json
    } catch {
      release(value)
      throw error
    }
  }

  /// Converts a value that stays the caller's.
  package static func borrowed(_ value: UnsafePointer<json_t>?, _ name: String) throws(HostError) -> JSON {
    guard let value else { throw HostError(.invalidArgument, "\(name): is NULL") }
    var builder = JSONBuilder()
    try append(value, to: &builder, depth: 0, name)
    return builder.finish()
  }

  /// Gives up a reference to a value that may be of any depth: jansson itself would free it by recursion.
  private static func release(_ value: UnsafeMutablePointer<json_t>) {
    var parts = [value]
    while let part = parts.popLast() {
      if part.pointee.refcount == 1 {
        switch part.pointee.type {
        case JSON_ARRAY:
          for index in 0..<json_array_size(part) {
            if let element = json_array_get(part, index) { parts.append(json_incref(element)) }
          }
          json_array_clear(part)
        case JSON_OBJECT:
          var iterator = json_object_iter(part)
          while let current = iterator {
            if let member = json_object_iter_value(current) { parts.append(json_incref(member)) }
            iterator = json_object_iter_next(part, current)
          }
          json_object_clear(part)
        default: break
        }
      }
      json_decref(part)
    }
  }

  private static func append(
    _ value: UnsafePointer<json_t>, to builder: inout JSONBuilder, depth: Int, _ name: String
  ) throws(HostError) {
    switch value.pointee.type {
    case JSON_OBJECT:
      guard depth < maxDepth else { throw tooDeep(name) }
      builder.beginObject()
      let object = UnsafeMutablePointer(mutating: value)
      var iterator = json_object_iter(object)
      while let current = iterator {
        guard let key = json_object_iter_key(current), let member = json_object_iter_value(current) else {
          break
        }
        builder.key(utf8: try utf8(key, json_object_iter_key_len(current), name))
        try append(member, to: &builder, depth: depth + 1, name)
        iterator = json_object_iter_next(object, current)
      }
      builder.endObject()
    case JSON_ARRAY:
      guard depth < maxDepth else { throw tooDeep(name) }
      builder.beginArray()
      for index in 0..<json_array_size(value) {
        guard let element = json_array_get(value, index) else { break }
        try append(element, to: &builder, depth: depth + 1, name)
      }
      builder.endArray()
    case JSON_STRING:
      builder.append(utf8: try utf8(json_string_value(value), json_string_length(value), name))
    case JSON_INTEGER: builder.append(integer: json_integer_value(value))
    case JSON_REAL:
      do throws(JSONError) {
        try builder.append(double: json_real_value(value))
      } catch {
        throw HostError(.json, "\(name): has a real that is not finite")
      }
    case JSON_TRUE: builder.append(bool: true)
    case JSON_FALSE: builder.append(bool: false)
    default: builder.appendNull()
    }
  }

  /// The bytes of a string. Not every maker of strings in jansson looks at what it is given.
  private static func utf8(
    _ text: UnsafePointer<CChar>?, _ length: Int, _ name: String
  ) throws(HostError) -> UnsafeRawBufferPointer {
    let bytes = UnsafeRawBufferPointer(start: text, count: length)
    guard UTF8Text.isValid(bytes) else { throw HostError(.json, "\(name): has a string that is not UTF-8") }
    return bytes
  }

  private static func tooDeep(_ name: String) -> HostError {
    HostError(.json, "\(name): is deeper than \(maxDepth), or contains itself")
  }

  /// Converts to a new jansson value. One that is deeper than what jansson bears is refused: it frees by recursion.
  package static func new(_ value: JSON) throws(HostError) -> UnsafeMutablePointer<json_t> {
    guard !value.isDeeper(than: maxMadeDepth) else {
      throw HostError(.limit, "pointer: the value there is deeper than \(maxDepth)")
    }
    return try make(value)
  }

  private static func make(_ value: JSON) throws(HostError) -> UnsafeMutablePointer<json_t> {
    let made: UnsafeMutablePointer<json_t>?
    switch value.kind {
    case .null: made = json_null()
    case .boolean: made = value.boolValue == true ? json_true() : json_false()
    case .number:
      if value.isInteger {
        guard let integer = value.int64Value else {
          throw HostError(.range, "pointer: an integer there is beyond 64 bits")
        }
        made = json_integer(integer)
      } else {
        guard let real = value.doubleValue, real.isFinite else {
          throw HostError(.range, "pointer: a real there is beyond the range of a double")
        }
        made = json_real(real)
      }
    case .string:
      var text = value.stringValue ?? ""
      made = text.withUTF8 { bytes in
        bytes.withMemoryRebound(to: CChar.self) { json_stringn_nocheck($0.baseAddress, $0.count) }
      }
    case .array: made = try newArray(value)
    case .object: made = try newObject(value)
    }
    guard let made else { throw .outOfMemory }
    return made
  }

  private static func newArray(_ value: JSON) throws(HostError) -> UnsafeMutablePointer<json_t>? {
    guard let array = json_array() else { return nil }
    for element in value.elements {
      do throws(HostError) {
        let made = try make(element)
        guard json_array_append_new(array, made) == 0 else { throw HostError.outOfMemory }
      } catch {
        json_decref(array)
        throw error
      }
    }
    return array
  }

  private static func newObject(_ value: JSON) throws(HostError) -> UnsafeMutablePointer<json_t>? {
    guard let object = json_object() else { return nil }
    for (name, member) in value.members {
      do throws(HostError) {
        let made = try make(member)
        var name = name
        let status = name.withUTF8 { bytes in
          bytes.withMemoryRebound(to: CChar.self) {
            json_object_setn_new_nocheck(object, $0.baseAddress, $0.count, made)
          }
        }
        guard status == 0 else { throw HostError.outOfMemory }
      } catch {
        json_decref(object)
        throw error
      }
    }
    return object
  }
}
