"""Lists in the assigns."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, MutableSequence
from typing import Any, Generic, SupportsIndex, TypeVar, overload

from ..encoding import SCALARS, plain
from .node import Node, Undo, kinds, place_of, pointer_of, untracked, wrap

T = TypeVar("T")

# Beyond this many single edits the whole list is set instead: the library's diff then finds what is
# different.
_MANY_EDITS = 32


class ObservableList(Node, Generic[T]):
    """A list in the assigns, with every method of list. What is taken out of it (``pop``) is plain again.

    As a type it names what is read from it: ``ObservableList[str]``, ``ObservableList[ObservableDict]``. A
    dataclass that was put in is an ObservableDict when it is read: it has the members, and not the methods.
    """

    __slots__ = ()

    # -- one change, of a value that `plain` gave

    def _prepared(self, value: Any, index: int) -> Any:
        return value if type(value) in SCALARS else plain(value, f"{pointer_of(self)}/{index}")

    def _all_prepared(self, values: Iterable[Any], start: int) -> list[Any]:
        pointer = pointer_of(self)
        return [plain(value, f"{pointer}/{at}") for at, value in enumerate(values, start)]

    def _set(self, index: int, value: Any) -> None:
        edits, pointer = place_of(self)
        edits.set(f"{pointer}/{index}".encode(), value)
        self._data[index] = value

    def _insert(self, index: int, value: Any) -> None:
        edits, pointer = place_of(self)
        edits.insert(f"{pointer}/{index}".encode(), value)
        self._data.insert(index, value)

    def _append(self, value: Any) -> None:
        edits, pointer = place_of(self)
        edits.append(pointer.encode(), value)
        self._data.append(value)

    def _remove(self, index: int) -> None:
        edits, pointer = place_of(self)
        edits.remove(f"{pointer}/{index}".encode())
        del self._data[index]

    def _index(self, index: SupportsIndex, what: str) -> int:
        position = index.__index__()
        length = len(self._data)
        if position < 0:
            position += length
        if not 0 <= position < length:
            raise IndexError(f"list {what} out of range")
        return position

    def _replace(self, items: list[Any]) -> None:
        """Sets the whole list; the containers in it stay the same ones, so that what was read of it stays
        valid."""
        edits, pointer = place_of(self)
        edits.set(pointer.encode(), items)
        self._data[:] = items

    @overload
    def __getitem__(self, index: SupportsIndex) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: SupportsIndex | slice) -> Any:
        data = self._data
        if isinstance(index, slice):
            return [wrap(data[at], self, at) for at in range(*index.indices(len(data)))]
        at = index if type(index) is int and 0 <= index < len(data) else self._index(index, "index")
        return wrap(data[at], self, at)

    def __setitem__(self, index: SupportsIndex | slice, value: Any) -> None:
        if not isinstance(index, slice):
            at = self._index(index, "assignment index")
            if isinstance(value, Node) and value._data is self._data[at]:
                return
            self._set(at, self._prepared(value, at))
            return
        places = range(*index.indices(len(self._data)))
        values = self._all_prepared(value, places.start)
        if len(places) == len(values) <= _MANY_EDITS:
            with Undo() as undo:
                for at, item in zip(places, values, strict=True):
                    old = self._data[at]
                    self._set(at, item)
                    undo.add(self._set, at, old)
        else:
            items = list(self._data)
            items[index] = values
            self._replace(items)

    def __delitem__(self, index: SupportsIndex | slice) -> None:
        if not isinstance(index, slice):
            self._remove(self._index(index, "deletion index"))
            return
        places = sorted(range(*index.indices(len(self._data))), reverse=True)
        if len(places) <= _MANY_EDITS:
            with Undo() as undo:
                for at in places:
                    old = self._data[at]
                    self._remove(at)
                    undo.add(self._insert, at, old)
        else:
            items = list(self._data)
            del items[index]
            self._replace(items)

    def __iter__(self) -> Iterator[T]:
        at = 0
        while at < len(self._data):
            yield wrap(self._data[at], self, at)
            at += 1

    def __reversed__(self) -> Iterator[T]:
        for at in range(len(self._data) - 1, -1, -1):
            yield wrap(self._data[at], self, at)

    def __contains__(self, value: object) -> bool:
        return (value._data if isinstance(value, Node) else value) in self._data

    def __add__(self, other: Iterable[Any]) -> list[Any]:
        return [*self, *other]

    def __radd__(self, other: Iterable[Any]) -> list[Any]:
        return [*other, *self]

    def __mul__(self, count: SupportsIndex) -> list[Any]:
        return [*self] * count.__index__()

    __rmul__ = __mul__

    def __iadd__(self, other: Iterable[Any]) -> ObservableList[T]:
        self.extend(other)
        return self

    def __imul__(self, count: SupportsIndex) -> ObservableList[T]:
        self._replace([item for _ in range(count.__index__()) for item in copy.deepcopy(self._data)])
        return self

    def __lt__(self, other: Any) -> bool:
        return bool(self._data < (other._data if isinstance(other, Node) else other))

    def __gt__(self, other: Any) -> bool:
        return bool(self._data > (other._data if isinstance(other, Node) else other))

    def append(self, value: Any) -> None:
        self._append(self._prepared(value, len(self._data)))

    def insert(self, index: SupportsIndex, value: Any) -> None:
        length = len(self._data)
        at = index.__index__()
        at = max(0, at + length) if at < 0 else min(at, length)
        self._insert(at, self._prepared(value, at))

    def extend(self, values: Iterable[Any]) -> None:
        """All of the values, or none where one of them is refused."""
        added = self._all_prepared(values, len(self._data))
        if len(added) > _MANY_EDITS:
            self._replace([*self._data, *added])
            return
        with Undo() as undo:
            for value in added:
                self._append(value)
                undo.add(self._remove, len(self._data) - 1)

    def pop(self, index: SupportsIndex = -1) -> Any:
        if not self._data:
            raise IndexError("pop from empty list")
        at = self._index(index, "pop index")
        value = self._data[at]
        del self[at]
        return value

    def remove(self, value: Any) -> None:
        del self[self.index(value)]

    def clear(self) -> None:
        self._replace([])

    def reverse(self) -> None:
        self._replace(self._data[::-1])

    def sort(self, *, key: Callable[[Any], Any] | None = None, reverse: bool = False) -> None:
        """Sorts as list.sort does; `key` gets the items as they are read from the list."""
        items = self._data
        if key is None:
            ordered = sorted(items, reverse=reverse)
        else:
            keys = [key(item) for item in self]
            ordered = [items[at] for at in sorted(range(len(items)), key=keys.__getitem__, reverse=reverse)]
        self._replace(ordered)

    def index(self, value: Any, start: int = 0, stop: int | None = None) -> int:
        """The first place of the value; of a dict or list that was read from here, its own place."""
        items = self._data
        places = range(*slice(start, stop).indices(len(items)))
        if isinstance(value, Node):
            for at in places:
                if items[at] is value._data:
                    return at
            value = value._data
        for at in places:
            if items[at] == value:
                return at
        raise ValueError(f"{value!r} is not in the list")

    def count(self, value: Any) -> int:
        return int(self._data.count(value._data if isinstance(value, Node) else value))

    def copy(self) -> list[Any]:
        """A plain copy, yours to change."""
        return list(untracked(self))


kinds[list] = ObservableList
MutableSequence.register(ObservableList)
