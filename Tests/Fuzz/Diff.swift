import SynqJSON
import SynqPatch

/// A document, a zero byte, another document: the patch leads from one to the other and back, by either way of applying it.
@_cdecl("LLVMFuzzerTestOneInput")
public func diff(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let parts = UnsafeBufferPointer(start: start, count: count).split(separator: 0, maxSplits: 1)
  guard parts.count == 2, let a = try? JSON(parsing: Array(parts[0])),
    let b = try? JSON(parsing: Array(parts[1]))
  else {
    return 0
  }
  check(a, b)
  check(b, a)
  precondition(JSONPatch.diff(from: a, to: JSON([a])[0] ?? a).count == 0, "a copy differs: \(a)")
  return 0
}

private func check(_ a: JSON, _ b: JSON) {
  let patch = JSONPatch.diff(from: a, to: b)
  precondition((patch.count == 0) == (a == b), "\(a) to \(b): \(patch)")
  do {
    let result = try JSONPatch.apply(patch, to: a)
    precondition(result == b, "\(a) to \(b): \(patch) gives \(result)")
    let opened = try JSONPatch.applyByOpening(patch, to: a, limits: PatchLimits())
    precondition(opened == b, "\(a) to \(b): \(patch) gives \(opened)")
  } catch {
    fatalError("\(a) to \(b): \(patch) fails: \(error)")
  }
}
