import CJansson
import CSynq
import Glibc
import SynqChannels
import SynqJSON
import SynqPatch

@_cdecl("synq_patch_diff") @implementation
public func synq_patch_diff(
  _ from: UnsafePointer<json_t>!, _ to: UnsafePointer<json_t>!,
  _ out: UnsafeMutablePointer<UnsafeMutablePointer<json_t>?>!
) -> CInt {
  export { () throws(HostError) in
    let out = try Argument.out(out)
    let from = try UnsafeJansson.borrowed(from, "from")
    let to = try UnsafeJansson.borrowed(to, "to")
    out.pointee = try UnsafeJansson.new(JSONPatch.diff(from: from, to: to))
  }
}

@_cdecl("synq_patch_diff_text") @implementation
public func synq_patch_diff_text(
  _ from: UnsafePointer<CChar>!, _ from_length: Int, _ to: UnsafePointer<CChar>!, _ to_length: Int,
  _ out: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>!, _ out_length: UnsafeMutablePointer<Int>!
) -> CInt {
  export { () throws(HostError) in
    let out = try Argument.out(out)
    let from = try Argument.json(from, from_length, "from")
    let to = try Argument.json(to, to_length, "to")
    try give(JSONPatch.diff(from: from, to: to), out, out_length)
  }
}

@_cdecl("synq_patch_apply") @implementation
public func synq_patch_apply(
  _ document: UnsafePointer<json_t>!, _ patch: UnsafePointer<json_t>!,
  _ out: UnsafeMutablePointer<UnsafeMutablePointer<json_t>?>!
) -> CInt {
  export { () throws(HostError) in
    let out = try Argument.out(out)
    let document = try UnsafeJansson.borrowed(document, "document")
    let patch = try UnsafeJansson.borrowed(patch, "patch")
    out.pointee = try UnsafeJansson.new(apply(patch, to: document))
  }
}

@_cdecl("synq_patch_apply_text") @implementation
public func synq_patch_apply_text(
  _ document: UnsafePointer<CChar>!, _ document_length: Int, _ patch: UnsafePointer<CChar>!,
  _ patch_length: Int,
  _ out: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>!, _ out_length: UnsafeMutablePointer<Int>!
) -> CInt {
  export { () throws(HostError) in
    let out = try Argument.out(out)
    let document = try Argument.json(document, document_length, "document")
    let patch = try Argument.json(patch, patch_length, "patch")
    try give(apply(patch, to: document), out, out_length)
  }
}

@_cdecl("synq_free") @implementation
public func synq_free(_ memory: UnsafeMutableRawPointer!) { free(memory) }

private func apply(_ patch: JSON, to document: JSON) throws(HostError) -> JSON {
  do throws(PatchError) {
    return try JSONPatch.apply(patch, to: document)
  } catch {
    throw HostError(.patch, "patch: \(error)")
  }
}

/// Gives the text of a value to the program, which frees it.
func give(
  _ value: JSON, _ out: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>,
  _ length: UnsafeMutablePointer<Int>?
) throws(HostError) {
  var writer = ByteWriter()
  writer.append(json: value)
  try give(writer, out, length)
}

/// Gives a text to the program, which frees it.
func give(
  text: String, _ out: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>,
  _ length: UnsafeMutablePointer<Int>?
) throws(HostError) {
  var writer = ByteWriter()
  writer.append(utf8: text)
  try give(writer, out, length)
}

private func give(
  _ writer: borrowing ByteWriter, _ out: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>,
  _ length: UnsafeMutablePointer<Int>?
) throws(HostError) {
  guard let memory = malloc(writer.count + 1)?.assumingMemoryBound(to: CChar.self) else {
    throw .outOfMemory
  }
  writer.withUnsafeBytes { bytes in
    if let start = bytes.baseAddress { memcpy(memory, start, bytes.count) }
  }
  memory[writer.count] = 0
  out.pointee = memory
  length?.pointee = writer.count
}
