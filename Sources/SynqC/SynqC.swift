import CSynq

@_cdecl("synq_version") @implementation
public func synq_version() -> CInt { 1 }
