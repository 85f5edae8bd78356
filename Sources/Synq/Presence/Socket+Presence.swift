import SynqChannels
import SynqHosting
import SynqJSON

/// Who is here: Phoenix.Presence. From any thread, at any time, but not inside `authorize`.
///
/// A channel is present under keys that it tracks, mostly one: the user's id. A key has the metas of all of its channels, one
/// for each tab or device. Clients follow with phoenix.js's `Presence`: the channel's client gets `presence_state` once it
/// tracks a key, and every client of the topic `presence_diff` from then on. A channel that ends is taken away by itself.
extension Socket {
  /// Makes the channel present under a key, with an object that clients see. Returns the meta's `phx_ref`.
  ///
  /// Throws a ``SynqChannels/HostError``: `state` if the channel tracks the key already or is not let in yet, `type` if the
  /// meta is no object, `invalidArgument` for a key that every JavaScript object has (`constructor`), `limit` beyond the
  /// limits of ``PresenceOptions``.
  @discardableResult
  public func track(_ key: String, _ meta: JSON = .emptyObject) throws(HostError) -> String {
    try context.track(key, meta)
  }

  /// Makes the channel present under a key, with an object that clients see. Returns the meta's `phx_ref`.
  @discardableResult
  public func track(_ key: String, _ meta: some Encodable) throws(HostError) -> String {
    try track(key, try JSON.encoded(meta, "meta"))
  }

  /// Replaces this channel's meta under a key, as a whole. Returns the new `phx_ref`.
  ///
  /// Throws a ``SynqChannels/HostError``: `notFound` if the channel does not track the key, and as `track` does.
  @discardableResult
  public func updatePresence(_ key: String, _ meta: JSON) throws(HostError) -> String {
    try context.updatePresence(key, meta)
  }

  /// Replaces this channel's meta under a key, as a whole. Returns the new `phx_ref`.
  @discardableResult
  public func updatePresence(_ key: String, _ meta: some Encodable) throws(HostError) -> String {
    try updatePresence(key, try JSON.encoded(meta, "meta"))
  }

  /// Takes this channel away from a key. Throws `notFound` if it does not track the key.
  public func untrack(_ key: String) throws(HostError) { try context.untrack(key) }

  /// Shows who is here to the client of a channel that tracks no key.
  public func showPresences() throws(HostError) { try context.showPresence() }

  /// The keys of the topic, `{"ann": {"metas": […]}}`, with what ``PresenceOptions/fetch`` added so far.
  public func presences() throws(HostError) -> JSON { try context.presenceList() }

  /// A key of the topic, `{"metas": […]}`; nil if nobody is there.
  public func presence(of key: String) throws(HostError) -> JSON? { try context.presence(of: key) }
}

extension Server {
  /// The keys of a topic, `{"ann": {"metas": […]}}`; none where nobody is.
  public func presences(_ topic: String) throws(HostError) -> JSON { try runtime.presences().list(topic) }

  /// A key of a topic, `{"metas": […]}`; nil if nobody is there.
  public func presence(of key: String, in topic: String) throws(HostError) -> JSON? {
    try runtime.presences().presence(of: key, in: topic)
  }
}
