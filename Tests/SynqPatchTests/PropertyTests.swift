import SynqJSON
import SynqPatch
import Testing

/// What holds for every pair of values: the patch leads from one to the other, and equal values need none.
@Suite struct PropertyTests {
  private func check(_ a: JSON, _ b: JSON) {
    let patch = JSONPatch.diff(from: a, to: b)
    do {
      let result = try JSONPatch.apply(patch, to: a)
      if result != b { Issue.record("\(a) to \(b): \(patch) gives \(result)") }
      let opened = try JSONPatch.applyByOpening(patch, to: a, limits: PatchLimits())
      if opened != b { Issue.record("\(a) to \(b): \(patch) gives \(opened) by opening") }
    } catch {
      Issue.record("\(a) to \(b): \(patch) fails: \(error)")
    }
    if a == b, patch.count != 0 { Issue.record("\(a) equals \(b), but \(patch)") }
  }

  @Test func everyPairOfSmallShapes() {
    let shapes = RandomValues.smallShapes()
    for a in shapes { for b in shapes { check(a, b) } }
  }

  @Test func everyPairOfShortLists() {
    // All lists of up to four elements out of three: insertions, removals, moves and repetitions in every place.
    for elements: [JSON] in [
      [1, 2, 3],
      [
        ["id": 1, "v": 1], ["id": 1, "v": 2],
        ["id": 3, "v": ["a", "long", "list", "of", "words"]],
      ],
    ] {
      var lists: [[JSON]] = [[]]
      var start = 0
      for _ in 0..<4 {
        let end = lists.count
        for i in start..<end { for element in elements { lists.append(lists[i] + [element]) } }
        start = end
      }
      let values = lists.map { JSON($0) }
      for a in values { for b in values { check(a, b) } }
    }
  }

  @Test func aHundredThousandRandomPairs() {
    var random = RandomValues(seed: 20_241_124)
    for _ in 0..<100_000 {
      let a = random.value(depth: 4)
      check(a, random.mutation(of: a))
    }
  }

  @Test func unrelatedRandomPairs() {
    var random = RandomValues(seed: 7)
    for _ in 0..<20_000 { check(random.value(depth: 3), random.value(depth: 3)) }
  }

  @Test func longListsThatAreShuffledAndEdited() {
    var random = RandomValues(seed: 99)
    for round in 0..<600 {
      let a = random.list(count: 10 + round % 90)
      check(a, random.rearrangement(of: a))
    }
  }

  @Test func aValueNeedsNoPatchToItself() throws {
    var random = RandomValues(seed: 3)
    for _ in 0..<5_000 {
      let a = random.value(depth: 4)
      let copy = try JSON(parsing: a.text)
      #expect(JSONPatch.diff(from: a, to: copy) == [])
      #expect(JSONPatch.diff(from: a, to: random.reordered(copy)) == [])
    }
  }
}
