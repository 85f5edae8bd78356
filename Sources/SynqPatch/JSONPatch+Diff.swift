@_spi(Flat) import SynqJSON

extension JSONPatch {
  /// The operations that turn `old` into `new`: an array, empty when the two are equal.
  ///
  /// The patch is made to be small: what did not change is not in it, elements that moved in a list are moved,
  /// and a value whose patch would be longer than itself is replaced. The order of members is no difference;
  /// the spelling of numbers is one (`1` and `1.0`).
  ///
  /// Complexity: O(1) for values that share storage; O(size) where elements keep their order, and then mostly
  /// a `memcmp`; O(size + n log n) for n elements that moved. Bounded in stack for values of any depth.
  public static func diff(from old: JSON, to new: JSON, options: DiffOptions = .default) -> JSON {
    var text = ByteWriter()
    text.append(0x5B)
    let count = run(from: old, to: new, options, into: &text)
    if count == 0 { return .emptyArray }
    text.append(0x5D)
    // The text was written here from two values, so only its size could be refused.
    let limits = JSONLimits(maxDepth: .max, maxBytes: .max, maxNodes: .max, maxNumberLength: .max)
    return text.withUnsafeBytes { bytes in
      do {
        return try JSON(parsing: bytes, limits: limits)
      } catch {
        preconditionFailure("a JSON value is limited to 1 GiB of text: \(error)")
      }
    }
  }

  /// Writes the operations that turn `old` into `new`, as ``diff(from:to:options:)`` gives them, as compact text:
  /// the array with its brackets. Returns the number of operations.
  @discardableResult
  public static func writeDiff(
    from old: JSON, to new: JSON, options: DiffOptions = .default, into out: inout ByteWriter
  ) -> Int {
    out.append(0x5B)
    let count = run(from: old, to: new, options, into: &out)
    out.append(0x5D)
    return count
  }

  /// Appends the operations that turn `old` into `new`, separated by commas and without the array's brackets.
  ///
  /// - Parameters:
  ///   - old: the value before; nil if there was none, which makes an addition.
  ///   - new: the value after; nil if there is none, which makes a removal.
  ///   - prefix: where the value stands in the document: the text of a pointer, escaped as one.
  ///   - follows: whether an operation stands before, which needs a comma.
  /// - Returns: the number of operations, 0 for equal values.
  package static func appendDiff(
    from old: JSON?, to new: JSON?, at prefix: String, options: DiffOptions = .default,
    follows: Bool = false, into out: inout ByteWriter
  ) -> Int {
    if let old, let new, old.start == new.start { return 0 }
    var prefix = prefix
    return prefix.withUTF8 { prefix in
      let prefix = UnsafeRawBufferPointer(prefix)
      if let old, let new {
        return run(from: old, to: new, options, at: prefix, follows: follows, into: &out)
      }
      return withDiffer(options, at: prefix, follows: follows, into: &out) { differ in
        if let new {
          differ.emitAdd(new.start)
        } else if old != nil {
          differ.emitRemove()
        }
      }
    }
  }

  @inline(__always)
  private static func run(
    from old: JSON, to new: JSON, _ options: DiffOptions,
    at prefix: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0), follows: Bool = false,
    into out: inout ByteWriter
  ) -> Int {
    if old.start == new.start { return 0 }
    return withDiffer(options, at: prefix, follows: follows, into: &out) {
      $0.diffRoots(old.start, new.start)
    }
  }

  @inline(__always)
  private static func withDiffer(
    _ options: DiffOptions, at prefix: UnsafeRawBufferPointer, follows: Bool, into out: inout ByteWriter,
    _ body: (inout UnsafeDiffer) -> Void
  ) -> Int {
    withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 16) { memory in
      withUnsafeMutablePointer(to: &out) { out in
        var differ = UnsafeDiffer(
          into: out, follows: follows, prefix: prefix, identity: options.identity, memory: memory)
        body(&differ)
        return differ.operations
      }
    }
  }
}
