"""Who is here: what a channel says about its presence, and asks about the others'."""

from __future__ import annotations

import ctypes
from typing import Any, cast

from . import _ffi
from ._library import Library, check, given_text
from .decoding import from_text
from .encoding import to_bytes
from .errors import InvalidArgumentError, NotFoundError


class ChannelPresence:
    """Who is in a channel's topic, as clients of phoenix.js's ``Presence`` see it; ``channel.presence``.

    A channel is present under keys that it tracks, mostly one: the user's id. A key has the metas of all of
    its channels, one for each tab or device. The channel's client gets ``presence_state`` once it tracks a
    key, and every client of the topic ``presence_diff`` from then on. A channel that ends is taken away by
    itself. Any thread, any time, but not in authorize.
    """

    __slots__ = ("_lib", "_socket")

    def __init__(self, lib: Library, socket: int) -> None:
        self._lib = lib
        self._socket = socket

    def track(self, key: object, meta: Any = None) -> str:
        """Makes this channel present under `key`, a string or what `str` makes of it, with an object that
        clients see; gives the meta's phx_ref. StateError if it tracks the key already, KindError if `meta` is
        no object, LimitError beyond max_presence_keys and max_presence_bytes."""
        return self._put(self._lib.synq_presence_track_text, key, {} if meta is None else meta)

    def update(self, key: object, meta: Any) -> str:
        """Replaces this channel's meta under `key`, as a whole; gives the new phx_ref. NotFoundError if it
        does not track the key."""
        return self._put(self._lib.synq_presence_update_text, key, meta)

    def untrack(self, key: object) -> None:
        """Takes this channel away from `key`. NotFoundError if it does not track the key."""
        check(self._lib.synq_presence_untrack(self._socket, encoded(key)))

    def show(self) -> None:
        """Shows who is here to the client of a channel that tracks no key."""
        check(self._lib.synq_presence_show(self._socket))

    def list(self) -> dict[str, Any]:
        """The keys of the topic, ``{"ann": {"metas": [...]}}``, with what fetch_presence added so far."""
        out = ctypes.c_void_p()
        check(self._lib.synq_presence_list_text(self._socket, ctypes.byref(out), None))
        return cast("dict[str, Any]", taken(self._lib, out))

    def get(self, key: object) -> dict[str, Any] | None:
        """One key of the topic, ``{"metas": [...]}``; None if nobody is there."""
        out = ctypes.c_void_p()
        try:
            check(self._lib.synq_presence_get_text(self._socket, encoded(key), ctypes.byref(out), None))
        except NotFoundError:
            return None
        return cast("dict[str, Any]", taken(self._lib, out))

    def _put(self, function: Any, key: object, meta: Any) -> str:
        text = to_bytes(meta)
        ref = ctypes.create_string_buffer(_ffi.PRESENCE_REF_BYTES)
        check(function(self._socket, encoded(key), text, len(text), ref))
        return ref.value.decode()


def encoded(key: object) -> bytes:
    """A key as C text."""
    text = str(key).encode()
    if b"\0" in text:
        raise InvalidArgumentError("key: contains a NUL")
    return text


def taken(lib: Library, out: ctypes.c_void_p) -> Any:
    """The value of a text that the library gave out, which is freed."""
    return from_text(given_text(lib, out))
