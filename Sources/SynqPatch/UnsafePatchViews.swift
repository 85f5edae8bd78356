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
}
