/// Builds a value in one pass, front to back.
/// ```swift
/// var builder = JSONBuilder()
/// builder.beginObject()
/// builder.key("id")
/// builder.append(integer: 42)
/// builder.endObject()
/// let value = builder.finish()                        // {"id":42}
/// ```
/// The last member of a name counts, as in the parser. Every call is O(bytes that it adds), amortised.
/// - Precondition: calls are balanced: in an object each value follows its key, what begins ends, and there is
///   exactly one root. A call out of place, and a value beyond 4 GiB, is a mistake of the program and traps.
public struct JSONBuilder: ~Copyable {
  private var assembly: FlatAssembly
  private var hasKey = false

  /// An empty builder with room for `capacity` bytes.
  public init(capacity: Int = 256) {
    assembly = FlatAssembly(capacity: capacity)
  }

  @inline(__always)
  private mutating func room(_ bytes: Int) {
    precondition(assembly.reserve(bytes), "a JSON value is limited to 4 GiB")
  }

  /// What precedes every value: its place must be right, and in an array it is counted.
  @inline(__always)
  private mutating func place() {
    if assembly.frames.count == 0 {
      precondition(assembly.size == 0, "the builder has its root already")
    } else if assembly.frames.top.pointee.isObject {
      precondition(hasKey, "in an object, a value follows its key")
      hasKey = false
    } else {
      assembly.beginElement()
    }
  }

  /// Starts an object; until its end, keys and values take turns.
  public mutating func beginObject() {
    place()
    room(FlatLayout.largeHeader)
    assembly.open(isObject: true)
  }

  /// Ends the innermost object.
  public mutating func endObject() {
    precondition(
      assembly.frames.count > 0 && assembly.frames.top.pointee.isObject && !hasKey,
      "endObject() ends an object whose last key has its value")
    precondition(assembly.close(), "a JSON value is limited to 4 GiB")
  }

  /// Starts an array.
  public mutating func beginArray() {
    place()
    room(FlatLayout.largeHeader)
    assembly.open(isObject: false)
  }

  /// Ends the innermost array.
  public mutating func endArray() {
    precondition(
      assembly.frames.count > 0 && !assembly.frames.top.pointee.isObject, "endArray() ends an array")
    precondition(assembly.close(), "a JSON value is limited to 4 GiB")
  }

  /// Gives the name of the next member.
  public mutating func key(_ name: String) {
    var name = name
    name.withUTF8 { key(utf8: UnsafeRawBufferPointer($0)) }
  }

  /// Gives the name of the next member.
  /// - Precondition: the bytes are UTF-8.
  package mutating func key(utf8 name: UnsafeRawBufferPointer) {
    precondition(
      assembly.frames.count > 0 && assembly.frames.top.pointee.isObject && !hasKey,
      "a key starts a member of an object")
    hasKey = true
    assembly.beginElement()
    let offset = assembly.size
    write(string: name)
    let key = UnsafeRawPointer(assembly.base + offset)
    assembly.noteKey(key, UnsafeRawPointer(assembly.out) - key)
  }

  @inline(__always)
  private mutating func write(string text: UnsafeRawBufferPointer) {
    write(tag: FlatLayout.needsEscape(text) ? FlatLayout.escapedString : 0x40, text)
  }

  private mutating func write(tag: UInt8, _ text: UnsafeRawBufferPointer) {
    room(5 + text.count)
    FlatLayout.writeTextHeader(assembly.out, tag: tag, count: text.count)
    assembly.out += FlatLayout.textHeader(tag: tag, count: text.count)
    guard let source = text.baseAddress else { return }
    assembly.out.copyMemory(from: source, byteCount: text.count)
    assembly.out += text.count
  }

  /// Adds a value: its bytes are copied.
  public mutating func append(_ json: JSON) {
    place()
    json.withFlatBytes { append(placed: $0) }
  }

  /// Adds a value given as canonical flat bytes.
  package mutating func append(flat bytes: UnsafeRawBufferPointer) {
    place()
    append(placed: bytes)
  }

  private mutating func append(placed bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress else { return }
    room(bytes.count)
    assembly.out.copyMemory(from: source, byteCount: bytes.count)
    assembly.out += bytes.count
  }

  /// Adds a string.
  public mutating func append(string: String) {
    var string = string
    string.withUTF8 { append(utf8: UnsafeRawBufferPointer($0)) }
  }

  /// Adds a string.
  /// - Precondition: the bytes are UTF-8.
  package mutating func append(utf8 text: UnsafeRawBufferPointer) {
    place()
    write(string: text)
  }

  /// Adds an integer.
  public mutating func append(integer: some BinaryInteger) {
    place()
    var text = String(integer)
    text.withUTF8 { write(tag: 0, UnsafeRawBufferPointer($0)) }
  }

  /// Adds a real number in its shortest form. Throws `numberOutOfRange`, adding nothing, for infinities and NaN.
  public mutating func append(double: Double) throws(JSONError) {
    guard double.isFinite else { throw JSONError(.numberOutOfRange, at: 0) }
    place()
    var text = double.description
    text.withUTF8 { write(tag: 0, UnsafeRawBufferPointer($0)) }
  }

  /// Adds `true` or `false`.
  public mutating func append(bool: Bool) { append(JSON(bool)) }

  /// Adds `null`.
  public mutating func appendNull() { append(.null) }

  /// The finished value. The builder is empty afterwards and cannot be used again.
  public consuming func finish() -> JSON {
    precondition(assembly.size > 0 && assembly.frames.count == 0, "finish() needs one root, and all ends")
    return assembly.take()
  }

  /// The finished value, when the builder is part of something that cannot be consumed. It cannot be used again.
  mutating func take() -> JSON {
    precondition(assembly.size > 0 && assembly.frames.count == 0, "take() needs one root, and all ends")
    return assembly.take()
  }

  /// A state to which the builder can go back as long as what was open then is open.
  struct Mark {
    let size: Int
    let frames: Int
    let keys: Int
    let table: Int
    let count: UInt32
    let hasKey: Bool
  }

  var mark: Mark {
    Mark(
      size: assembly.size, frames: assembly.frames.count, keys: assembly.keys.count,
      table: assembly.table.count,
      count: assembly.frames.count > 0 ? assembly.frames.top.pointee.count : 0, hasKey: hasKey)
  }

  /// Forgets all that was added since.
  mutating func rollBack(to mark: Mark) {
    assembly.out = assembly.base + mark.size
    assembly.frames.truncate(to: mark.frames)
    assembly.keys.truncate(to: mark.keys)
    assembly.table.truncate(to: mark.table)
    if mark.frames > 0 { assembly.frames.top.pointee.count = mark.count }
    hasKey = mark.hasKey
  }
}
