import CSynq
import Glibc
import SynqChannels
import SynqJSON

/// Arguments from C, checked and copied. The error names the argument.
enum Argument {
  /// A text that must be there and be UTF-8.
  static func string(_ text: UnsafePointer<CChar>?, _ name: String) throws(HostError) -> String {
    guard let text else { throw HostError(.invalidArgument, "\(name): is NULL") }
    guard let string = String(validatingCString: text) else {
      throw HostError(.invalidArgument, "\(name): is not UTF-8")
    }
    return string
  }

  /// A text that must be there and not be empty.
  static func name(_ text: UnsafePointer<CChar>?, _ name: String) throws(HostError) -> String {
    let string = try string(text, name)
    guard !string.isEmpty else { throw HostError(.invalidArgument, "\(name): is empty") }
    return string
  }

  static func optionalString(_ text: UnsafePointer<CChar>?, _ name: String) throws(HostError) -> String? {
    text == nil ? nil : try string(text, name)
  }

  /// The text of a pointer to a part of a value, checked; it is the caller's memory.
  static func pointer(
    _ text: UnsafePointer<CChar>?, _ name: String = "pointer"
  ) throws(HostError) -> UnsafeRawBufferPointer {
    guard let text else { throw HostError(.invalidArgument, "\(name): is NULL") }
    let bytes = UnsafeRawBufferPointer(start: text, count: strlen(text))
    guard UTF8Text.isValid(bytes) else { throw HostError(.invalidArgument, "\(name): is not UTF-8") }
    if let error = FlatPointer.check(bytes) {
      throw HostError(pointer: error, in: String(decoding: bytes, as: UTF8.self), argument: name)
    }
    return bytes
  }

  /// A run of bytes; NULL is allowed where there are none.
  static func bytes(
    _ bytes: UnsafeRawPointer?, _ length: Int, _ name: String
  ) throws(HostError) -> UnsafeRawBufferPointer {
    guard length >= 0 else { throw HostError(.invalidArgument, "\(name): the length is out of range") }
    guard bytes != nil || length == 0 else { throw HostError(.invalidArgument, "\(name): is NULL") }
    return UnsafeRawBufferPointer(start: bytes, count: length)
  }

  /// A text with its length, or `SYNQ_NUL_TERMINATED`.
  static func text(
    _ text: UnsafePointer<CChar>?, _ length: Int, _ name: String
  ) throws(HostError) -> UnsafeRawBufferPointer {
    guard let text else { throw HostError(.invalidArgument, "\(name): is NULL") }
    let length = length == nulTerminated ? strlen(text) : length
    return try bytes(UnsafeRawPointer(text), length, name)
  }

  /// JSON text.
  static func json(
    _ source: UnsafePointer<CChar>?, _ length: Int, _ name: String = "text"
  ) throws(HostError) -> JSON {
    let bytes = try text(source, length, name)
    do throws(JSONError) {
      return try JSON(parsing: bytes, limits: .ofProgram)
    } catch {
      throw HostError(parsing: error, argument: name)
    }
  }

  /// A list of texts ended by NULL; nil if there is none.
  static func strings(
    _ list: UnsafePointer<UnsafePointer<CChar>?>?, _ name: String
  ) throws(HostError) -> [String]? {
    guard let list else { return nil }
    var strings: [String] = []
    while let text = list[strings.count] { strings.append(try string(text, "\(name)[\(strings.count)]")) }
    return strings
  }

  /// A place for a result.
  static func out<Value>(
    _ out: UnsafeMutablePointer<Value>?, _ name: String = "out"
  ) throws(HostError) -> UnsafeMutablePointer<Value> {
    guard let out else { throw HostError(.invalidArgument, "\(name): is NULL") }
    return out
  }

  /// `SYNQ_NUL_TERMINATED`, whose cast the importer does not take.
  private static let nulTerminated = -1
}
