"""The assigns of a channel."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from ..encoding import SCALARS
from .dicts import ObservableDict
from .node import Edits, escape, set_data, set_key, set_parent

#: The pointers of assigns, by their names. Names are written in programs, so there are few of them; should
#: they come from somewhere else, no more than this many are kept.
_pointers: dict[str, bytes] = {}
_MAX_POINTERS = 1000


class Assigns(ObservableDict):
    """The assigns of a channel: ``self.assigns.count += 1``, ``self.assigns["count"]``.

    What is assigned is copied: a list that is changed later through another name is not the one in the
    assigns. Read it back to get one whose changes are seen::

        self.assigns.items = items          # copied
        self.assigns.items.append("more")   # seen
        items.append("lost")                # not seen: `items` is still the host's own list
    """

    __slots__ = ("_changes", "_load")

    _changes: Edits
    _load: Callable[[], dict[str, Any]]

    def __init__(self, edits: Edits, load: Callable[[], dict[str, Any]]) -> None:
        """`load` gives the assigns that the library has already; it is asked at the first use."""
        set_parent(self, None)
        set_key(self, None)
        object.__setattr__(self, "_changes", edits)
        object.__setattr__(self, "_load", load)

    @property
    def _edits(self) -> Edits:
        return self._changes

    def __getattr__(self, name: str) -> Any:
        if name == "_data":  # reached only while the slot is empty
            data = self._load()
            set_data(self, data)
            return data
        return ObservableDict.__getattr__(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        pointer = _pointers.get(name)
        if pointer is not None and type(value) in SCALARS:
            self._changes.set(pointer, value)
            self._data[name] = value
            return
        ObservableDict.__setattr__(self, name, value)
        if pointer is None and len(_pointers) < _MAX_POINTERS:
            _pointers[name] = f"/{escape(name)}".encode()


def forget(assigns: Assigns) -> None:
    """Drops what is known here, because the library has dropped changes: its assigns are read again at the
    next use."""
    with contextlib.suppress(AttributeError):  # nothing is known yet
        object.__delattr__(assigns, "_data")
