import SynqJSON

/// The parameters of a connection as the host gets them: `a=1` is `{"a": "1"}`, and `a[b]=1` and `a[]=1`, as
/// phoenix.js writes nested params, are `{"a": {"b": "1"}}` and `{"a": ["1"]}`.
///
/// Where names contradict each other the last one wins, as in Plug.
struct RequestParameters {
  private enum Node {
    case text(String)
    case list([Node])
    case object(Members)

    // What is taken out is put back changed. Were it left here meanwhile, each change would copy all of it.

    mutating func takeElements() -> [Node] {
      guard case .list(let elements) = self else { return [] }
      self = .text("")
      return elements
    }

    mutating func takeMembers() -> Members {
      guard case .object(let members) = self else { return Members() }
      self = .text("")
      return members
    }
  }

  /// The members of an object in the order in which their names came.
  private struct Members {
    var all: [(name: String, node: Node)] = []
    private var places: [String: Int] = [:]

    /// Where the member of this name is; it is made when there is none.
    mutating func place(of name: String) -> Int {
      if let place = places[name] { return place }
      places[name] = all.count
      all.append((name, .text("")))
      return all.count - 1
    }
  }

  /// Brackets beyond this are part of the name: stops a query from nesting without end.
  private static let maxDepth = 16

  private var root = Node.object(Members())

  /// Adds one pair, in constant time on average; a name with brackets that do not close is taken as it is.
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
    // Empty brackets are one element more; a name without brackets may be empty.
    if key.isEmpty, keys.startIndex > 0 {
      var elements = node.takeElements()
      var element = Node.text("")
      insert(value, at: rest, into: &element)
      elements.append(element)
      node = .list(elements)
    } else {
      var members = node.takeMembers()
      let place = members.place(of: key)
      insert(value, at: rest, into: &members.all[place].node)
      node = .object(members)
    }
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
      for member in members.all {
        builder.key(member.name)
        write(member.node, to: &builder)
      }
      builder.endObject()
    }
  }
}
