import NIOHTTP1
import SynqHosting

/// Pages of the server's own: metrics and health.
extension HTTPConnection {
  /// Answers with a page as it is now; 503 where it is not ok.
  func servePage(_ page: ServerPage, _ request: Request) {
    guard request.head.method == .GET || request.head.method == .HEAD else {
      return answer(
        HTTPAnswer(status: .methodNotAllowed, headers: [("allow", "GET, HEAD")]))
    }
    let (isOK, contentType, text) = core.backend.page(page)
    var answer = HTTPAnswer.text(isOK ? .ok : .serviceUnavailable, text)
    answer.headers = [("content-type", contentType)]
    answer.cacheControl = "no-store"
    self.answer(answer)
  }
}
