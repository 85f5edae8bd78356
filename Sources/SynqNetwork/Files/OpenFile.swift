import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// An open file with what its answer's header says of it. Closed when the last reference goes.
final class OpenFile: Sendable {
  private let descriptor: CInt
  private let name: String
  /// S_IFREG, S_IFDIR, …
  let kind: mode_t
  let size: Int
  let modified: HTTPDate
  /// Names this content: changes with size and modification time.
  let etag: String

  /// Takes over `descriptor`.
  init(descriptor: CInt, name: String) {
    self.descriptor = descriptor
    self.name = name
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      (kind, size, modified, etag) = (0, 0, HTTPDate(seconds: 0), "")
      return
    }
    kind = status.st_mode & S_IFMT
    size = Int(status.st_size)
    #if os(Linux)
    let time = status.st_mtim
    #else
    let time = status.st_mtimespec
    #endif
    modified = HTTPDate(seconds: Int(time.tv_sec))
    let stamp = UInt64(truncatingIfNeeded: Int(time.tv_sec) &* 1_000_000_000 &+ Int(time.tv_nsec))
    etag = "\"\(String(stamp, radix: 36))-\(String(size, radix: 36))\""
  }

  deinit { close(descriptor) }

  /// The bytes from `offset`, at most `count`; nil when the file cannot be read or has become shorter. Blocks.
  func read(at offset: Int, count: Int) -> ByteBuffer? {
    let wanted = min(count, size - offset)
    var buffer = ByteBufferAllocator().buffer(capacity: wanted)
    var done = 0
    while done < wanted {
      let got = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: wanted - done) { room in
        max(0, pread(descriptor, room.baseAddress, wanted - done, off_t(offset + done)))
      }
      guard got > 0 else { return nil }
      done += got
    }
    return buffer
  }

  /// Whether a client that has what `If-None-Match` names has this content (RFC 9110, section 13.1.2).
  func matches(_ ifNoneMatch: String) -> Bool {
    ifNoneMatch.split(separator: ",").contains { candidate in
      let tag = candidate.drop { $0 == " " }
      let trimmed = tag.prefix { $0 != " " }
      return trimmed == "*" || trimmed == etag || (trimmed.hasPrefix("W/") && trimmed.dropFirst(2) == etag)
    }
  }

  /// The type by the name's ending; bytes for one that is not known.
  var contentType: String {
    guard let dot = name.lastIndex(of: "."), !name[dot...].contains("/") else { return Self.bytes }
    return Self.types[name[name.index(after: dot)...].lowercased()] ?? Self.bytes
  }

  private static let bytes = "application/octet-stream"

  private static let types = [
    "html": "text/html; charset=utf-8", "htm": "text/html; charset=utf-8", "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8", "mjs": "text/javascript; charset=utf-8",
    "json": "application/json; charset=utf-8", "map": "application/json; charset=utf-8",
    "webmanifest": "application/manifest+json; charset=utf-8", "txt": "text/plain; charset=utf-8",
    "md": "text/markdown; charset=utf-8", "csv": "text/csv; charset=utf-8",
    "xml": "application/xml; charset=utf-8",
    "svg": "image/svg+xml; charset=utf-8", "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg",
    "gif": "image/gif", "webp": "image/webp", "avif": "image/avif", "ico": "image/x-icon",
    "woff": "font/woff", "woff2": "font/woff2", "ttf": "font/ttf", "otf": "font/otf",
    "wasm": "application/wasm",
    "pdf": "application/pdf", "mp3": "audio/mpeg", "ogg": "audio/ogg", "wav": "audio/wav", "mp4": "video/mp4",
    "webm": "video/webm",
  ]
}
