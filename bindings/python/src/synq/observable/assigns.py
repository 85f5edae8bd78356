"""The assigns of a channel."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Collection, MutableMapping
from typing import Any, Protocol

from ..encoding import SCALARS
from .dicts import METHODS, Members
from .node import Edits, Undo, escape, set_data, set_key, set_parent

#: The pointers of assigns, by their names. Names are written in programs, so there are few of them; should
#: they come from somewhere else, no more than this many are kept.
_pointers: dict[str, bytes] = {}
_MAX_POINTERS = 1000


class Turn(Protocol):
    """When assigns may be changed: see `_turns.Turns`."""

    serial: int

    def require(self) -> None: ...


class Assigns(Members):
    """The assigns of a channel: ``self.assigns.count += 1``, ``self.assigns["count"]``.

    A tracked assign is copied when it is assigned: a list that is changed later through another name is not
    the one in the assigns. Read it back to get one whose changes are seen::

        self.assigns.items = items          # copied
        self.assigns.items.append("more")   # seen
        items.append("lost")                # not seen: `items` is still your own list

    An assign that is not tracked never leaves the process. It may be any Python object, and stays that
    object: a database session, a user of yours, a list that nobody observes.

    A name that was assigned comes before a method of dict: after ``self.assigns.items = []`` it is that list.
    Derive a class to tell editors and type checkers what there is::

        class Board(synq.Assigns):
            title: str
            cards: synq.ObservableList[synq.ObservableDict]

        @synq.channel("board:*", track=["title", "cards"])
        class BoardChannel(synq.Channel):
            assigns: Board
    """

    __slots__ = ("_changes", "_library", "_load", "_own", "_saved", "_turn")

    _changes: Edits
    _load: Callable[[], dict[str, Any] | None]
    _library: Collection[str] | None
    # Assigns of this process alone; and as they were before the turn changed them, with its number.
    _own: dict[str, Any]
    _saved: tuple[int, dict[str, Any]]
    _turn: Turn

    def __init__(
        self,
        edits: Edits,
        load: Callable[[], dict[str, Any] | None],
        library: Collection[str] | None = None,
        turn: Turn | None = None,
    ) -> None:
        """`load` gives the assigns that the library has already, None while it cannot say; it is asked at the
        first use. `library` has the names that the library keeps because clients see them; None for all."""
        set_parent(self, None)
        set_key(self, None)
        put = object.__setattr__
        put(self, "_changes", edits)
        put(self, "_load", load)
        put(self, "_library", library)
        put(self, "_own", {})
        put(self, "_saved", (-1, {}))
        put(self, "_turn", _Always() if turn is None else turn)

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        for name, value in vars(cls).items():
            if not name.startswith("_") and not hasattr(value, "__get__"):
                raise TypeError(f"{cls.__qualname__}.{name} has a value: assign it in init instead")

    @property
    def _edits(self) -> Edits:
        return self._changes

    def __getitem__(self, key: str) -> Any:
        return self._own[key] if key in self._own else Members.__getitem__(self, key)

    def __getattr__(self, name: str) -> Any:
        if name == "_data":  # reached only while the slot is empty
            loaded = self._load()
            data = {**(loaded or {}), **self._own}
            if loaded is not None:
                set_data(self, data)
            return data
        if name in self._own:
            return self._own[name]
        if name in METHODS and name not in self._data:
            return METHODS[name].__get__(self)
        return Members.__getattr__(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        pointer = _pointers.get(name)
        library = self._library
        if pointer is not None and type(value) in SCALARS and (library is None or name in library):
            self._changes.set(pointer, value)
            self._data[name] = value
            return
        Members.__setattr__(self, name, value)
        if pointer is None and len(_pointers) < _MAX_POINTERS:
            _pointers[name] = f"/{escape(name)}".encode()

    def _prepared(self, key: str, value: Any) -> Any:
        if self._library is None or key in self._library:
            return Members._prepared(self, key, value)
        return value

    def _set(self, key: str, value: Any) -> None:
        if self._library is None or key in self._library:
            Members._set(self, key, value)
            return
        self._change_own()
        if key in self._data and key not in self._own:  # an assign of the connection
            Members._remove(self, key)
        self._own[key] = self._data[key] = value

    def _remove(self, key: str) -> None:
        if key not in self._own:
            Members._remove(self, key)
            return
        self._change_own()
        with contextlib.suppress(LookupError):  # the connection may have its JSON form
            self._changes.remove(f"/{escape(key)}".encode())
        del self._own[key], self._data[key]

    def _clear(self) -> None:
        # There is no pointer at which all of them could be set.
        with Undo() as undo:
            for key, value in list(self._data.items()):
                self._remove(key)
                undo.add(self._set, key, value)

    def _change_own(self) -> None:
        self._turn.require()
        if self._saved[0] != self._turn.serial:
            object.__setattr__(self, "_saved", (self._turn.serial, dict(self._own)))

    def _plain_copy(self, memo: Any = None) -> Any:
        own = self._own
        return {
            name: value if name in own else copy.deepcopy(value, memo) for name, value in self._data.items()
        }


class _Always:
    """Without a channel there is always a turn."""

    serial = 0

    def require(self) -> None: ...


def forget(assigns: Assigns) -> None:
    """Drops what the turn has changed, because the library has dropped it too: its assigns are read again at
    the next use."""
    saved, own = assigns._saved
    if saved == assigns._turn.serial:
        object.__setattr__(assigns, "_own", own)
        object.__setattr__(assigns, "_saved", (-1, {}))
    with contextlib.suppress(AttributeError):  # nothing is known yet
        object.__delattr__(assigns, "_data")


MutableMapping.register(Assigns)
