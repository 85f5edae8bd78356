"""The assigns of a channel."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Collection, MutableMapping
from typing import Any, Protocol

from .. import _ffi
from ..encoding import SCALARS
from ..errors import StateError
from .dicts import METHODS, MISSING, Members
from .node import Edits, Undo, escape, set_data, set_key, set_parent, wrap

#: The pointers of assigns, by their names. Names are written in programs, so there are few of them; should
#: they come from somewhere else, no more than this many are kept.
_pointers: dict[str, bytes] = {}
_MAX_POINTERS = 1000


class Turn(Protocol):
    """When assigns may be changed: see `_turns.Turns`."""

    serial: int

    def require(self) -> None: ...


class Topic(Protocol):
    """What the channels of a topic share: see `_topics.SharedTopic`."""

    @property
    def names(self) -> Collection[str]: ...
    @property
    def assigns(self) -> Assigns: ...

    def belongs_to(self, turn: Turn) -> bool:
        """Whether the topic's turn is that of the channel whose turns these are."""


class Assigns(Members):
    """The assigns of a channel: ``self.assigns.count += 1``, ``self.assigns["count"]``.

    A tracked assign is copied when it is assigned: a list that is changed later through another name is not
    the one in the assigns. Read it back to get one whose changes are seen::

        self.assigns.items = items          # copied
        self.assigns.items.append("more")   # seen
        items.append("lost")                # not seen: `items` is still your own list

    An assign that is not tracked never leaves the process. It may be any Python object, and stays that
    object: a database session, a user of yours, a list that nobody observes.

    An assign that is `shared` is the topic's: all of its channels read and change the same one. That is
    possible in the topic's turn: in every handler but authorize.

    A name that was assigned comes before a method of dict: after ``self.assigns.items = []`` it is that list.
    Derive a class to tell editors and type checkers what there is::

        class Board(synq.Assigns):
            title: str
            cards: synq.ObservableList[synq.ObservableDict]

        @synq.channel("board:*", track=["title", "cards"])
        class BoardChannel(synq.Channel):
            assigns: Board
    """

    __slots__ = ("_changes", "_library", "_load", "_mine", "_only", "_own", "_saved", "_topic", "_turn")

    _changes: Edits
    _load: Callable[[], dict[str, Any] | None]
    _library: Collection[str] | None
    # Assigns of this process alone; and as they were before the turn changed them, with its number.
    _own: dict[str, Any]
    _saved: tuple[int, dict[str, Any]]
    _turn: Turn
    # The topic whose assigns are seen here too. Then `_data` is empty, and made of both when it is asked for,
    # and those that are the channel's alone are in `_mine`.
    _topic: Topic | None
    _mine: dict[str, Any]
    # The names that there may be; None for all.
    _only: Collection[str] | None

    def __init__(
        self,
        edits: Edits,
        load: Callable[[], dict[str, Any] | None],
        library: Collection[str] | None = None,
        turn: Turn | None = None,
        *,
        topic: Topic | None = None,
        only: Collection[str] | None = None,
    ) -> None:
        """`load` gives the assigns that the library has already, None while it cannot say; it is asked at the
        first use. `library` has the names that the library keeps because clients see them; None for all.
        `topic` has what is shared, and `only` is for those assigns themselves: other names are refused."""
        set_parent(self, None)
        set_key(self, None)
        put = object.__setattr__
        put(self, "_changes", edits)
        put(self, "_load", load)
        put(self, "_library", library)
        put(self, "_own", {})
        put(self, "_saved", (-1, {}))
        put(self, "_turn", _Always() if turn is None else turn)
        put(self, "_topic", topic)
        put(self, "_only", only)

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        for name, value in vars(cls).items():
            if not name.startswith("_") and not hasattr(value, "__get__"):
                raise TypeError(f"{cls.__qualname__}.{name} has a value: assign it in init instead")

    @property
    def _edits(self) -> Edits:
        return self._changes

    def __getitem__(self, key: str) -> Any:
        if key in self._own:
            return self._own[key]
        topic = self._topic
        if topic is None:
            return Members.__getitem__(self, key)
        if key in topic.names:
            return self._shared(topic, key)[key]
        return wrap(self._mine[key], self, key)

    def __getattr__(self, name: str) -> Any:
        if name == "_data" or name == "_mine":  # reached only while the slot is empty
            return self._gathered(name)
        if name in self._own:
            return self._own[name]
        topic = self._topic
        if topic is not None and name in topic.names:
            return getattr(self._shared(topic, name), name)
        data = self._data if topic is None else self._mine
        if name in METHODS and name not in data:
            return METHODS[name].__get__(self)
        value = data.get(name, MISSING)
        if type(value) in SCALARS:
            return value
        if value is not MISSING:
            return wrap(value, self, name)
        raise AttributeError(f"there is no {name!r} in {sorted(self._data)}")

    def _gathered(self, name: str) -> dict[str, Any]:
        """What a slot has that is empty."""
        topic = self._topic
        if topic is not None and name == "_data":
            shared = topic.assigns._data if topic.belongs_to(self._turn) else {}
            return {**self._mine, **shared}
        loaded = self._load()
        data = {**(loaded or {}), **self._own}
        if loaded is not None:
            object.__setattr__(self, name, data)
        return data

    @property
    def _kept(self) -> dict[str, Any]:
        """The data of all that is not the topic's."""
        return self._data if self._topic is None else self._mine

    def _shared(self, topic: Topic, name: str) -> Assigns:
        """The assigns of the topic, one of which is asked for. Raises StateError outside of the topic's
        turn."""
        if topic.belongs_to(self._turn):
            return topic.assigns
        self._turn.require()
        raise StateError(
            f"{name} is shared: it is read and changed in the topic's turn, which all handlers have but "
            "authorize; from elsewhere use `server.topic`",
            _ffi.ESTATE,
        )

    def __setattr__(self, name: str, value: Any) -> None:
        pointer = _pointers.get(name)
        library = self._library
        topic = self._topic
        if topic is not None and name in topic.names:
            setattr(self._shared(topic, name), name, value)
            return
        if pointer is not None and type(value) in SCALARS and (library is None or name in library):
            self._changes.set(pointer, value)
            (self._data if topic is None else self._mine)[name] = value
            return
        Members.__setattr__(self, name, value)
        if pointer is None and len(_pointers) < _MAX_POINTERS:
            _pointers[name] = f"/{escape(name)}".encode()

    def _prepared(self, key: str, value: Any) -> Any:
        topic = self._topic
        if topic is not None and key in topic.names:
            return self._shared(topic, key)._prepared(key, value)
        if self._library is None or key in self._library:
            return Members._prepared(self, key, value)
        return value

    def _set(self, key: str, value: Any) -> None:
        topic = self._topic
        if topic is not None and key in topic.names:
            self._shared(topic, key)._set(key, value)
            return
        if self._only is not None and key not in self._only:
            raise AttributeError(
                f"{key!r} is not shared, and a topic has no other assigns: {sorted(self._only)}"
            )
        if self._library is None or key in self._library:
            if value is not MISSING:
                self._changes.set(f"/{escape(key)}".encode(), value)
                self._kept[key] = value
            return
        self._change_own()
        kept = self._kept
        if key in kept and key not in self._own:  # an assign of the connection
            self._changes.remove(f"/{escape(key)}".encode())
        self._own[key] = kept[key] = value

    def _remove(self, key: str) -> None:
        topic = self._topic
        if topic is not None and key in topic.names:
            self._shared(topic, key)._remove(key)
        elif key not in self._own:
            self._changes.remove(f"/{escape(key)}".encode())
            del self._kept[key]
        else:
            self._change_own()
            with contextlib.suppress(LookupError):  # the connection may have its JSON form
                self._changes.remove(f"/{escape(key)}".encode())
            del self._own[key], self._kept[key]

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
        topic = self._topic
        own = self._own if topic is None else {**self._own, **topic.assigns._own}
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
        object.__delattr__(assigns, "_data" if assigns._topic is None else "_mine")


#: Sets where the changes of assigns go, for those that a topic has.
set_edits = vars(Assigns)["_changes"].__set__


def begin_empty(assigns: Assigns) -> None:
    """There is nothing yet, and the library need not be asked."""
    object.__setattr__(assigns, "_own", {})
    object.__setattr__(assigns, "_saved", (-1, {}))
    set_data(assigns, {})


MutableMapping.register(Assigns)
