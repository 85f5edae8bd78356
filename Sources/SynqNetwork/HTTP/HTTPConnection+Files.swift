import NIOCore
import NIOHTTP1

extension HTTPConnection {
  /// A file up to this size is read and answered in one piece; a larger one is sent in pieces of it.
  private static let pieceBytes = 262_144

  /// What a thread that may block found for a request.
  private enum Found: Sendable {
    case file(OpenFile, first: ByteBuffer)
    case unchanged(OpenFile)
    case directoryWithoutSlash
    case nothing
  }

  /// Answers a request for a file. Opening and reading happen on NIO's blocking threads.
  func serveFile(_ request: Request, tree index: Int, segments: [String]) {
    let method = request.head.method
    guard method == .GET || method == .HEAD else {
      var refusal = HTTPAnswer.text(.methodNotAllowed, "only GET and HEAD")
      refusal.headers = [("allow", "GET, HEAD")]
      return answer(refusal)
    }
    let tree = core.fileTrees[index]
    let isDirectory = request.target.endsInSlash
    let known = request.head.headers[canonicalForm: "if-none-match"].joined(separator: ",")
    let wanted = method == .HEAD ? 0 : Self.pieceBytes
    loop.runOnThread({ () -> Found in
      switch tree.open(segments, isDirectory: isDirectory) {
      case .nothing: return .nothing
      case .directoryWithoutSlash: return .directoryWithoutSlash
      case .file(let file):
        if file.matches(known) { return .unchanged(file) }
        guard let first = file.read(at: 0, count: wanted) else { return .nothing }
        return .file(file, first: first)
      }
    }) { result in
      switch result {
      case .success(.file(let file, let first)): self.send(file, first: first, isHead: method == .HEAD)
      case .success(.unchanged(let file)):
        var answer = HTTPAnswer.empty(.notModified)
        Self.describe(file, in: &answer)
        self.answer(answer)
      case .success(.directoryWithoutSlash):
        var answer = HTTPAnswer.empty(.movedPermanently)
        answer.headers = [("location", request.target.withSlash)]
        self.answer(answer)
      case .success(.nothing): self.answer(.text(.notFound, "no such file"))
      case .failure(let error):
        self.core.logger.error("reading a file failed: \(error)", metadata: self.logMetadata)
        self.answer(.failure(.internalServerError))
      }
    }
  }

  private static func describe(_ file: OpenFile, in answer: inout HTTPAnswer) {
    // Checked again each time, at the price of a 304: a page and its script never come from two versions.
    answer.cacheControl = "no-cache"
    answer.headers = [
      ("etag", file.etag), ("last-modified", file.modified.text), ("x-content-type-options", "nosniff"),
    ]
  }

  private func send(_ file: OpenFile, first: ByteBuffer, isHead: Bool) {
    var answer = HTTPAnswer(status: .ok, body: first)
    Self.describe(file, in: &answer)
    answer.headers.append(("content-type", file.contentType))
    answer.contentLength = file.size
    if isHead || first.readableBytes == file.size { return self.answer(answer) }
    beginAnswer(answer).assumeIsolated().whenComplete {
      self.continueFile(file, at: first.readableBytes, after: $0)
    }
  }

  /// Sends the next piece once the one before was taken: a slow client holds one piece in memory.
  private func continueFile(_ file: OpenFile, at offset: Int, after sent: Result<Void, any Error>) {
    guard case .success = sent, isAnswering else { return abandonAnswer() }
    guard offset < file.size else { return endAnswer() }
    loop.runOnThread({ file.read(at: offset, count: Self.pieceBytes) }) { result in
      // A file that became shorter cannot be answered as announced.
      guard case .success(.some(let piece)) = result else { return self.abandonAnswer() }
      self.continueAnswer(piece).assumeIsolated().whenComplete {
        self.continueFile(file, at: offset + piece.readableBytes, after: $0)
      }
    }
  }
}
