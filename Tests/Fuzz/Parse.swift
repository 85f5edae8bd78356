import SynqJSON

/// Any bytes at all: the parser accepts or throws, and what only validates agrees with it to the byte. What it accepted
/// is canonical: its text parses to the same bytes, its tables lead to its elements, and all ways through it end.
@_cdecl("LLVMFuzzerTestOneInput")
public func parse(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = UnsafeRawBufferPointer(start: start, count: count)
  let parsed = Result { () throws(JSONError) in try JSON(parsing: bytes) }
  let skipped = Result { () throws(JSONError) in
    var scanner = JSONScanner(bytes)
    _ = try scanner.skipValue()
    try scanner.expectEnd()
  }
  switch (parsed, skipped) {
  case (.success(let value), .success): check(value)
  case (.failure(let a), .failure(let b)): precondition(a == b, "the parser says \(a), the scanner \(b)")
  case (.success, .failure(let error)): fatalError("only the scanner refuses: \(error)")
  case (.failure(let error), .success): fatalError("only the parser refuses: \(error)")
  }
  if case .failure(let error) = parsed { precondition((0...count).contains(error.offset)) }
  return 0
}

private func check(_ value: JSON) {
  guard let again = try? JSON(parsing: value.description) else {
    fatalError("its text does not parse: \(value)")
  }
  let same = value.withFlatBytes { a in again.withFlatBytes { b in a.elementsEqual(b) } }
  precondition(same, "the text parses to other bytes: \(value)")
  precondition(again == value && again.hashValue == value.hashValue, "equal bytes, unequal values: \(value)")
  if value.count > 0 { checkContainers(in: value) }
  precondition(
    value.droppingMembers(named: ["\u{0}none"]) == value || value.firstMember(named: ["\u{0}none"]) != nil)
}

/// Every container in the order of the bytes, down to a depth that the parser allows.
private func checkContainers(in value: JSON) {
  var waiting = [value]
  while let container = waiting.popLast() {
    for (index, element) in container.elements.enumerated() {
      precondition(
        container[index].map { $0.sharesStorage(with: element) } == true, "element \(index) of \(container)")
      if element.count > 0 { waiting.append(element) }
    }
    var reversed: [(String, JSON)] = []
    for (name, member) in container.members {
      precondition(container[name].map { $0.sharesStorage(with: member) } == true, "\(name) of \(container)")
      reversed.append((name, member))
      if member.count > 0 { waiting.append(member) }
    }
    if container.kind == .object {
      let turned = JSON(members: reversed.reversed())
      precondition(
        turned == container && turned.hashValue == container.hashValue, "order matters: \(container)")
    }
  }
}
