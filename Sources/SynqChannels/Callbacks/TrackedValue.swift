@_spi(Flat) import SynqJSON
import SynqPatch

/// What a tracked assign is, and how it came to be that.
///
/// A type of this module: an array of optionals of another module's type is copied and freed by way of its metadata.
struct TrackedValue: Sendable {
  /// Nil where the assign was never set, or was removed.
  private(set) var json: JSON?
  /// Which of the values that this assign has had; never the same twice.
  private var number: UInt64 = 0
  /// The value before, if this one differs from it at one place alone.
  private var origin: (number: UInt64, place: JSONPointer)?

  /// Becomes another value.
  ///
  /// - Parameter pointer: where alone it differs from what it was, the text of a pointer; nil if that is not known.
  mutating func become(_ json: JSON?, editedAt pointer: UnsafeRawBufferPointer?) {
    if let json, let pointer {
      replace(with: json, editedAt: JSONPointer(checked: pointer))
    } else {
      replace(with: json)
    }
  }

  /// Becomes another value.
  mutating func replace(with json: JSON?) {
    self.json = json
    number &+= 1
    origin = nil
  }

  /// Becomes a value that has something else at `place`, and there alone.
  mutating func replace(with json: JSON, editedAt place: JSONPointer) {
    self.json = json
    origin = (number, place)
    number &+= 1
  }

  /// The one place where this value differs from an earlier one of the same assign, where that is known.
  func place(editedSince earlier: TrackedValue) -> JSONPointer? {
    guard let origin, origin.number == earlier.number else { return nil }
    return origin.place
  }

  /// Appends the operations that lead from an earlier value of the assign to this one. One edit of a large value is
  /// found at once.
  func appendDiff(
    since earlier: TrackedValue, at pointer: String, follows: Bool, into writer: inout ByteWriter
  ) -> Int {
    guard let place = place(editedSince: earlier) else {
      return JSONPatch.appendDiff(from: earlier.json, to: json, at: pointer, follows: follows, into: &writer)
    }
    return JSONPatch.appendDiff(
      from: earlier.json?[place], to: json?[place], at: pointer + place.description, follows: follows,
      into: &writer)
  }

  /// Whether both are the same memory, and so equal without a comparison.
  @inline(__always)
  func sharesStorage(with other: TrackedValue) -> Bool { json?.start == other.json?.start }
}

extension TrackedValue: Equatable {
  static func == (a: TrackedValue, b: TrackedValue) -> Bool { a.json == b.json }
}
