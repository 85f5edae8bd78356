import Foundation
import SynqJSON

/// Public suites and other people's data, which are not in the repository: they are looked for in the folder that
/// SYNQ_SUITES names, else in one named `shared` beside the checkout.
enum SharedFiles {
  private static let root =
    ProcessInfo.processInfo.environment["SYNQ_SUITES"].map { URL(fileURLWithPath: $0) }
    ?? URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("shared")

  static func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: root.appendingPathComponent(path).path)
  }

  static func json(_ path: String) throws -> JSON {
    try JSON(parsing: [UInt8](Data(contentsOf: root.appendingPathComponent(path))))
  }
}

/// Files of this folder.
enum Fixtures {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Fixtures")

  static func json(_ path: String) throws -> JSON {
    try JSON(parsing: [UInt8](Data(contentsOf: root.appendingPathComponent(path))))
  }
}
