import Synq
import SynqTesting
import Tally
import Testing

@Test func countsAndAnswers() async throws {
  let tally = try await TestServer("tally:*", Tally()).join("tally:1")
  try await tally.expectState(["count": 0])
  #expect(try await tally.push("inc") == .ok(["count": 1]))
  try await tally.expectPatch([["op": "replace", "path": "/count", "value": 1]])
}
