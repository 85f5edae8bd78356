import SynqJSON

/// The parameters of a connection as the host gets them: `a=1` is `{"a": "1"}`, and `a[b]=1` and `a[]=1`, as
/// phoenix.js writes nested params, are `{"a": {"b": "1"}}` and `{"a": ["1"]}`.
///
/// Where names contradict each other the last one wins, as in Plug.
struct RequestParameters {
  private indirect enum Node {
    case text(String)
    case list([Node])
    case object([(name: String, node: Node)])
  }

  /// Brackets beyond this are part of the name: stops a query from nesting without end.
  private static let maxDepth = 16

  private var root = Node.object([])

  /// Adds one pair; a name with brackets that do not close is taken as it is.
  mutating func add(_ name: String, _ value: String) {
    Self.insert(value, at: Self.keys(name)[...], into: &root)
  }

  /// Adds one pair under exactly this name.
  mutating func add(plain name: String, _ value: String) {
    Self.insert(value, at: [name], into: &root)
  }

  var json: JSON {
    var builder = JSONBuilder()
    Self.write(root, to: &builder)
    return builder.finish()
  }

  private static func keys(_ name: String) -> [String] {
    guard let open = name.firstIndex(of: "["), open > name.startIndex, name.hasSuffix("]") else {
      return [name]
    }
    let inner = name[name.index(after: open)...].dropLast()
    let keys = inner.split(separator: "][", omittingEmptySubsequences: false).map(String.init)
    guard keys.count < maxDepth, keys.allSatisfy({ !$0.contains("[") && !$0.contains("]") }) else {
      return [name]
    }
    return [String(name[..<open])] + keys
  }

  private static func insert(_ value: String, at keys: ArraySlice<String>, into node: inout Node) {
    guard let key = keys.first else {
      node = .text(value)
      return
    }
    let rest = keys.dropFirst()
    if key.isEmpty, !rest.isEmpty || keys.startIndex > 0 {
      var list: [Node] = []
      if case .list(let known) = node { list = known }
      var element = Node.object([])
      insert(value, at: rest, into: &element)
      list.append(element)
      node = .list(list)
      return
    }
    var members: [(name: String, node: Node)] = []
    if case .object(let known) = node { members = known }
    if let index = members.firstIndex(where: { $0.name == key }) {
      insert(value, at: rest, into: &members[index].node)
    } else {
      var member = Node.object([])
      insert(value, at: rest, into: &member)
      members.append((key, member))
    }
    node = .object(members)
  }

  private static func write(_ node: Node, to builder: inout JSONBuilder) {
    switch node {
    case .text(let text): builder.append(string: text)
    case .list(let elements):
      builder.beginArray()
      for element in elements { write(element, to: &builder) }
      builder.endArray()
    case .object(let members):
      builder.beginObject()
      for member in members {
        builder.key(member.name)
        write(member.node, to: &builder)
      }
      builder.endObject()
    }
  }
}
