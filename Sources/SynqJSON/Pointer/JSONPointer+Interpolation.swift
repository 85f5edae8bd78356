/// Pointers with names and indices in them: `"/items/\(index)/done"`. What is put in is one token and is escaped.
extension JSONPointer: ExpressibleByStringInterpolation {
  /// A pointer in the source, with tokens put in.
  /// - Precondition: it is a pointer; use `init(_:)` for text of which that is not known.
  public init(stringInterpolation: StringInterpolation) {
    do {
      self = try JSONPointer(stringInterpolation.text)
    } catch {
      preconditionFailure("not a JSON pointer: \(error)")
    }
  }

  /// The parts of a pointer in the source.
  public struct StringInterpolation: StringInterpolationProtocol {
    var text = ""

    /// Begins an interpolation; called by the compiler.
    public init(literalCapacity: Int, interpolationCount: Int) {
      text.reserveCapacity(literalCapacity + interpolationCount * 8)
    }

    /// A part as it stands, which is escaped already.
    public mutating func appendLiteral(_ literal: StaticString) { text += literal.description }

    /// The name of a member.
    public mutating func appendInterpolation(_ name: String) { text += Self.escaped(name) }

    /// The index of an element.
    public mutating func appendInterpolation(_ index: Int) { text += String(index) }

    private static func escaped(_ token: String) -> Substring {
      JSONPointer(tokens: [token]).description.dropFirst()
    }
  }
}
