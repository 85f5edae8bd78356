import Glibc
import SynqJSON
import SynqPatch

// Times SynqPatch on the pairs in a directory (NAME/old.json, NAME/new.json) and prints one JSON object a line.
//   patch-bench pairs DIRECTORY     each pair: diff and apply, beside a memcmp of the old text
//   patch-bench profile DIRECTORY   one pair (DIRECTORY/old.json), diffed for two seconds, for a profiler
//   patch-bench lines                    reads lines [old,new], writes the patch of each
//   patch-bench growth              10 to 100,000 elements: the time must grow with them, not with their square

// Never another one, but the compiler cannot know.
if CommandLine.arguments.count < 1000 { compare = { memcmp($0, $1, $2) } }

switch CommandLine.arguments.dropFirst().first {
case "pairs" where CommandLine.arguments.count == 3: try pairs(CommandLine.arguments[2])
case "growth": growth()
case "lines": try lines()
case "profile" where CommandLine.arguments.count == 3: try profile(CommandLine.arguments[2])
default:
  fail("usage: patch-bench pairs DIRECTORY | profile DIRECTORY | lines | growth")
}

func pairs(_ directory: String) throws {
  for name in workloads(in: directory) {
    let oldText = try bytes("\(directory)/\(name)/old.json")
    let newText = try bytes("\(directory)/\(name)/new.json")
    let old = try JSON(parsing: oldText)
    let new = try JSON(parsing: newText)
    var out = ByteWriter(capacity: 1 << 16)
    let diff = measure {
      out.removeAll()
      JSONPatch.writeDiff(from: old, to: new, into: &out)
    }
    out.removeAll()
    let operations = JSONPatch.writeDiff(from: old, to: new, into: &out)
    let size = out.count
    let patch = JSONPatch.diff(from: old, to: new)
    guard try JSONPatch.apply(patch, to: old) == new else {
      fail("\(name): the patch is wrong")
    }
    let apply = measure { sink = (try? JSONPatch.apply(patch, to: old))?.count ?? 0 }
    report(name, "synq", diff, operations, size, memcmpTime(oldText))
    if name == "W2" {
      let pointer: JSONPointer = "/items/617/done"
      let edit = measure {
        guard let edited = try? old.setting(false, at: pointer) else { return }
        out.removeAll()
        JSONPatch.writeDiff(from: old, to: edited, into: &out)
      }
      report(name, "synq edit + diff", edit, 1, size, memcmpTime(oldText))
    }
    report(name, "synq apply", apply, operations, size, memcmpTime(oldText))
  }
}

func profile(_ directory: String) throws {
  let old = try JSON(parsing: bytes("\(directory)/old.json"))
  let new = try JSON(parsing: bytes("\(directory)/new.json"))
  var out = ByteWriter(capacity: 1 << 16)
  let end = now() + 2e6
  while now() < end {
    for _ in 0..<100 {
      out.removeAll()
      JSONPatch.writeDiff(from: old, to: new, into: &out)
    }
  }
}

func lines() throws {
  var out = ByteWriter()
  while let line = readLine() {
    let pair = try JSON(parsing: line)
    guard let old = pair[0], let new = pair[1] else { fail("not a pair: \(line)") }
    out.removeAll()
    JSONPatch.writeDiff(from: old, to: new, into: &out)
    print(out.string)
  }
}

func fail(_ message: String) -> Never {
  let line = Array((message + "\n").utf8)
  write(2, line, line.count)
  exit(1)
}

func report(
  _ workload: String, _ engine: String, _ time: Double, _ operations: Int, _ size: Int, _ memcmp: Double
) {
  print(
    """
    {"workload":"\(workload)","engine":"\(engine)","us":\(rounded(time)),"operations":\(operations),\
    "bytes":\(size),"memcmp_us":\(rounded(memcmp))}
    """)
}
