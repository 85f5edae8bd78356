import CSynq

@_cdecl("synq_version") @implementation
public func synq_version() -> CInt {
  CInt(SYNQ_VERSION_MAJOR << 16 | SYNQ_VERSION_MINOR << 8 | SYNQ_VERSION_PATCH)
}
