import Glibc
import SynqJSON

/// What a measured body leaves, so that it is not optimised away.
nonisolated(unsafe) var sink = 0

/// `memcmp`, called through a variable that `main` sets: a call by its name is hoisted out of a loop.
nonisolated(unsafe) var compare: (UnsafeRawPointer, UnsafeRawPointer, Int) -> Int32 = { _, _, _ in 0 }

func now() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) * 1e6 + Double(time.tv_nsec) / 1e3
}

/// The time of one call in µs: the best of many batches, each long enough for the clock.
func measure(batches: Int = 41, _ body: () -> Void) -> Double {
  let start = now()
  body()
  let once = max(now() - start, 0.02)
  let calls = max(1, Int(500 / once))
  var best = Double.infinity
  for _ in 0..<(once > 50_000 ? 3 : batches) {
    let start = now()
    for _ in 0..<calls { body() }
    best = min(best, (now() - start) / Double(calls))
  }
  return best
}

/// The time in which two copies of a text are found equal.
func memcmpTime(_ text: [UInt8]) -> Double {
  let copy = text + [0]
  return text.withUnsafeBytes { a in
    copy.withUnsafeBytes { b in
      guard let x = a.baseAddress, let y = b.baseAddress else { return 0 }
      return measure { sink &+= Int(compare(x, y, text.count)) }
    }
  }
}

/// Three significant digits are what a measurement holds.
func rounded(_ time: Double) -> Double {
  time < 10 ? (time * 1000).rounded() / 1000 : (time * 10).rounded() / 10
}

struct FileError: Error {
  let path: String
}

func bytes(_ path: String) throws -> [UInt8] {
  guard let file = fopen(path, "r") else { throw FileError(path: path) }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var block = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = fread(&block, 1, block.count, file)
    if count == 0 { return bytes }
    bytes += block[..<count]
  }
}

/// The workloads of a directory, W2 before W10.
func workloads(in directory: String) -> [String] {
  guard let stream = opendir(directory) else { return [] }
  defer { closedir(stream) }
  var names: [String] = []
  while let entry = readdir(stream) {
    let name = withUnsafeBytes(of: entry.pointee.d_name) {
      String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
    if name.hasPrefix("W") { names.append(name) }
  }
  return names.sorted { (number($0), $0) < (number($1), $1) }
}

private func number(_ name: String) -> Int { Int(name.filter(\.isNumber)) ?? 0 }
