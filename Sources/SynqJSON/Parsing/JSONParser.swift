/// RFC 8259 text to flat bytes, in one pass and without recursion.
enum JSONParser {
  /// Parses one value that starts at `at` (white space before it is skipped) into the assembly.
  ///
  /// Leaves `at` behind the value; what follows is the caller's business.
  ///
  /// Every token needs at most one and a half times its text in flat form, except the header of a container.
  /// So room is checked where a container opens or closes, and nowhere else.
  static func parse(
    _ at: inout UnsafeRawPointer, from text: UnsafeRawPointer, to end: UnsafeRawPointer,
    limits: JSONLimits, into assembly: inout FlatAssembly
  ) throws(JSONError) {
    var cursor = at
    var nodesLeft = limits.maxNodes
    guard assembly.reserve((end - cursor) * 3 / 2) else { throw JSONError(.tooLarge, at: cursor - text) }
    var out = assembly.out
    var isObject = false

    RawText.skipSpace(&cursor, end)
    values: while true {
      // White space was skipped. In an object a name comes first, then in any case a value.
      guard cursor < end else { throw JSONError(.unexpectedEnd, at: end - text) }
      if isObject {
        guard RawText.byte(cursor) == 0x22 else { throw JSONError(.expectedName, at: cursor - text) }
        let key = RawText.string(cursor + 1, end, out)
        cursor = key.at
        if let code = key.error { throw JSONError(code, at: cursor - text) }
        assembly.noteKey(out, key.out - out)
        out = key.out
        RawText.skipSpace(&cursor, end)
        guard cursor < end else { throw JSONError(.unexpectedEnd, at: end - text) }
        guard RawText.byte(cursor) == 0x3A else { throw JSONError(.expectedColon, at: cursor - text) }
        cursor += 1
        RawText.skipSpace(&cursor, end)
        guard cursor < end else { throw JSONError(.unexpectedEnd, at: end - text) }
      }
      nodesLeft &-= 1
      guard nodesLeft >= 0 else { throw JSONError(.tooManyNodes, at: cursor - text) }
      let byte = RawText.byte(cursor)
      if byte == 0x22 {
        let string = RawText.string(cursor + 1, end, out)
        cursor = string.at
        if let code = string.error { throw JSONError(code, at: cursor - text) }
        out = string.out
      } else if byte == 0x7B || byte == 0x5B {
        guard assembly.frames.count < limits.maxDepth else { throw JSONError(.tooDeep, at: cursor - text) }
        cursor += 1
        RawText.skipSpace(&cursor, end)
        if cursor < end, RawText.byte(cursor) == byte &+ 2 {
          // {} or []: the closing character is two above the opening one.
          cursor += 1
          out.storeBytes(of: byte == 0x7B ? FlatLayout.smallObject : FlatLayout.smallArray, as: UInt8.self)
          out.storeBytes(of: 0, toByteOffset: 1, as: UInt16.self)
          out += FlatLayout.smallHeader
        } else {
          isObject = byte == 0x7B
          assembly.out = out
          let most = (end - cursor) &* 3 / 2
          guard assembly.reserve(FlatLayout.largeHeader &+ most) else {
            throw JSONError(.tooLarge, at: cursor - text)
          }
          assembly.open(isObject: isObject, isSmall: most <= FlatLayout.maxSmallPayload)
          assembly.beginElement()
          out = assembly.out
          continue values
        }
      } else if byte &- 0x30 < 10 || byte == 0x2D {
        let number = cursor
        if let code = RawText.skipNumber(&cursor, end, maxLength: limits.maxNumberLength) {
          throw JSONError(code, at: cursor - text)
        }
        RawText.writeNumber(number, cursor - number, end, &out)
      } else {
        if let code = RawText.skipLiteral(&cursor, end) { throw JSONError(code, at: cursor - text) }
        // The tags of null, true and false by the first letter.
        let tag = byte == 0x6E ? FlatLayout.null : byte == 0x74 ? FlatLayout.true : FlatLayout.false
        out.storeBytes(of: tag, as: UInt8.self)
        out += 1
      }

      // Behind a value: a comma, or the ends of as many containers as end here.
      while true {
        if assembly.frames.count == 0 {
          assembly.out = out
          at = cursor
          return
        }
        RawText.skipSpace(&cursor, end)
        guard cursor < end else { throw JSONError(.unexpectedEnd, at: end - text) }
        let byte = RawText.byte(cursor)
        if byte == 0x2C {
          cursor += 1
          RawText.skipSpace(&cursor, end)
          assembly.out = out
          assembly.beginElement()
          continue values
        }
        guard byte == (isObject ? 0x7D : 0x5D) else {
          throw JSONError(.expectedCommaOrEnd, at: cursor - text)
        }
        cursor += 1
        assembly.out = out
        guard assembly.close(), assembly.reserve((end - cursor) &* 3 / 2) else {
          throw JSONError(.tooLarge, at: cursor - text)
        }
        out = assembly.out
        isObject = assembly.frames.count != 0 && assembly.frames.top.pointee.isObject
      }
    }
  }
}

extension JSON {
  /// Parses one JSON text of RFC 8259.
  ///
  /// Numbers keep their spelling. Where an object has a name more than once, the last member of that name
  /// counts and the others are dropped, as JavaScript, Python and jansson do: so all who share a state see
  /// the same one. Refused are, among others, text that is not UTF-8, surrogates without their pair, reals
  /// beyond the range of a double (`1e400`), a byte order mark, and trailing bytes.
  ///
  /// Complexity: O(text), one allocation for the value.
  public init(
    parsing text: UnsafeRawBufferPointer, limits: JSONLimits = JSONLimits()
  ) throws(JSONError) {
    var end = 0
    self = try JSON.parse(text, from: 0, end: &end, limits: limits)
    var rest = text.baseAddress.map { $0 + end } ?? UnsafeRawPointer(bitPattern: 1).unsafelyUnwrapped
    let textEnd = rest + (text.count - end)
    RawText.skipSpace(&rest, textEnd)
    if rest != textEnd { throw JSONError(.trailingBytes, at: text.count - (textEnd - rest)) }
  }

  /// Parses JSON text. See `init(parsing:limits:)` of a raw buffer.
  public init(parsing text: String, limits: JSONLimits = JSONLimits()) throws(JSONError) {
    var text = text
    let result = text.withUTF8 { utf8 in
      Result { () throws(JSONError) in try JSON(parsing: UnsafeRawBufferPointer(utf8), limits: limits) }
    }
    self = try result.get()
  }

  /// Parses JSON text. See `init(parsing:limits:)` of a raw buffer.
  public init(parsing text: [UInt8], limits: JSONLimits = JSONLimits()) throws(JSONError) {
    let result = text.withUnsafeBytes { bytes in
      Result { () throws(JSONError) in try JSON(parsing: bytes, limits: limits) }
    }
    self = try result.get()
  }

  /// Texts up to this size are parsed in memory of the stack and copied once, to their exact size.
  private static let smallText = 600

  /// Parses the value that starts at `offset`, and says where it ended.
  static func parse(
    _ text: UnsafeRawBufferPointer, from offset: Int, end: inout Int, limits: JSONLimits
  ) throws(JSONError) -> JSON {
    guard text.count <= min(limits.maxBytes, JSONLimits.maxBytesThatCount) else {
      throw JSONError(.tooLarge, at: min(limits.maxBytes, JSONLimits.maxBytesThatCount))
    }
    guard let base = text.baseAddress, text.count > offset else {
      throw JSONError(.unexpectedEnd, at: text.count)
    }
    var failure: JSONError?
    var at = base + offset
    let textEnd = base + text.count
    let value: JSON
    if textEnd - at <= smallText {
      value = withUnsafeTemporaryAllocation(byteCount: FlatScratch.stackSize, alignment: 16) { stacks in
        withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 16) { output in
          var assembly = FlatAssembly(output: output, stacks: stacks)
          return parse(&at, from: base, to: textEnd, limits, &assembly, &failure)
        }
      }
    } else {
      var assembly = FlatAssembly(capacity: (textEnd - at) * 3 / 2)
      value = parse(&at, from: base, to: textEnd, limits, &assembly, &failure)
    }
    if let failure { throw failure }
    end = at - base
    return value
  }

  @inline(__always)
  private static func parse(
    _ at: inout UnsafeRawPointer, from text: UnsafeRawPointer, to end: UnsafeRawPointer, _ limits: JSONLimits,
    _ assembly: inout FlatAssembly, _ failure: inout JSONError?
  ) -> JSON {
    do throws(JSONError) {
      try JSONParser.parse(&at, from: text, to: end, limits: limits, into: &assembly)
      return assembly.take()
    } catch {
      failure = error
      return .null
    }
  }
}
