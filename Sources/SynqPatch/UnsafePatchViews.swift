@_spi(Flat) import SynqJSON

extension JSON {
  /// The members of an object, their keys as views too; empty for any other kind.
  var keyedViews: [(key: JSON, value: JSON)] {
    guard kind == .object else { return [] }
    return withFlatBytes { bytes in
      guard let start = bytes.baseAddress else { return [] }
      let object = FlatContainer(start)
      var views: [(key: JSON, value: JSON)] = []
      views.reserveCapacity(object.count)
      var at = object.payload
      while at < object.payloadEnd {
        let value = at + FlatLayout.size(at)
        views.append((view(at: at), view(at: value)))
        at = value + FlatLayout.size(value)
      }
      return views
    }
  }

  /// The element or the member's value that a token leads to; nil when there is none.
  func step(_ token: FlatPointer.Token) -> JSON? {
    withFlatBytes { bytes in
      bytes.baseAddress.flatMap { FlatPointer.step($0, token) }.map { view(at: $0) }
    }
  }

  /// How deep arrays and objects are nested: 0 for a scalar. O(size), without recursion.
  var depth: Int {
    guard count > 0 else { return kind == .array || kind == .object ? 1 : 0 }
    return withFlatBytes { bytes in
      guard let start = bytes.baseAddress else { return 0 }
      var open: [(payloadEnd: FlatPlace, end: FlatPlace)] = []
      var deepest = 0
      var at = start
      repeat {
        if FlatLayout.isContainer(FlatLayout.tag(at)) {
          let container = FlatContainer(at)
          open.append((container.payloadEnd, at + FlatLayout.size(at)))
          deepest = max(deepest, open.count)
          at = container.payload
        } else {
          at += FlatLayout.size(at)
        }
        while let last = open.last, last.payloadEnd == at {
          at = last.end
          open.removeLast()
        }
      } while !open.isEmpty
      return deepest
    }
  }
}
