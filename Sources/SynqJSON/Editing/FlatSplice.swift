#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Makes the bytes of a value with one change in one container: headers and tables of all containers above it are
/// written anew, everything else is copied.
enum FlatSplice {
  /// A container on the way to the change.
  struct Level {
    let container: FlatContainer
    /// The value in it that leads on.
    let child: UnsafeRawPointer
  }

  /// What a container's content becomes.
  private struct Shape {
    let payloadSize: Int
    let count: Int

    var isLarge: Bool { payloadSize > FlatLayout.maxSmallPayload }
    var header: Int { isLarge ? FlatLayout.largeHeader : FlatLayout.smallHeader }
    var table: Int { isLarge ? 4 * FlatLayout.tableEntries(count: count) : 0 }
    var size: Int { header + payloadSize + table }
  }

  /// - Parameter ancestors: the containers above the edited one, the root first.
  static func apply(_ edit: FlatEdit, below ancestors: [Level]) throws(JSONEditError.Code) -> JSON {
    guard let container = edit.container else { return edit.root ?? .null }
    let inner = Shape(
      payloadSize: container.payloadSize - (edit.end - edit.start) + edit.bytesAdded,
      count: container.count + edit.added)
    // Shapes from the inside out, as each size depends on the one below.
    var shapes: [Shape] = []
    var size = inner.size
    for level in ancestors.reversed() {
      let shape = Shape(
        payloadSize: level.container.payloadSize - FlatLayout.size(level.child) + size,
        count: level.container.count)
      shapes.append(shape)
      size = shape.size
    }
    guard size <= FlatAssembly.maxSize else { throw .tooLarge }

    let (storage, bytes) = FlatStorage.make(count: size)
    var out = bytes
    // From the outside in: headers, and what precedes the change.
    for (depth, level) in ancestors.enumerated() {
      writeHeader(&out, shapes[ancestors.count - 1 - depth], isObject: level.container.isObject)
      copy(&out, from: level.container.payload, to: level.child)
    }
    writeHeader(&out, inner, isObject: container.isObject)
    let payload = UnsafeRawPointer(out)
    copy(&out, from: container.payload, to: edit.start)
    if let key = edit.key { key.withFlatBytes { copy(&out, $0) } }
    if let value = edit.value { value.withFlatBytes { copy(&out, $0) } }
    copy(&out, from: edit.end, to: container.payloadEnd)
    writeTable(&out, payload, inner, container, edit)
    // And back: what follows the change.
    var index = 0
    for level in ancestors.reversed() {
      let childSize = index == 0 ? inner.size : shapes[index - 1].size
      copy(&out, from: level.child + FlatLayout.size(level.child), to: level.container.payloadEnd)
      let start = UnsafeRawPointer(out) - shapes[index].payloadSize
      writeTable(&out, start, shapes[index], level, grownBy: childSize - FlatLayout.size(level.child))
      index += 1
    }
    return JSON(storage: storage, start: UnsafeRawPointer(bytes))
  }

  private static func writeHeader(_ out: inout UnsafeMutableRawPointer, _ shape: Shape, isObject: Bool) {
    if shape.isLarge {
      FlatAssembly.writeLargeHeader(
        out, isObject: isObject, size: shape.payloadSize + shape.table, count: shape.count)
    } else {
      out.storeBytes(of: isObject ? FlatLayout.smallObject : FlatLayout.smallArray, as: UInt8.self)
      out.storeBytes(of: UInt8(truncatingIfNeeded: shape.payloadSize), toByteOffset: 1, as: UInt8.self)
      out.storeBytes(of: UInt8(truncatingIfNeeded: shape.count), toByteOffset: 2, as: UInt8.self)
    }
    out += shape.header
  }

  private static func copy(_ out: inout UnsafeMutableRawPointer, from: UnsafeRawPointer, to: UnsafeRawPointer)
  {
    memcpy(out, from, to - from)
    out += to - from
  }

  private static func copy(_ out: inout UnsafeMutableRawPointer, _ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress else { return }
    memcpy(out, source, bytes.count)
    out += bytes.count
  }

  private static func writeEntry(_ out: inout UnsafeMutableRawPointer, _ offset: Int) {
    out.storeBytes(of: UInt32(truncatingIfNeeded: offset).littleEndian, as: UInt32.self)
    out += 4
  }

  /// The table of a container above the change: what follows the child has moved.
  private static func writeTable(
    _ out: inout UnsafeMutableRawPointer, _ payload: UnsafeRawPointer, _ shape: Shape, _ level: Level,
    grownBy growth: Int
  ) {
    guard shape.table > 0 else { return }
    let old = level.container
    guard old.tableEntries > 0 else {
      writeTable(&out, walking: payload, isObject: old.isObject, entries: shape.table / 4)
      return
    }
    let child = level.child - old.payload
    for entry in 0..<(shape.table / 4) {
      let offset = old.tableOffset(entry)
      writeEntry(&out, offset > child ? offset + growth : offset)
    }
  }

  /// The table of the changed container. Behind an insertion or a removal, each entry is another element's.
  private static func writeTable(
    _ out: inout UnsafeMutableRawPointer, _ payload: UnsafeRawPointer, _ shape: Shape, _ old: FlatContainer,
    _ edit: FlatEdit
  ) {
    guard shape.table > 0 else { return }
    guard old.tableEntries > 0 else {
      writeTable(&out, walking: payload, isObject: old.isObject, entries: shape.table / 4)
      return
    }
    let growth = edit.bytesAdded - (edit.end - edit.start)
    for entry in 0..<(shape.table / 4) {
      let index = FlatLayout.stride * (entry + 1)
      // A replaced or removed element starts where it did, and so does an inserted one.
      if index < edit.index || (index == edit.index && edit.added >= 0) {
        writeEntry(&out, old.element(index) - old.payload)
      } else {
        writeEntry(&out, old.element(index - edit.added) - old.payload + growth)
      }
    }
  }

  /// The table of a container that had none.
  private static func writeTable(
    _ out: inout UnsafeMutableRawPointer, walking payload: UnsafeRawPointer, isObject: Bool, entries: Int
  ) {
    var at = payload
    for _ in 0..<entries {
      for _ in 0..<(isObject ? 2 * FlatLayout.stride : FlatLayout.stride) { at += FlatLayout.size(at) }
      writeEntry(&out, at - payload)
    }
  }
}
