import SynqJSON

/// What a host registered for a topic pattern: the options, and which callbacks it has.
///
/// Immutable and shared by every channel of the pattern.
public final class ChannelSpec: Sendable {
  /// Which callbacks the host gave; the engine does not ask for the others.
  public struct Callbacks: OptionSet, Sendable {
    public var rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let authorize = Callbacks(rawValue: 1)
    public static let initialize = Callbacks(rawValue: 2)
    public static let handleEvent = Callbacks(rawValue: 4)
    public static let handleMessage = Callbacks(rawValue: 8)
    public static let beforeClose = Callbacks(rawValue: 16)
    public static let all: Callbacks = [.authorize, .initialize, .handleEvent, .handleMessage, .beforeClose]
  }

  /// The options of SPEC, section 2.
  public struct Options: Sendable {
    /// Names of the assigns to synchronise; every other assign stays on the server.
    public var track: [String] = []
    /// The highest version; the next one is 0.
    public var maxVersion = 1000
    public var dialect = Dialect.synq
    /// Object members dropped from tracked state at any depth.
    public var ignoreKeys = ["__meta__"]
    /// Broadcasts of these events go to `handle_message` instead of the client.
    public var intercept: Set<String> = []
    /// Whether tracked state may have members named `__proto__`, `constructor` or `prototype`, which a careless
    /// JavaScript client turns into changes of its own objects' prototype.
    public var allowsPrototypeKeys = false

    public init() {}
  }

  public let pattern: TopicPattern
  public let options: Options
  public let callbacks: Callbacks
  /// The place of the spec in its router, for the host to find its callbacks by.
  public let index: Int
  /// The pointers to the tracked assigns, "/count", in the order of `options.track`.
  let trackedPointers: [String]

  public init(pattern: TopicPattern, options: Options, callbacks: Callbacks, index: Int) {
    self.pattern = pattern
    self.options = options
    self.callbacks = callbacks
    self.index = index
    trackedPointers = options.track.map { JSONPointer(tokens: [$0]).description }
  }

  /// Whether channels of this pattern have state to synchronise.
  public var hasState: Bool { !options.track.isEmpty }
}
