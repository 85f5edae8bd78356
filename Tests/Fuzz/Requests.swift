import SynqJSON

@testable import SynqWebSocket

/// What a client writes into a request, line by line: its target, an origin, an offer of compression, base64. All are
/// read or refused; what is read is sound.
@_cdecl("LLVMFuzzerTestOneInput")
public func requests(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let text = String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
  let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  if let target = RequestTarget(lines[0]) {
    precondition(!target.withSlash.hasPrefix("//"), "leads to another host")
    precondition(target.segments.allSatisfy { !$0.isEmpty } || lines[0].contains("%"))
    var parameters = RequestParameters()
    for pair in target.query { parameters.add(pair.name, pair.value) }
    let json = parameters.json
    guard (try? JSON(parsing: json.description)) == json else { fatalError("no JSON: \(json)") }
  }
  guard lines.count > 1 else { return 0 }
  if let origin = Origin(header: lines[1]) {
    precondition(!origin.host.isEmpty && origin.scheme != nil)
    precondition(lines[1] != "null" && !lines[1].hasPrefix("file:///"))
  }
  guard lines.count > 2 else { return 0 }
  if let terms = CompressionTerms.agree(on: [lines[2]], CompressionOptions()) {
    precondition((9...15).contains(terms.serverWindowBits))
    precondition(!terms.serverTakesContext && !terms.clientTakesContext)
  }
  guard lines.count > 3 else { return 0 }
  if let bytes = Base64.decode(lines[3].utf8) {
    precondition(Base64.decode(Base64.encode(bytes).utf8) == bytes)
    precondition(Base64.decode(Base64.encode(bytes, url: true).utf8) == bytes)
  }
  return 0
}
