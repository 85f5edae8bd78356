import SynqJSON

/// A pointer, a zero byte, another pointer, a zero byte, and a document: pointers come back from their tokens, and an
/// edit either throws and changes nothing, or gives the bytes that the parser gives for the text of the result.
@_cdecl("LLVMFuzzerTestOneInput")
public func pointer(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = UnsafeRawBufferPointer(start: start, count: count)
  let parts = bytes.split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
  guard let first = pointer(parts[0]), parts.count == 3, let second = pointer(parts[1]),
    let document = try? JSON(parsing: Array(parts[2]))
  else { return 0 }
  let before = document.description
  let long = JSON(String(repeating: "long", count: 70))
  check(document, first) { (value) throws(JSONEditError) in try value.set(long, at: first) }
  check(document, first) { (value) throws(JSONEditError) in try value.insert([1, ["a": 2]], at: first) }
  check(document, first) { (value) throws(JSONEditError) in try value.append(.null, at: first) }
  check(document, first) { (value) throws(JSONEditError) in
    let removed = try value.remove(at: first)
    precondition(document[first] == removed)
  }
  check(document, first) { (value) throws(JSONEditError) in try value.move(from: first, to: second) }
  check(document, first) { (value) throws(JSONEditError) in try value.increment(by: 3, at: first) }
  check(document, first) { (value) throws(JSONEditError) in try value.increment(by: 0.25, at: first) }
  precondition(document.description == before, "an edit changed another value")
  return 0
}

private func pointer(_ bytes: Slice<UnsafeRawBufferPointer>) -> JSONPointer? {
  guard let pointer = try? JSONPointer(String(decoding: bytes, as: UTF8.self)) else { return nil }
  precondition(JSONPointer(tokens: pointer.tokens) == pointer, "\(pointer) is not made of its tokens")
  if let parent = pointer.parent, let last = pointer.lastToken {
    precondition(parent.appending(last) == pointer && pointer.isWithin(parent))
  }
  return pointer
}

private func check(
  _ document: JSON, _ pointer: JSONPointer, _ edit: (inout JSON) throws(JSONEditError) -> Void
) {
  var value = document
  do {
    try edit(&value)
  } catch {
    precondition(value.sharesStorage(with: document), "a failed edit changed the value: \(error)")
    return
  }
  guard let again = try? JSON(parsing: value.description) else {
    fatalError("its text does not parse: \(value)")
  }
  let same = value.withFlatBytes { a in again.withFlatBytes { b in a.elementsEqual(b) } }
  precondition(same, "the edit at \(pointer) is not canonical: \(value)")
}
