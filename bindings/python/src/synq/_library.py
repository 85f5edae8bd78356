"""Finds libsynq, checks its version and gives its functions, once for the process and at the first use."""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import _ffi, _functions
from .errors import BY_CODE, LibraryError, LibraryNotFoundError, VersionError

# Before 1.0 each minor version has a soname of its own, because it may change the interface.
ABI = (_ffi.VERSION_MAJOR, _ffi.VERSION_MINOR) if _ffi.VERSION_MAJOR == 0 else (_ffi.VERSION_MAJOR,)
SONAME = ".".join(["libsynq.so", *map(str, ABI)])
ENVIRONMENT = "SYNQ_LIBRARY"
BUNDLED = Path(__file__).parent / "_lib"
JANSSON = BUNDLED / "libjansson.so.4"

_lock = threading.Lock()
_loaded: Library | None = None


class Library:
    """The functions of `_functions.FUNCTIONS` as attributes, each with its prototype."""

    def __init__(self, path: str) -> None:
        self.path = path
        waiting = ctypes.CDLL(path)
        short = ctypes.PyDLL(path)
        for name, prototype in _functions.FUNCTIONS.items():
            try:
                function = getattr(waiting if prototype.waits else short, name)
            except AttributeError:
                raise VersionError(f"{path} has no {name}: it is older than this package") from None
            function.restype = prototype.result
            function.argtypes = prototype.arguments
            setattr(self, name, function)
        # A poll that does not wait keeps Python's lock over all of its callbacks. Else each of them had to
        # take it again, for which it waits 5 ms when another Python thread is busy.
        self.poll_now: Any = short.synq_server_poll
        self.poll_now.restype, self.poll_now.argtypes, _ = _functions.FUNCTIONS["synq_server_poll"]

    def __getattr__(self, name: str) -> Callable[..., Any]:
        raise AttributeError(f"libsynq has no function {name}")


def candidates() -> list[str]:
    """Where libsynq is looked for, in order. SYNQ_LIBRARY is an order, so nothing else is tried when it is
    set."""
    override = os.environ.get(ENVIRONMENT)
    if override:
        return [override]
    bundled = [str(path) for path in (BUNDLED / SONAME, BUNDLED / "libsynq.so") if path.exists()]
    named = ctypes.util.find_library("synq")
    return [*bundled, SONAME, *([named] if named and named != SONAME else [])]


def library() -> Library:
    """libsynq. Raises LibraryNotFoundError, or VersionError when it is too old for this package."""
    global _loaded
    if _loaded is None:
        with _lock:
            if _loaded is None:
                _loaded = _load()
    return _loaded


def _require_main_interpreter() -> None:
    for name in ("_interpreters", "_xxsubinterpreters"):  # of CPython 3.13, and before
        try:
            interpreters = importlib.import_module(name)
        except ImportError:
            continue
        if interpreters.get_current() != interpreters.get_main():
            raise RuntimeError(
                "synq works in the main interpreter only: C would call the handlers of another one in it"
            )
        return


def _load() -> Library:
    _require_main_interpreter()
    failures = []
    for path in candidates():
        try:
            if Path(path).parent == BUNDLED and JANSSON.exists():
                # libsynq needs it by name, and takes the one that is loaded already.
                ctypes.CDLL(str(JANSSON))
            probe = ctypes.CDLL(path)
        except OSError as failure:
            failures.append(f"  {path}: {failure}")
            continue
        _check_version(path, probe)
        return Library(path)
    tried = "\n".join(failures)
    raise LibraryNotFoundError(
        "libsynq was not found. Install the wheel, which has it inside, or the system's package, or set "
        f"{ENVIRONMENT} to the path of {SONAME}. Tried:\n{tried}"
    )


def _check_version(path: str, probe: ctypes.CDLL) -> None:
    try:
        version: int = probe.synq_version()
    except AttributeError:
        raise LibraryNotFoundError(f"{path} is not libsynq: it has no synq_version") from None
    parts = (version >> 16, version >> 8 & 0xFF, version & 0xFF)
    if version < _ffi.VERSION_HEX or parts[: len(ABI)] != ABI:
        found = ".".join(map(str, parts))
        wanted = f"{_ffi.VERSION_MAJOR}.{_ffi.VERSION_MINOR}.{_ffi.VERSION_PATCH}"
        series = ".".join([*map(str, ABI), "x"])
        raise VersionError(f"{path} is version {found}, and this package needs {wanted} or a later {series}")


def failure(code: int) -> LibraryError:
    """The exception for a code that a call on this thread has just given."""
    loaded = library()
    detail = loaded.synq_error_message() or loaded.synq_strerror(code)
    return BY_CODE.get(code, LibraryError)(detail.decode("utf-8", "replace"), code)


def check(code: int) -> int:
    """Passes on what a call gave, and raises for a negative code."""
    if code < 0:
        raise failure(code)
    return code


def given_text(lib: Library, out: ctypes.c_void_p) -> str:
    """A text that the library gave out, which is freed."""
    try:
        return ctypes.string_at(out.value or 0).decode()
    finally:
        lib.synq_free(out)
