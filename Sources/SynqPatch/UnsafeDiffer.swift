@_spi(Flat) import SynqJSON

/// One run of the diff: walks two flat values and writes the operations that turn the first into the second.
///
/// The values are trees of bytes in which equal content is equal bytes, so the walk looks for the first byte
/// that differs, maps it to the element that holds it, and goes down only there; how many bytes of that
/// element are known to be equal goes down too, so that no level reads them again. Two kinds of work are
/// speculative, looking ahead in lists and hashing what is left of them: these draw on `budget`, which makes
/// the whole linear in the size of the values (n log n where things moved), whatever a peer sends.
///
/// What is written is compact JSON text. A sub-patch that came out longer than its replacement is cut off
/// and written as the replacement; one that must be longer is not written to its end, since each of its
/// operations has the whole path, which a long key makes long.
struct UnsafeDiffer: ~Copyable {
  /// One token of the way down: the key of a member, or an index.
  struct Step {
    let key: FlatPlace?
    let index: Int
  }

  /// Where the text goes.
  let out: UnsafeMutablePointer<ByteWriter>
  /// The way from the roots to the place being compared.
  var path: ScratchStack<Step>
  /// The operations written so far.
  var operations = 0
  /// Levels that may still be gone down; below, a difference becomes a replacement.
  var levels = UnsafeDiffer.maxLevels
  /// Bytes that speculative work may still look at.
  var budget = 0
  /// Bytes of text that may still be written and cut off again, and elements that may be matched. A value that is nested deep, with much on each level, is
  /// written once for each level on the way to finding that the whole is replaced.
  var waste = 0
  /// The waste is used up: the roots are replaced.
  var isGivenUp = false
  /// Where in `out` the replacement of what is being compared would end at most: what goes on beyond is not written.
  var limit = Int.max
  /// Whether an operation stands before the first one.
  let follows: Bool
  /// Where the first operation starts in `out`.
  let base: Int
  /// Where the roots stand: the text of a pointer, and whether it stands in a JSON string as it is.
  let prefix: UnsafeRawBufferPointer
  let isPrefixPlain: Bool
  let identity: IdentityNames

  // Scratch for the levels above and this one.
  var gaps: ScratchStack<Gap>
  var oldMembers = ScratchStack<FlatPlace?>()
  var newMembers = ScratchStack<FlatPlace?>()
  var oldSide = ScratchStack<Entry>()
  var newSide = ScratchStack<Entry>()
  var chains = HashChains()
  var sizes = TextSizes()

  /// Bounds the recursion: 1.5 times what the parser accepts by default, at some 400 bytes of stack a level.
  static let maxLevels = 192

  /// The most that is looked at for speculation, and written in vain, for values of any size: some 50 ms each, so that two
  /// large values do not hold up who waits for the thread.
  static let maxBudget = 32 << 20
  static let maxWaste = 4 << 20
  /// What an element that is matched counts as.
  static let wastePerEntry = 16

  /// Bytes of `{"op":"replace","path":"","value":}`.
  static let replaceOverhead = 35

  /// Bytes of text that a byte of a flat value becomes at most: a control character in a string, `\u0001`.
  static let maxTextGrowth = 6

  /// - Parameter memory: for the first levels and gaps; outlives the differ.
  init(
    into out: UnsafeMutablePointer<ByteWriter>, follows: Bool, prefix: UnsafeRawBufferPointer,
    identity: IdentityNames, memory: UnsafeMutableRawBufferPointer
  ) {
    self.out = out
    self.follows = follows
    self.prefix = prefix
    self.identity = identity
    base = out.pointee.count
    isPrefixPlain = !FlatLayout.needsEscape(prefix)
    let half = memory.count / 2
    path = ScratchStack(borrowing: UnsafeMutableRawBufferPointer(rebasing: memory[..<half]))
    gaps = ScratchStack(borrowing: UnsafeMutableRawBufferPointer(rebasing: memory[half...]))
  }

  /// Writes what turns one whole value into another.
  mutating func diffRoots(_ old: FlatPlace, _ new: FlatPlace) {
    // Constants are values too, and have less memory behind them than elements have.
    let tag = FlatLayout.tag(old)
    let size = FlatLayout.size(old)
    guard FlatLayout.isContainer(tag), (tag ^ FlatLayout.tag(new)) & 0xFE == 0 else {
      let isSame = size == FlatLayout.size(new) && FlatLayout.equal(old, new, size)
      if !isSame { emitReplace(new) }
      return
    }
    budget = min(16 * (size + FlatLayout.size(new)) + 65536, Self.maxBudget)
    waste = min(budget, Self.maxWaste)
    let start = out.pointee.count
    let before = operations
    diff(old, new, known: 0)
    guard isGivenUp else { return }
    out.pointee.truncate(to: start)
    operations = before
    limit = .max
    emitReplace(new)
  }

  /// Writes what turns `old` into `new`, both at `path`.
  ///
  /// - Parameter known: how many bytes at the start of the two are known to be equal.
  /// - Precondition: scalars are not the same bytes.
  mutating func diff(_ old: FlatPlace, _ new: FlatPlace, known: Int) {
    let tag = FlatLayout.tag(old)
    // Arrays and objects differ in bit 3, the size classes of each in bit 0.
    guard FlatLayout.isContainer(tag), (tag ^ FlatLayout.tag(new)) & 0xFE == 0, levels > 0 else {
      emitReplace(new)
      return
    }
    guard !isGivenUp else { return }
    let start = out.pointee.count
    let before = operations
    let size = FlatLayout.size(new)
    let outerLimit = limit
    limit = min(outerLimit, start &+ Self.replaceOverhead &+ pathSize &+ Self.maxTextGrowth &* size &+ 1)
    levels &-= 1
    if FlatLayout.isObject(tag) {
      diffObjects(old, new, known: known)
    } else {
      diffArrays(old, new, known: known)
    }
    levels &+= 1
    let isOver = out.pointee.count > limit
    // Nothing more is written on the way back.
    limit = isGivenUp ? -1 : outerLimit
    guard !isGivenUp else { return }
    if isOver { return replace(with: new, from: start, operations: before) }
    // Text is hardly ever below three quarters of the flat bytes, in an object never by much, so small patches need
    // no count.
    let least = size / 4 &* 3 &- (FlatLayout.isObject(tag) ? 0 : 8)
    if out.pointee.count &- start > Self.replaceOverhead &+ least {
      replaceIfShorter(new, from: start, operations: before)
    }
  }

  /// Too much was done: nothing more is, and the roots are replaced.
  mutating func giveUp() {
    isGivenUp = true
    limit = -1
  }

  /// Cuts the sub-patch that starts at `start` off and writes the replacement if that is shorter.
  @inline(never)
  private mutating func replaceIfShorter(_ new: FlatPlace, from start: Int, operations before: Int) {
    let comma = start > base || follows ? 1 : 0
    let room = out.pointee.count - start - comma - Self.replaceOverhead - pathSize
    guard room > 0, sizes.text(new, limit: room) < room else { return }
    replace(with: new, from: start, operations: before)
  }

  /// Cuts the sub-patch that starts at `start` off and writes the replacement.
  private mutating func replace(with new: FlatPlace, from start: Int, operations before: Int) {
    waste &-= out.pointee.count &- start
    guard waste >= 0 else { return giveUp() }
    out.pointee.truncate(to: start)
    operations = before
    emitReplace(new)
  }
}
