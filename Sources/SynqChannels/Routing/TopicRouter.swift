/// Finds the channel for a topic: the exact one, else the one with the longest prefix.
package struct TopicRouter: Sendable {
  private var exact: [Topic: ChannelSpec] = [:]
  /// The longest prefix first.
  private var prefixes: [ChannelSpec] = []
  package private(set) var specs: [ChannelSpec] = []

  package init() {}

  /// Adds a channel; nil, and nothing is added, when the pattern is taken.
  @discardableResult
  package mutating func add(
    _ pattern: TopicPattern, options: ChannelSpec.Options, callbacks: ChannelSpec.Callbacks
  ) -> ChannelSpec? {
    guard !specs.contains(where: { $0.pattern == pattern }) else { return nil }
    let spec = ChannelSpec(pattern: pattern, options: options, callbacks: callbacks, index: specs.count)
    specs.append(spec)
    if pattern.isPrefix {
      let length = pattern.prefix.utf8.count
      let place = prefixes.firstIndex { $0.pattern.prefix.utf8.count < length } ?? prefixes.endIndex
      prefixes.insert(spec, at: place)
    } else {
      exact[Topic(pattern.prefix)] = spec
    }
    return spec
  }

  /// The channel for `topic`. O(number of prefixes) where no exact topic matches.
  package func match(_ topic: String) -> ChannelSpec? {
    exact[Topic(topic)] ?? prefixes.first { $0.pattern.matches(topic) }
  }
}
