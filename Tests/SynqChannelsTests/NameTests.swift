import SynqJSON
import SynqWire
import Testing

@testable import SynqChannels

/// Names are bytes: two that Swift's own == takes for one are two everywhere.
@Suite struct NameTests {
  static let composed = "caf\u{e9}"
  static let decomposed = "cafe\u{301}"
  // The Kelvin sign, which is canonically a K.
  static let kelvin = "\u{212A}"

  @Test func textsAreComparedByTheirBytes() {
    let (a, b) = (Self.composed, Self.decomposed)
    #expect(!(a == b) && a != b && a == "caf\u{e9}")
    let (id, other): (String?, String?) = (a, b)
    let (isSame, isNone, differs) = (id == other || id == b, id == nil, id != other)
    #expect(!isSame && !isNone && differs)
    #expect(![a].contains(b) && [a, b].firstIndex(of: b) == 1)
    #expect(!a.hasPrefix(b) && !"x\(a)".hasSuffix(b) && "x\(a)".hasSuffix(a))
    #expect(!["x", a].starts(with: ["x", b]) && ["x", a].starts(with: ["x"]))
    #expect(!(Self.kelvin == "K"))
    // Also those that do not hold their own bytes.
    let long = String(repeating: "x", count: 100)
    #expect(String((long + a).dropFirst(100)) == a && !(String((long + b).dropFirst(100)) == a))
  }

  @Test func keysAreToldApart() {
    var values: [NameKey: Int] = [NameKey(Self.composed): 1]
    values[NameKey(Self.decomposed)] = 2
    #expect(values.count == 2 && values[NameKey(Self.composed)] == 1)
    #expect(Set([NameKey("K"), NameKey(Self.kelvin)]).count == 2)
    #expect(Name(Self.composed) != Name(Self.decomposed))
    #expect(Ref(string: Self.composed) != Ref(string: Self.decomposed))
  }

  @Test func patternsAreToldApart() throws {
    var router = TopicRouter()
    for text in ["x:\(Self.composed)", "x:\(Self.decomposed)", "\(Self.composed)*", "\(Self.decomposed)*"] {
      let pattern = try TopicPattern(text)
      #expect(router.add(pattern, options: ChannelSpec.Options(), callbacks: .all) != nil)
    }
    #expect(router.match("x:\(Self.decomposed)")?.index == 1)
    #expect(router.match("\(Self.decomposed):1")?.index == 3)
  }

  @Test(arguments: [[], [composed], [decomposed]])
  func assignsAreToldApart(_ track: [String]) throws {
    var options = ChannelSpec.Options()
    options.track = track
    let spec = ChannelSpec(pattern: try TopicPattern("t"), options: options, callbacks: .all, index: 0)
    var assigns = Assigns(spec: spec, untracked: [NameKey(Self.composed): 1, NameKey(Self.decomposed): 2])
    #expect(assigns[Self.composed] == 1 && assigns[Self.decomposed] == 2 && assigns.names.count == 2)
    try assigns.set(Self.composed, to: 3)
    #expect(assigns[Self.decomposed] == 2)
    try assigns.remove(Self.composed)
    #expect(assigns[Self.decomposed] == 2 && assigns[Self.composed] == nil)
  }
}
