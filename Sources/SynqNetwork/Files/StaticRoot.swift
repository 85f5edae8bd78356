#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A directory whose files are served below a path.
package struct StaticRoot: Sendable {
  /// The path below which the files appear: "/" for all that no socket takes, or for example "/assets".
  package var prefix: String
  /// The directory. Must exist when the server is made. A link in it may lead to another place of it, not out of it.
  package var directory: String

  package init(prefix: String, directory: String) {
    self.prefix = prefix
    self.directory = directory
  }
}

/// A `StaticRoot` whose directory was found.
struct FileTree: Sendable {
  let prefix: [String]
  /// Without links, without a "/" at its end.
  private let root: String

  init(_ root: StaticRoot) throws(NetworkError) {
    let pattern = try PathPattern(root.prefix)
    guard let prefix = pattern.literals else {
      throw NetworkError(argument: "path \"\(root.prefix)\"", cause: "a directory's path has no parameters")
    }
    self.prefix = prefix
    guard let path = resolved(root.directory) else {
      throw NetworkError(argument: "directory \"\(root.directory)\"", cause: String(cString: strerror(errno)))
    }
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw NetworkError(argument: "directory \"\(root.directory)\"", cause: "is not a directory")
    }
    self.root = path == "/" ? "" : path
  }

  enum Finding {
    case file(OpenFile)
    /// A directory that was asked for without the "/" at its end: relative links in its page would go wrong.
    case directoryWithoutSlash
    case nothing
  }

  /// Opens the file at `segments` below the root; for a directory its index.html. Blocks: not for an event loop.
  ///
  /// What a name leads to is resolved first and must lie below the root. Hidden names are not served, "/.well-known"
  /// apart: what editors and version control leave in a directory is nobody's business.
  func open(_ segments: [String], isDirectory: Bool) -> Finding {
    var path = root
    for segment in segments {
      guard !segment.utf8.contains(0), !segment.contains("/"), segment != "..", segment != "." else {
        return .nothing
      }
      guard segment.first != "." || segment == ".well-known" else { return .nothing }
      path += "/" + segment
    }
    guard let real = resolved(path.isEmpty ? "/" : path), real == root || real.hasPrefix(root + "/") else {
      return .nothing
    }
    // Not blocking, or opening a named pipe would wait for a writer.
    let descriptor = Self.openDescriptor(real)
    guard descriptor >= 0 else { return .nothing }
    let file = OpenFile(descriptor: descriptor, name: real)
    switch file.kind {
    case S_IFREG: return isDirectory ? .nothing : .file(file)
    case S_IFDIR:
      guard isDirectory || segments.isEmpty else { return .directoryWithoutSlash }
      return segments.last == Self.index ? .nothing : open(segments + [Self.index], isDirectory: false)
    default: return .nothing
    }
  }

  private static let index = "index.html"

  private static func openDescriptor(_ path: String) -> CInt {
    #if canImport(Glibc)
    Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    #elseif canImport(Musl)
    Musl.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    #else
    Darwin.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    #endif
  }
}

/// The absolute path without links; nil when there is nothing, errno says why.
private func resolved(_ path: String) -> String? {
  guard let text = realpath(path, nil) else { return nil }
  defer { free(text) }
  return String(validatingCString: text)
}
