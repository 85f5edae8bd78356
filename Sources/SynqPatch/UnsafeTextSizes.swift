@_spi(Flat) import SynqJSON

/// Sizes of the JSON text of flat values, counted without writing it.
///
/// A patch asks for the sizes of values that lie within each other. The largest size known within the value
/// that is asked for is used again, so that each byte is counted at most once for every halving of what
/// holds it, not once for every level above it.
struct TextSizes: ~Copyable {
  private struct Table {
    let payloadEnd: FlatPlace
    let end: FlatPlace
  }

  /// The value whose size was counted last, and the size.
  private var knownValue: FlatPlace?
  private var knownSize = 0
  /// Where the payloads end that have a table behind them, and where those end.
  private var tables = ScratchStack<Table>()

  /// The bytes of the compact text of `value`, or any larger number than `limit`, as soon as it is passed.
  mutating func text(_ value: FlatPlace, limit: Int) -> Int {
    let end = value + FlatLayout.size(value)
    var at = value
    var size = 0
    tables.truncate(to: 0)
    while at < end {
      if tables.count > 0, tables[tables.count &- 1].payloadEnd == at {
        at = tables.pop().end
        continue
      }
      if at == knownValue {
        size &+= knownSize
        at += FlatLayout.size(at)
        if size > limit { return size }
        continue
      }
      let tag = FlatLayout.tag(at)
      if tag < 0x80 {
        let length = FlatLayout.text(at).count
        size &+= tag < 0x40 ? length : length &+ 2
        at += FlatLayout.size(at)
      } else if FlatLayout.isContainer(tag) {
        let container = FlatContainer(at)
        size &+= 2 &+ max(0, container.count &- 1) &+ (container.isObject ? container.count : 0)
        if container.tableEntries > 0 {
          tables.push(Table(payloadEnd: container.payloadEnd, end: at + FlatLayout.size(at)))
        }
        at = container.payload
      } else if tag == FlatLayout.escapedString {
        size &+= Self.escaped(FlatLayout.text(at))
        at += FlatLayout.size(at)
      } else {
        size &+= tag == FlatLayout.false ? 5 : 4
        at += 1
      }
      if size > limit { return size }
    }
    let isWithin = knownValue.map { $0 >= value && $0 < end } ?? false
    if !isWithin || size > knownSize {
      knownValue = value
      knownSize = size
    }
    return size
  }

  private static func escaped(_ text: UnsafeRawBufferPointer) -> Int {
    var size = text.count + 2
    for byte in text {
      switch byte {
      case 0x22, 0x5C, 0x08, 0x09, 0x0A, 0x0C, 0x0D: size &+= 1
      case 0..<0x20: size &+= 5
      default: break
      }
    }
    return size
  }
}
