/// The parser's grammar without its output.
enum JSONValidator {
  /// Advances over one value; white space before it was skipped. Without recursion: `levels` is empty, and holds
  /// for each open container whether it is an object.
  /// - Returns: nil when it is one, else what is wrong, with `at` at the place of it.
  static func skip(
    _ at: inout UnsafeRawPointer, _ end: UnsafeRawPointer, _ limits: JSONLimits,
    _ levels: inout ScratchStack<Bool>
  ) -> JSONError.Code? {
    var nodesLeft = limits.maxNodes
    var isEscaped = false
    values: while true {
      guard at < end else { return .unexpectedEnd }
      nodesLeft &-= 1
      guard nodesLeft >= 0 else { return .tooManyNodes }
      let byte = RawText.byte(at)
      switch byte {
      case 0x22:
        at += 1
        if let code = skipString(&at, end, &isEscaped) { return code }
      case 0x7B, 0x5B:
        guard levels.count < limits.maxDepth else { return .tooDeep }
        at += 1
        RawText.skipSpace(&at, end)
        if at < end, RawText.byte(at) == byte &+ 2 {
          at += 1
        } else {
          levels.push(byte == 0x7B)
          if byte == 0x7B, let code = skipName(&at, end) { return code }
          continue values
        }
      case 0x30...0x39, 0x2D:
        if let code = RawText.skipNumber(&at, end, maxLength: limits.maxNumberLength) { return code }
      default:
        if let code = RawText.skipLiteral(&at, end) { return code }
      }
      while true {
        if levels.count == 0 { return nil }
        RawText.skipSpace(&at, end)
        guard at < end else { return .unexpectedEnd }
        let isObject = levels.top.pointee
        let byte = RawText.byte(at)
        if byte == 0x2C {
          at += 1
          RawText.skipSpace(&at, end)
          if isObject, let code = skipName(&at, end) { return code }
          continue values
        }
        guard byte == (isObject ? 0x7D : 0x5D) else { return .expectedCommaOrEnd }
        at += 1
        _ = levels.pop()
      }
    }
  }

  @inline(__always)
  private static func skipName(_ at: inout UnsafeRawPointer, _ end: UnsafeRawPointer) -> JSONError.Code? {
    guard at < end else { return .unexpectedEnd }
    guard RawText.byte(at) == 0x22 else { return .expectedName }
    at += 1
    var isEscaped = false
    if let code = skipString(&at, end, &isEscaped) { return code }
    RawText.skipSpace(&at, end)
    guard at < end else { return .unexpectedEnd }
    guard RawText.byte(at) == 0x3A else { return .expectedColon }
    at += 1
    RawText.skipSpace(&at, end)
    return nil
  }

  /// Advances over the rest of a string, whose opening quote was consumed.
  @inline(__always)
  static func skipString(
    _ at: inout UnsafeRawPointer, _ end: UnsafeRawPointer, _ isEscaped: inout Bool
  ) -> JSONError.Code? {
    while true {
      RawText.skipPlain(&at, end)
      if at == end { return .unexpectedEnd }
      let byte = RawText.byte(at)
      if byte == 0x22 {
        at += 1
        return nil
      }
      if byte >= 0x80 {
        guard RawText.skipSequences(&at, end) else { return .invalidUTF8 }
      } else if byte == 0x5C {
        isEscaped = true
        if let code = RawText.skipEscape(&at, end) { return code }
      } else {
        return .controlCharacter
      }
    }
  }
}
