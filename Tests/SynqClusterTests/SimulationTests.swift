import ClusterSimulation
import Testing

/// A thousand simulated clusters; `make simulate` runs a hundred thousand.
@Suite struct SimulationTests {
  @Test(arguments: 0..<4)
  func everyPromiseIsKept(part: UInt64) throws {
    var (commits, terms, losses) = (0, 0, 0)
    for seed in part * 250 + 1...part * 250 + 250 {
      var simulation = Simulation(seed: seed)
      do { try simulation.run() } catch { Issue.record("seed \(seed): \(error)") }
      commits += simulation.commits
      terms += simulation.takeOvers
      losses += simulation.losses
    }
    // The seeds try something.
    #expect(commits > 5000 && terms > 200 && losses > 50)
  }

  /// The checks can fail: each fault is found.
  @Test(arguments: Simulation.Mutation.allCases)
  func aFaultIsFound(mutation: Simulation.Mutation) {
    let found = (UInt64(1)...300).lazy.compactMap { seed -> Simulation.Violation? in
      var simulation = Simulation(seed: seed, mutation: mutation)
      do throws(Simulation.Violation) {
        try simulation.run()
        return nil
      } catch {
        return error
      }
    }
    #expect(found.first != nil)
  }
}
