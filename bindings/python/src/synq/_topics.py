"""What the channels of a topic share: one state in this process, whichever channel has the topic's turn."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from . import _ffi
from ._library import Library
from ._turns import Turns
from .channels import SocketEdits, read
from .errors import StateError
from .observable import Assigns, begin_empty, forget, set_edits


class SharedTopic:
    """The shared assigns of one topic, and who has its turn.

    Callbacks of a topic run one at a time, so there is one mirror of what the library has. Its edits go to
    the socket of the callback that has the turn.
    """

    __slots__ = (
        "__weakref__",
        "_holder",
        "_lib",
        "_load_names",
        "_nobody",
        "_socket",
        "assigns",
        "names",
        "serial",
    )

    def __init__(
        self, lib: Library, kind: type[Assigns], shared: frozenset[str], tracked: frozenset[str]
    ) -> None:
        self._lib = lib
        self._load_names = shared & tracked
        self._holder: Turns | None = None
        self._socket = 0
        self.names = shared
        #: The number of the turn.
        self.serial = 0
        #: Shared assigns that are not tracked are any objects, and only here.
        self._nobody = SocketEdits(lib, 0, self)
        self.assigns = kind(self._nobody, self._load, self._load_names, self, only=shared)

    def begin(self) -> None:
        """The topic opens: nothing is set yet."""
        begin_empty(self.assigns)

    def hold(self, turns: Turns, edits: SocketEdits, socket: int) -> None:
        """A callback begins that has the topic's turn."""
        self.serial += 1
        self._holder = turns
        self._socket = socket
        set_edits(self.assigns, edits)

    def release(self, turns: Turns) -> None:
        """It is done, unless another one has begun long since."""
        if self._holder is turns:
            self._holder = None
            set_edits(self.assigns, self._nobody)

    def undo(self, turns: Turns) -> None:
        """What the turn has changed is dropped, here as in the library."""
        if self._holder is turns:
            forget(self.assigns)

    def belongs_to(self, turn: Any) -> bool:
        return self._holder is turn

    def require(self) -> None:
        """Raises StateError, or ClosedError, unless the caller has the turn."""
        if self._holder is None:
            raise StateError(
                "shared assigns are changed in the topic's turn: in a handler, or by `server.topic`",
                _ffi.ESTATE,
            )
        self._holder.require()

    def _load(self) -> dict[str, Any] | None:
        """What the library has: asked only when a turn was undone."""
        if self._holder is None:
            return None
        return members(
            self._lib, self._lib.synq_socket_all_assigns(self._socket), self._load_names.__contains__
        )


def members(lib: Library, value: int | None, wanted: Callable[[str], bool]) -> dict[str, Any] | None:
    """Some members of an object of the library's."""
    if value is None:
        return None
    found = {}
    name, part = ctypes.c_char_p(), ctypes.c_void_p()
    index = 0
    while lib.synq_value_member(value, b"", index, ctypes.byref(name), None, ctypes.byref(part)) == _ffi.OK:
        key = (name.value or b"").decode()
        if wanted(key) and part.value is not None:
            found[key] = read(lib, part.value)
        index += 1
    return found
