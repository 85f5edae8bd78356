import SynqJSON

/// Any bytes at all: the parser accepts or throws; what it accepted comes back as text that parses to the same value.
@_cdecl("LLVMFuzzerTestOneInput")
public func parse(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = UnsafeRawBufferPointer(start: start, count: count)
  guard let value = try? JSON(parsing: bytes) else { return 0 }
  guard let again = try? JSON(parsing: value.description) else {
    fatalError("the text of a value does not parse: \(value)")
  }
  precondition(again == value, "the text of a value is another value: \(value)")
  return 0
}
