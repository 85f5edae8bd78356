import SynqJSON
import Synchronization

/// What the channels that got the same message have made of it: their edits, and the patches that these led to.
///
/// In a room nearly all members have the same values and do the same with a message. The first of them makes the edit and
/// finds the difference; the next ones find both here, and so come to share its memory as well. Whoever has other values
/// finds nothing and works it out for itself. Lives as long as the message, and is empty once the host gave it up; callbacks
/// may ask on any thread.
///
/// `@unchecked Sendable`: `known` belongs to the thread that took `isTaken`.
package final class SharedWork: @unchecked Sendable {
  /// One change of one tracked assign, and what came of it.
  private final class Edit: Sendable {
    let spec: ChannelSpec
    /// The text of the pointer, the assign included.
    let pointer: [UInt8]
    let change: JSON.Change
    let old: JSON
    let new: JSON

    init(
      of old: JSON, _ change: JSON.Change, at pointer: UnsafeRawBufferPointer, by spec: ChannelSpec, new: JSON
    ) {
      self.spec = spec
      self.pointer = Array(pointer)
      self.change = change
      self.old = old
      self.new = new
    }

    func isOf(
      _ old: JSON, _ change: JSON.Change, at pointer: UnsafeRawBufferPointer, by spec: ChannelSpec
    ) -> Bool {
      self.spec === spec && self.pointer.elementsEqual(pointer) && self.change.hasSameBytes(as: change)
        && self.old.hasSameBytes(as: old)
    }
  }

  /// The operations from one value of a tracked assign to another.
  private final class Difference: Sendable {
    let spec: ChannelSpec
    let index: Int
    let follows: Bool
    let old: JSON
    let new: JSON
    let text: [UInt8]
    let operations: Int

    init(
      from old: JSON, to new: JSON, of index: Int, by spec: ChannelSpec, follows: Bool, text: [UInt8],
      operations: Int
    ) {
      self.spec = spec
      self.index = index
      self.follows = follows
      self.old = old
      self.new = new
      self.text = text
      self.operations = operations
    }

    func leads(from old: JSON, to new: JSON, of index: Int, by spec: ChannelSpec, follows: Bool) -> Bool {
      self.new.sharesStorage(with: new) && self.index == index && self.spec === spec
        && self.follows == follows
        && self.old.hasSameBytes(as: old)
    }
  }

  private struct Known: Sendable {
    var edits = Recent<Edit>()
    var differences = Recent<Difference>()
    private var bytes = 0

    /// What the values and texts of one message may take, which channels that are slow keep for long.
    private static let maxBytes = 1 << 20

    /// Whether there is room for so much more.
    mutating func admits(_ added: Int) -> Bool {
      guard bytes + added <= Self.maxBytes else { return false }
      bytes += added
      return true
    }
  }

  private var known = Known()
  // No Mutex: on Linux asking one whether it is free is a system call where it is not.
  private let isTaken = Atomic(false)
  private let isGivenUp = Atomic(false)

  package init() {}

  /// Lets go of everything; who asks from now on finds nothing.
  package func giveUp() {
    isGivenUp.store(true, ordering: .sequentiallyConsistent)
    _ = withKnown { _ in () }
  }

  /// Gives what `body` finds; nil also while another thread is here, as one that would have to wait is faster alone.
  @inline(__always)
  private func withKnown<Found>(_ body: (inout Known) -> Found?) -> Found? {
    guard !isTaken.exchange(true, ordering: .sequentiallyConsistent) else { return nil }
    let wasGivenUp = isGivenUp.load(ordering: .relaxed)
    var found: Found?
    if wasGivenUp { known = Known() } else { found = body(&known) }
    isTaken.store(false, ordering: .sequentiallyConsistent)
    // By a thread that could not come in meanwhile.
    if !wasGivenUp, isGivenUp.load(ordering: .sequentiallyConsistent) { giveUp() }
    return found
  }

  /// What `make` gives: the value after a change of an assign. Known where another channel made the same of an equal value.
  func edited(
    _ old: JSON, _ change: JSON.Change, at pointer: UnsafeRawBufferPointer, by spec: ChannelSpec,
    _ make: () throws(HostError) -> JSON
  ) throws(HostError) -> JSON {
    let edit = withKnown { $0.edits.first { $0.isOf(old, change, at: pointer, by: spec) } }
    if let edit { return edit.new }
    let new = try make()
    _ = withKnown { known in
      guard known.admits(old.flatSize + new.flatSize) else { return }
      known.edits.add { Edit(of: old, change, at: pointer, by: spec, new: new) }
    }
    return new
  }

  /// Appends what `append` does: the operations from one value of the tracked assign `index` to another.
  func appendDifference(
    from old: JSON, to new: JSON, of index: Int, by spec: ChannelSpec, follows: Bool,
    into writer: inout ByteWriter, _ append: (inout ByteWriter) -> Int
  ) -> Int {
    let difference = withKnown {
      $0.differences.first { $0.leads(from: old, to: new, of: index, by: spec, follows: follows) }
    }
    if let difference {
      writer.append(difference.text)
      return difference.operations
    }
    let start = writer.count
    let operations = append(&writer)
    _ = withKnown { known in
      guard known.admits(old.flatSize + new.flatSize + writer.count - start) else { return }
      known.differences.add {
        Difference(
          from: old, to: new, of: index, by: spec, follows: follows,
          text: writer.withUnsafeBytes { Array($0[start...]) }, operations: operations)
      }
    }
    return operations
  }
}

/// The few that were added last, until nobody finds anything.
private struct Recent<Element: AnyObject & Sendable>: Sendable {
  private var elements: [Element] = []
  /// The place of the oldest, once all are taken.
  private var oldest = 0
  /// How many looked in vain since one found something.
  private var misses = 0

  /// A callback makes few edits, and whoever looks in vain has looked at all of these.
  private static var maxElements: Int { 8 }
  /// Members that differ from one another so often all do, and need not look any more.
  private static var maxMisses: Int { 32 }

  mutating func first(where predicate: (Element) -> Bool) -> Element? {
    guard misses < Self.maxMisses else { return nil }
    let found = elements.first(where: predicate)
    misses = found == nil ? misses + 1 : 0
    if misses == Self.maxMisses { elements = [] }
    return found
  }

  mutating func add(_ make: () -> Element) {
    guard misses < Self.maxMisses else { return }
    guard elements.count == Self.maxElements else { return elements.append(make()) }
    elements[oldest] = make()
    oldest = (oldest + 1) % Self.maxElements
  }
}

extension JSON.Change {
  /// Whether both put the same bytes at a place in the same way.
  fileprivate func hasSameBytes(as other: JSON.Change) -> Bool {
    switch (self, other) {
    case (.set(let a), .set(let b)), (.add(let a), .add(let b)), (.insert(let a), .insert(let b)),
      (.append(let a), .append(let b)):
      a.hasSameBytes(as: b)
    case (.remove, .remove): true
    case (.set, _), (.add, _), (.insert, _), (.append, _), (.remove, _): false
    }
  }
}
