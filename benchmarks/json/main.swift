// What SynqJSON costs: parse and serialise, of documents and of frames, with jansson in the same run; and the conversion
// from and to jansson's values at the C boundary, beside a deep copy of them.
//
//   json-bench DOCUMENT...        JSON=FILE writes the table as JSON lines too
//
// Each figure is the best of many batches; both sides allocate and free what they make. The jansson columns of a
// conversion are of json_deep_copy.

import CJansson
import Glibc
import SynqC
import SynqJSON

func now() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}

/// Seconds of one call, the best of `batches` of about 10 ms.
func best(batches: Int = 41, _ body: () -> Void) -> Double {
  body()
  var start = now()
  body()
  let calls = max(1, Int(0.01 / max(now() - start, 1e-9)))
  var best = Double.infinity
  for _ in 0..<batches {
    start = now()
    for _ in 0..<calls { body() }
    best = min(best, (now() - start) / Double(calls))
  }
  return best
}

func contents(of path: String) -> [UInt8]? {
  guard let file = fopen(path, "rb") else { return nil }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = fread(&chunk, 1, chunk.count, file)
    if count == 0 { return bytes }
    bytes.append(contentsOf: chunk[..<count])
  }
}

struct Row {
  let workload: String
  let seconds: Double
  let jansson: Double
  let bytes: Int
  let items: Int
}

func bench(document path: String, name: String, into rows: inout [Row]) {
  guard let text = contents(of: path), let value = try? JSON(parsing: text) else {
    print("skipped: cannot read \(path)")
    return
  }
  let parse = best { _ = try? JSON(parsing: text) }
  let theirParse = best {
    text.withUnsafeBytes { json_decref(json_loadb($0.baseAddress, $0.count, 0, nil)) }
  }
  rows.append(
    Row(workload: "parse \(name)", seconds: parse, jansson: theirParse, bytes: text.count, items: 1))

  var writer = ByteWriter()
  writer.append(json: value)
  let size = writer.count
  let serialise = best {
    writer.removeAll()
    writer.append(json: value)
  }
  let tree = text.withUnsafeBytes { json_loadb($0.baseAddress, $0.count, 0, nil) }
  let theirSerialise = best { free(json_dumps(tree, Int(JSON_COMPACT))) }
  rows.append(
    Row(workload: "serialise \(name)", seconds: serialise, jansson: theirSerialise, bytes: size, items: 1))

  let copy = best { json_decref(json_deep_copy(tree)) }
  let fromJansson = best { _ = try? UnsafeJansson.borrowed(tree, name) }
  let toJansson = best { if let made = try? UnsafeJansson.new(value) { json_decref(made) } }
  json_decref(tree)
  rows.append(
    Row(workload: "from json_t \(name)", seconds: fromJansson, jansson: copy, bytes: size, items: 1))
  rows.append(Row(workload: "to json_t \(name)", seconds: toJansson, jansson: copy, bytes: size, items: 1))
}

/// Frames of a chat and a list, about 115 bytes each and no two alike.
func frames() -> [[UInt8]] {
  var random: UInt64 = 42
  func next(_ bound: UInt64) -> UInt64 {
    random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return (random >> 33) % bound
  }
  let words = [
    "buy", "milk", "and", "bread", "then", "call", "the", "plumber", "tomorrow", "morning", "at", "nine",
  ]
  return (0..<4096).map { index in
    var title = words[Int(next(12))]
    while title.utf8.count < 24 { title += " " + words[Int(next(12))] }
    let text =
      next(2) == 0
      ? #"["\#(1 + next(9))","\#(index)","room:\#(next(900))","update_item",{"id":\#(next(100000)),"done":\#(next(2) == 0),"title":"\#(title)","n":\#(next(1000)).5}]"#
      : #"["\#(1 + next(9))","\#(index)","room:\#(next(900))","say",{"text":"\#(title)","from":"user\#(next(1000))","tags":["a",\#(next(99)),null]}]"#
    return Array(text.utf8)
  }
}

func benchFrames(into rows: inout [Row]) {
  let frames = frames()
  let bytes = frames.reduce(0) { $0 + $1.count }
  let parse = best { for frame in frames { _ = try? JSON(parsing: frame) } }
  let theirParse = best {
    for frame in frames {
      frame.withUnsafeBytes { json_decref(json_loadb($0.baseAddress, $0.count, 0, nil)) }
    }
  }
  rows.append(
    Row(workload: "parse frames", seconds: parse, jansson: theirParse, bytes: bytes, items: frames.count))

  let values = frames.compactMap { try? JSON(parsing: $0) }
  var writer = ByteWriter()
  let serialise = best {
    for value in values {
      writer.removeAll()
      writer.append(json: value)
    }
  }
  let trees = frames.map { frame in frame.withUnsafeBytes { json_loadb($0.baseAddress, $0.count, 0, nil) } }
  let theirSerialise = best { for tree in trees { free(json_dumps(tree, Int(JSON_COMPACT))) } }
  for tree in trees { json_decref(tree) }
  rows.append(
    Row(
      workload: "serialise frames", seconds: serialise, jansson: theirSerialise, bytes: bytes,
      items: frames.count))
}

func fixed(_ value: Double, _ digits: Int) -> String {
  var scale = 1.0
  for _ in 0..<digits { scale *= 10 }
  let rounded = (value * scale).rounded() / scale
  let text = rounded.description
  guard digits == 0, text.hasSuffix(".0") else { return text }
  return String(text.dropLast(2))
}

func padded(_ text: String, _ width: Int) -> String {
  String(repeating: " ", count: max(0, width - text.count)) + text
}

var rows: [Row] = []
for path in CommandLine.arguments.dropFirst() {
  bench(document: path, name: String(path.split(separator: "/").last ?? ""), into: &rows)
}
benchFrames(into: &rows)

print("| workload | bytes | MB/s | µs each | jansson MB/s | times jansson |")
print("| --- | ---: | ---: | ---: | ---: | ---: |")
for row in rows {
  let megabytes = Double(row.bytes) / 1e6
  print(
    "| \(row.workload) | \(row.bytes / row.items) | \(fixed(megabytes / row.seconds, 0)) "
      + "| \(fixed(row.seconds / Double(row.items) * 1e6, 3)) | \(fixed(megabytes / row.jansson, 0)) "
      + "| \(fixed(row.jansson / row.seconds, 1)) |")
}
if let path = getenv("JSON"), let file = fopen(path, "wb") {
  for row in rows {
    let line: JSON = [
      "workload": JSON(row.workload), "bytes": JSON(row.bytes / row.items),
      "us": JSON(row.seconds / Double(row.items) * 1e6) ?? .null,
      "jansson_us": JSON(row.jansson / Double(row.items) * 1e6) ?? .null,
    ]
    fputs(line.description + "\n", file)
  }
  fclose(file)
}
