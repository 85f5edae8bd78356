import CSynq
import Glibc

/// The static texts of the codes.
enum ErrorText {
  private static func text(_ literal: StaticString) -> UnsafePointer<CChar> {
    UnsafeRawPointer(literal.utf8Start).assumingMemoryBound(to: CChar.self)
  }

  static func of(_ code: CInt) -> UnsafePointer<CChar> {
    switch Int(code) {
    case Int(SYNQ_OK): text("success")
    case Int(SYNQ_EINVAL): text("an argument is not allowed")
    case Int(SYNQ_ENOMEM): text("out of memory")
    case Int(SYNQ_ECLOSED): text("it is closed")
    case Int(SYNQ_ESTATE): text("not possible at this time")
    case Int(SYNQ_EJSON): text("not JSON")
    case Int(SYNQ_EPOINTER): text("not a JSON pointer")
    case Int(SYNQ_ENOTFOUND): text("no value at the pointer")
    case Int(SYNQ_ETYPE): text("a value of another kind")
    case Int(SYNQ_ERANGE): text("the number does not fit")
    case Int(SYNQ_EADDRINUSE): text("the address is in use")
    case Int(SYNQ_EIO): text("the system refused")
    case Int(SYNQ_EFORKED): text("the server belongs to the parent process")
    case Int(SYNQ_EPATCH): text("the patch does not apply")
    case Int(SYNQ_ELIMIT): text("a limit was reached")
    case Int(SYNQ_EVERSION): text("the header is newer than the library")
    case Int(SYNQ_ETIMEDOUT): text("the deadline passed")
    case Int(SYNQ_CRASH): text("the callback failed")
    case Int(SYNQ_REFUSE): text("the callback refused")
    default: text("unknown code")
    }
  }
}
