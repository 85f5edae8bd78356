"""JSON Patch (RFC 6902) without a server."""

from __future__ import annotations

import ctypes
from typing import Any

from ._library import Library, check, library
from .decoding import from_text
from .encoding import to_bytes


def diff(old: Any, new: Any) -> list[dict[str, Any]]:
    """The patch that turns `old` into `new`: a list of operations, empty when they are equal."""
    lib = library()
    before, after = to_bytes(old), to_bytes(new)
    out = ctypes.c_void_p()
    size = ctypes.c_size_t()
    arguments = (before, len(before), after, len(after), ctypes.byref(out), ctypes.byref(size))
    check(lib.synq_patch_diff_text(*arguments))
    operations: list[dict[str, Any]] = _taken(lib, out, size)
    return operations


def apply(document: Any, patch: Any) -> Any:
    """A new document, `document` after `patch`; neither is changed. Raises PatchError with the number of the
    operation that does not apply, its path and why."""
    lib = library()
    before, operations = to_bytes(document), to_bytes(patch)
    out = ctypes.c_void_p()
    size = ctypes.c_size_t()
    arguments = (before, len(before), operations, len(operations), ctypes.byref(out), ctypes.byref(size))
    check(lib.synq_patch_apply_text(*arguments))
    return _taken(lib, out, size)


def _taken(lib: Library, out: ctypes.c_void_p, size: ctypes.c_size_t) -> Any:
    try:
        assert out.value is not None
        return from_text(ctypes.string_at(out.value, size.value).decode())
    finally:
        lib.synq_free(out)
