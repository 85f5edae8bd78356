"""JSON Patch (RFC 6902) without a server."""

from __future__ import annotations

import ctypes
from typing import Any

from ._library import check, library
from .decoding import from_text
from .encoding import to_bytes


def diff(old: Any, new: Any) -> list[dict[str, Any]]:
    """The patch that turns `old` into `new`: a list of operations, empty when they are equal."""
    operations: list[dict[str, Any]] = from_text(diff_text(to_bytes(old), to_bytes(new)))
    return operations


def apply(document: Any, patch: Any) -> Any:
    """A new document, `document` after `patch`; neither is changed. Raises PatchError with the number of the
    operation that does not apply, its path and why."""
    return from_text(apply_text(to_bytes(document), to_bytes(patch)))


def diff_text(old: bytes, new: bytes) -> str:
    """The same for JSON texts, whose numbers stay as they are written; the text of the patch is compact."""
    return _text(library().synq_patch_diff_text, old, new)


def apply_text(document: bytes, patch: bytes) -> str:
    """The same for JSON texts."""
    return _text(library().synq_patch_apply_text, document, patch)


def _text(function: Any, one: bytes, other: bytes) -> str:
    out = ctypes.c_void_p()
    size = ctypes.c_size_t()
    check(function(one, len(one), other, len(other), ctypes.byref(out), ctypes.byref(size)))
    try:
        assert out.value is not None
        return ctypes.string_at(out.value, size.value).decode()
    finally:
        library().synq_free(out)
