import Foundation
import Testing

/// The public suites and documents, which are not in the repository: they are looked for in the folder that SYNQ_SUITES
/// names, else in one named `shared` beside the checkout. Tests that need them are skipped where they are absent.
enum SharedFiles {
  static let folder =
    ProcessInfo.processInfo.environment["SYNQ_SUITES"].map { URL(filePath: $0) }
    ?? URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "shared")

  static let isPresent = FileManager.default.fileExists(atPath: folder.appending(path: "suites").path)

  static let missing: Comment = "SYNQ_SUITES names no folder with the public suites"

  static func bytes(_ path: String) throws -> [UInt8] {
    try [UInt8](Data(contentsOf: folder.appending(path: path)))
  }

  /// The names of the files in a folder, sorted; none where the folder is absent.
  static func names(in path: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder.appending(path: path).path)) ?? []).sorted()
  }
}
