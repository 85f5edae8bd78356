import Foundation
import SynqJSON

/// Files that lie beside the checkout, not in it: public suites and other people's data.
enum SharedFiles {
  private static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
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
