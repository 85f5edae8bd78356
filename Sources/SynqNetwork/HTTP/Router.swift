import SynqHosting

/// Finds what a path belongs to.
struct Router: Sendable {
  enum Route {
    case webSocket(mount: Int, parameters: [(name: String, value: String)])
    case longPoll(mount: Int, parameters: [(name: String, value: String)])
    /// What is left of the path below the tree's prefix.
    case file(tree: Int, segments: [String])
    case page(ServerPage)
    case nothing
  }

  private enum Kind { case webSocket, longPoll }

  private struct Entry {
    var pattern: PathPattern
    var kind: Kind
    var mount: Int
  }

  private var entries: [Entry] = []
  private var pages: [(pattern: PathPattern, page: ServerPage)] = []
  /// The longest first.
  private let prefixes: [(prefix: [String], tree: Int)]

  init(
    _ mounts: [SocketMount], trees: [FileTree], pages: [(path: String, page: ServerPage)] = []
  ) throws(NetworkError) {
    prefixes = trees.enumerated().map { ($1.prefix, $0) }.sorted { $0.prefix.count > $1.prefix.count }
    for (index, mount) in mounts.enumerated() {
      // Checked alone first, so that the error shows the path as the host wrote it.
      _ = try PathPattern(mount.path)
      if let path = mount.webSocketPath { try add(.webSocket, "\(mount.path)/\(path)", index) }
      if let path = mount.longPollPath { try add(.longPoll, "\(mount.path)/\(path)", index) }
    }
    for (path, page) in pages {
      let pattern = try PathPattern(path)
      guard !entries.contains(where: { $0.pattern.isSame(as: pattern) }),
        !self.pages.contains(where: { $0.pattern.isSame(as: pattern) })
      else { throw NetworkError(argument: "path \"\(path)\"", cause: "already taken") }
      self.pages.append((pattern, page))
    }
  }

  private mutating func add(_ kind: Kind, _ path: String, _ mount: Int) throws(NetworkError) {
    let pattern = try PathPattern(path)
    guard !entries.contains(where: { $0.pattern.isSame(as: pattern) }) else {
      throw NetworkError(argument: "path \"\(path)\"", cause: "already taken by another socket")
    }
    entries.append(Entry(pattern: pattern, kind: kind, mount: mount))
  }

  func route(_ segments: [String]) -> Route {
    for entry in entries {
      guard let parameters = entry.pattern.match(segments) else { continue }
      switch entry.kind {
      case .webSocket: return .webSocket(mount: entry.mount, parameters: parameters)
      case .longPoll: return .longPoll(mount: entry.mount, parameters: parameters)
      }
    }
    for (pattern, page) in pages where pattern.match(segments) != nil { return .page(page) }
    for (prefix, tree) in prefixes where segments.starts(with: prefix) {
      return .file(tree: tree, segments: Array(segments.dropFirst(prefix.count)))
    }
    return .nothing
  }
}
