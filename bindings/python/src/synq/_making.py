"""Makes the library's server."""

from __future__ import annotations

import ctypes
import itertools
import logging
import os
from collections.abc import Iterable, Mapping

from . import _callbacks, _ffi
from ._arguments import limits as c_limits
from ._arguments import log_level, strings
from ._library import Library, check
from .limits import Limits

_users = itertools.count(1)
TLS_VERSIONS = {"1.2": _ffi.TLS_1_2, "1.3": _ffi.TLS_1_3}


def new_server(
    lib: Library,
    log: logging.Logger,
    host: str,
    port: int,
    limits: Limits | None,
    loops: int,
    allowed_hosts: Iterable[str] | None,
    tls_certificate: str | os.PathLike[str] | None,
    tls_key: str | os.PathLike[str] | None,
    tls_minimum_version: str,
    pages: Mapping[str, str | None],
) -> int:
    """Makes a server of the library from what Server takes."""
    chosen = _ffi.server_options(size=ctypes.sizeof(_ffi.server_options))
    chosen.host = host.encode()
    chosen.port = port
    chosen.delivery = _ffi.POLLED
    chosen.loops = loops
    for name, page in pages.items():
        setattr(chosen, name, None if page is None else page.encode())
    if allowed_hosts is not None:
        chosen.allowed_hosts = strings("allowed_hosts", allowed_hosts)
    if limits is not None:
        chosen.limits = c_limits(limits)
    chosen.tls_certificate = None if tls_certificate is None else os.fsencode(tls_certificate)
    chosen.tls_key = None if tls_key is None else os.fsencode(tls_key)
    chosen.tls_minimum_version = TLS_VERSIONS[tls_minimum_version]
    chosen.log_level = log_level(log)
    chosen.log = _callbacks.log
    chosen.user = next(_users)
    chosen.destroy = _callbacks.forget_logger
    _callbacks.loggers[chosen.user] = log
    out = ctypes.c_void_p()
    check(lib.synq_server_new(ctypes.byref(out), ctypes.byref(chosen)))
    assert out.value is not None
    return out.value
