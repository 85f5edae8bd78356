/// Replies of Redis, whole and in pieces: both ways read the same, or refuse the same. And the text as a URL.
@_cdecl("LLVMFuzzerTestOneInput")
public func replies(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = UnsafeBufferPointer(start: start, count: count)
  var limits = RESPParser.Limits()
  limits.maxStringBytes = 1000
  limits.maxElements = 100
  limits.maxDepth = 4
  limits.maxLineBytes = 40
  let whole = read(input, pieces: max(count, 1), limits)
  for pieces in [1, 7] { precondition(read(input, pieces: pieces, limits) == whole) }
  if let url = try? RedisURL(String(decoding: input, as: UTF8.self)) {
    precondition(!url.host.isEmpty && (1...65535).contains(url.port) && !url.prefix.isEmpty)
  }
  return 0
}

private struct Reading: Equatable {
  var values: [RESPValue] = []
  var failed = false
}

private func read(_ input: UnsafeBufferPointer<UInt8>, pieces: Int, _ limits: RESPParser.Limits) -> Reading {
  var parser = RESPParser(limits: limits)
  var reading = Reading()
  var rest = input[...]
  while !rest.isEmpty, !reading.failed {
    parser.append(rest.prefix(pieces))
    rest = rest.dropFirst(pieces)
    do { while let value = try parser.next() { reading.values.append(value) } } catch {
      reading.failed = true
    }
  }
  return reading
}
