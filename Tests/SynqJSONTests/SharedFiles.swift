import Foundation
import Testing

/// The public suites and documents, which live beside the repository and not in it. Tests that need them are skipped
/// where they are absent.
enum SharedFiles {
  static let folder = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "shared")

  static let isPresent = FileManager.default.fileExists(atPath: folder.appending(path: "suites").path)

  static let missing: Comment = "needs the folder shared beside the repository"

  static func bytes(_ path: String) throws -> [UInt8] {
    try [UInt8](Data(contentsOf: folder.appending(path: path)))
  }

  /// The names of the files in a folder, sorted; none where the folder is absent.
  static func names(in path: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder.appending(path: path).path)) ?? []).sorted()
  }
}
