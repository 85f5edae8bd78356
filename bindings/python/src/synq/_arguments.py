"""What is given to a server, as the library takes it."""

from __future__ import annotations

import ctypes
import dataclasses
import logging
from collections.abc import Iterable
from typing import Any

from . import _ffi
from .limits import Limits


def log_level(log: logging.Logger) -> int:
    level = log.getEffectiveLevel()
    for name, at_most in (
        (_ffi.LOG_DEBUG, logging.DEBUG),
        (_ffi.LOG_INFO, logging.INFO),
        (_ffi.LOG_WARNING, logging.WARNING),
        (_ffi.LOG_ERROR, logging.CRITICAL),
    ):
        if level <= at_most:
            return name
    return _ffi.LOG_OFF


def in_url(host: str) -> str:
    """A host as it stands in a URL: an IPv6 address in brackets (RFC 3986, section 3.2.2)."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def strings(name: str, values: Iterable[str]) -> Any:
    if isinstance(values, str):
        raise TypeError(f"{name} must be a list of strings, not the string {values!r}")
    encoded = [value.encode() for value in values]
    return ctypes.cast((ctypes.c_char_p * (len(encoded) + 1))(*encoded, None), _ffi.strings_p)


def limits(given: Limits) -> Any:
    values = {name: unsigned(name, value) for name, value in dataclasses.asdict(given).items()}
    return ctypes.pointer(_ffi.limits(size=ctypes.sizeof(_ffi.limits), **values))


def unsigned(name: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 0xFFFFFFFF:
        raise ValueError(f"{name} must be from 0 to {0xFFFFFFFF}, not {value!r}")
    return value
