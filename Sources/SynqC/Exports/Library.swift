import CSynq

@_cdecl("synq_version") @implementation
public func synq_version() -> CInt {
  CInt(SYNQ_VERSION_MAJOR << 16 | SYNQ_VERSION_MINOR << 8 | SYNQ_VERSION_PATCH)
}

@_cdecl("synq_strerror") @implementation
public func synq_strerror(_ code: CInt) -> UnsafePointer<CChar>! { ErrorText.of(code) }

@_cdecl("synq_error_message") @implementation
public func synq_error_message() -> UnsafePointer<CChar>! { UnsafeErrorDetail.current }

@_cdecl("synq_crash") @implementation
public func synq_crash(_ cause: UnsafePointer<CChar>!) -> CInt {
  UnsafeCrashCause.note(cause)
  return CInt(SYNQ_CRASH)
}
