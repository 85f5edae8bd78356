/// What the parser refuses to take from a text.
public struct JSONLimits: Sendable, Hashable {
  /// How deep arrays and objects may be nested. Stops a few kilobytes of `[[[[` from overflowing the stack of
  /// whatever walks the value recursively later: a host's JSON library, a browser. Default 128. An array of
  /// numbers has depth 1, a number has depth 0.
  public var maxDepth: Int
  /// The largest text in bytes. Stops one text from taking the memory. Default 64 MiB, at most 1 GiB counts.
  public var maxBytes: Int
  /// How many values a text may hold, members and elements included. Stops a megabyte of `[],[],[]` from
  /// becoming a hundred in a host that turns it into a tree of objects. Default 4 million.
  public var maxNodes: Int
  /// The longest number in bytes. Stops numbers of a million digits, which take quadratic time where a host
  /// converts them to a big integer. Default 1,024.
  public var maxNumberLength: Int

  /// Makes limits; each has the default of its property.
  public init(
    maxDepth: Int = 128, maxBytes: Int = 64 << 20, maxNodes: Int = 4_000_000, maxNumberLength: Int = 1024
  ) {
    self.maxDepth = maxDepth
    self.maxBytes = maxBytes
    self.maxNodes = maxNodes
    self.maxNumberLength = maxNumberLength
  }

  /// How deep a value may be that a program keeps, sends or takes as a tree of another library: jansson's parser goes as
  /// far, and whoever frees such a tree recurses over it. No setting goes beyond.
  package static let maxDepthThatCounts = 2_048

  /// Those of a text that the program itself made: only what nobody could bear is refused.
  package static let ofProgram = JSONLimits(
    maxDepth: maxDepthThatCounts, maxBytes: maxBytesThatCount, maxNodes: .max, maxNumberLength: .max)

  /// What `maxBytes` cannot exceed: the layout's sizes are 32 bits, and text may grow in it.
  package static let maxBytesThatCount = 1 << 30
}
