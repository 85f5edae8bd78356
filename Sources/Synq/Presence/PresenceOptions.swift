import SynqChannels
import SynqHosting
import SynqJSON

/// Who is here: what a channel says about its presences, and their limits. What puts a client there is
/// ``Socket/track(_:_:)-(_,JSON)``.
public struct PresenceOptions: Sendable {
  /// Keys that one topic may have; beyond it `track` throws `limit`. At least 1. Default 10,000.
  public var maxKeys: Int
  /// Bytes that the keys and metas of one topic may have; beyond it `track` and `updatePresence` throw `limit`. At least 1.
  /// Default 4,000,000.
  public var maxBytes: Int
  /// The assign that the library keeps to who is here, `{"ann": {"metas": […]}}`: it is tracked and shared without being named in
  /// ``ChannelOptions``, and clients get no presence messages. Default: none.
  public var assign: String?
  /// Finds what is shown of keys beside their metas: names, pictures. It gets the topic and the keys that came or changed,
  /// `{"ann": {"metas": […]}}`, all keys of a change at once, and returns `{"ann": {"name": "Ann"}}`. The change is told when
  /// it has returned. What it throws is logged, and the metas are shown alone. Default: none.
  public var fetch: (@Sendable (_ topic: String, _ presences: JSON) async throws -> JSON)?
  /// Called when the first channel of a key came (true), and when the last one went (false); those of one topic one at a
  /// time, in order. Who goes and comes back at once is not reported. Default: none.
  public var onChange: (@Sendable (_ topic: String, _ key: String, _ isPresent: Bool) -> Void)?

  /// Makes options; each has the default of its property.
  public init(
    assign: String? = nil, maxKeys: Int = 10_000, maxBytes: Int = 4_000_000,
    fetch: (@Sendable (_ topic: String, _ presences: JSON) async throws -> JSON)? = nil,
    onChange: (@Sendable (_ topic: String, _ key: String, _ isPresent: Bool) -> Void)? = nil
  ) {
    self.assign = assign
    self.maxKeys = maxKeys
    self.maxBytes = maxBytes
    self.fetch = fetch
    self.onChange = onChange
  }

  /// Their limits in the engine's form.
  func checked() throws(HostError) -> PresenceLimits {
    var limits = PresenceLimits()
    guard maxKeys >= 1 else { throw HostError(.invalidArgument, "maxKeys: \(maxKeys) is not at least 1") }
    guard maxBytes >= 1 else { throw HostError(.invalidArgument, "maxBytes: \(maxBytes) is not at least 1") }
    limits.maxKeys = maxKeys
    limits.maxBytes = maxBytes
    return limits
  }

  /// Who runs the callbacks; nil where there are none.
  var host: (any PresenceHost)? { fetch == nil && onChange == nil ? nil : PresenceOptionsHost(self) }
}

/// Runs the callbacks of presence options.
final class PresenceOptionsHost: PresenceHost {
  private let options: PresenceOptions

  init(_ options: PresenceOptions) { self.options = options }

  var fetchesPresence: Bool { options.fetch != nil }
  var watchesPresence: Bool { options.onChange != nil }

  func fetchPresence(_ request: PresenceFetch) {
    guard let fetch = options.fetch else { return }
    Task {
      do {
        request.finish(.success(try await fetch(request.topic, request.presences)))
      } catch {
        request.finish(.failure(HostError(.state, "\(error)")))
      }
    }
  }

  func presenceChanged(topic: String, key: String, isPresent: Bool) {
    options.onChange?(topic, key, isPresent)
  }
}
