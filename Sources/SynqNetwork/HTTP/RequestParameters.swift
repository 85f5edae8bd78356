import SynqJSON

/// The parameters of a connection as the host gets them: `a=1` is `{"a": "1"}`, and `a[b]=1` and `a[]=1`, as
/// phoenix.js writes nested params, are `{"a": {"b": "1"}}` and `{"a": ["1"]}`.
///
/// Where names contradict each other the last one wins, as in Plug.
struct RequestParameters: ~Copyable {
  private enum Node {
    case text(String)
    case list(List)
    case object(Members)

    /// The list that the node is; it becomes an empty one when it is none.
    mutating func becomeList() -> List {
      if case .list(let list) = self { return list }
      let list = List()
      self = .list(list)
      return list
    }

    /// The object that the node is, likewise.
    mutating func becomeObject() -> Members {
      if case .object(let members) = self { return members }
      let members = Members()
      self = .object(members)
      return members
    }
  }

  // Lists and objects are references, so that adding to one never copies what it has: a query may have a thousand names.

  private final class List {
    var elements: [Node] = []
  }

  /// The members of an object in the order in which their names came.
  private final class Members {
    var all: [(name: String, node: Node)] = []
    private var places: [NameKey: Int] = [:]

    /// Where the member of this name is; it is made when there is none.
    func place(of name: String) -> Int {
      if let place = places[NameKey(name)] { return place }
      places[NameKey(name)] = all.count
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
      var element = Node.text("")
      insert(value, at: rest, into: &element)
      node.becomeList().elements.append(element)
    } else {
      let members = node.becomeObject()
      let place = members.place(of: key)
      insert(value, at: rest, into: &members.all[place].node)
    }
  }

  private static func write(_ node: Node, to builder: inout JSONBuilder) {
    switch node {
    case .text(let text): builder.append(string: text)
    case .list(let list):
      builder.beginArray()
      for element in list.elements { write(element, to: &builder) }
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
