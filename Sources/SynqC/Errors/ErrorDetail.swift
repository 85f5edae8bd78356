import CSynq
import Glibc
import SynqChannels

/// The detail of the last failed call of each thread, as C text.
enum UnsafeErrorDetail {
  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key) { free($0) }
    return key
  }()

  /// What `synq_error_message` gives on a thread that never failed.
  private static var none: UnsafePointer<CChar> {
    let empty: StaticString = ""
    return UnsafeRawPointer(empty.utf8Start).assumingMemoryBound(to: CChar.self)
  }

  static func set(_ message: String) {
    free(pthread_getspecific(key))
    pthread_setspecific(key, strdup(message))
  }

  static var current: UnsafePointer<CChar> {
    guard let raw = pthread_getspecific(key) else { return none }
    return UnsafePointer(raw.assumingMemoryBound(to: CChar.self))
  }
}

/// Why the callback of a thread fails, as `synq_crash` noted it, until the callback has returned.
enum UnsafeCrashCause {
  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key) { free($0) }
    return key
  }()

  static func note(_ cause: UnsafePointer<CChar>?) {
    free(pthread_getspecific(key))
    var copy: UnsafeMutablePointer<CChar>?
    if let cause { copy = strdup(cause) }
    pthread_setspecific(key, copy)
  }

  /// Whether the callback that runs, or ran, has noted a cause.
  static var isNoted: Bool { pthread_getspecific(key) != nil }

  /// The callback has returned, and did not fail.
  static func forget() { if isNoted { note(nil) } }

  private static func take() -> String? {
    guard let raw = pthread_getspecific(key) else { return nil }
    pthread_setspecific(key, nil)
    defer { free(raw) }
    return String(cString: raw.assumingMemoryBound(to: CChar.self))
  }

  /// Why a callback failed that returned `code`: what was noted, or what the call said whose code it is.
  static func of(_ code: CInt) -> String {
    if code == CInt(SYNQ_CRASH) { return take() ?? "it returned SYNQ_CRASH; synq_crash() notes why" }
    return String(cString: UnsafeErrorDetail.current)
  }
}

/// Runs the body of an export: `SYNQ_OK`, or the error's code with its message kept for `synq_error_message`.
func export(_ body: () throws(HostError) -> Void) -> CInt {
  do throws(HostError) {
    try body()
    return 0
  } catch {
    return fail(error)
  }
}

/// Keeps the error's message and returns its code.
@discardableResult
func fail(_ error: HostError) -> CInt {
  UnsafeErrorDetail.set(error.message)
  return error.code.rawValue
}
