import ClusterSimulation
import Glibc

/// Runs seeds of the simulation: `cluster-simulate COUNT [FIRST]`. Ends with 1 at the first promise that is broken, and
/// names its seed.
let count = CommandLine.arguments.dropFirst().first.flatMap { UInt64($0) } ?? 100_000
let first = CommandLine.arguments.dropFirst(2).first.flatMap { UInt64($0) } ?? 1
var (commits, takeOvers, losses) = (0, 0, 0)
var broken = 0
for seed in first..<first + count {
  var simulation = Simulation(seed: seed)
  do throws(Simulation.Violation) { try simulation.run() } catch {
    print("seed \(seed): \(error)")
    broken += 1
    if broken == 10 { break }
  }
  commits += simulation.commits
  takeOvers += simulation.takeOvers
  losses += simulation.losses
}
print(
  "\(count) seeds: \(commits) changes, \(takeOvers) terms, \(losses) losses of all data, \(broken) broken")
exit(broken == 0 ? 0 : 1)
