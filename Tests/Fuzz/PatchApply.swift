import SynqJSON
import SynqPatch

/// A document, a zero byte, a patch: both ways of applying it give the same value or the same error.
@_cdecl("LLVMFuzzerTestOneInput")
public func patchApply(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let parts = UnsafeBufferPointer(start: start, count: count).split(separator: 0, maxSplits: 1)
  guard parts.count == 2, let document = try? JSON(parsing: Array(parts[0])),
    let patch = try? JSON(parsing: Array(parts[1]))
  else { return 0 }
  let before = document.text
  let limits = PatchLimits(maxCopiedBytes: 1 << 16)
  let spliced = Result { () throws(PatchError) in try JSONPatch.apply(patch, to: document, limits: limits) }
  let opened = Result { () throws(PatchError) in
    guard patch.kind == .array else { return try JSONPatch.apply(patch, to: document, limits: limits) }
    return try JSONPatch.applyByOpening(patch, to: document, limits: limits)
  }
  switch (spliced, opened) {
  case (.success(let a), .success(let b)): precondition(a == b, "\(patch) to \(document): \(a) or \(b)")
  case (.failure(let a), .failure(let b)): precondition(a == b, "\(patch) to \(document): \(a) or \(b)")
  case (.success(let a), .failure(let b)): fatalError("\(patch) to \(document): \(a) or \(b)")
  case (.failure(let a), .success(let b)): fatalError("\(patch) to \(document): \(a) or \(b)")
  }
  precondition(document.text == before, "the document changed")
  return 0
}
