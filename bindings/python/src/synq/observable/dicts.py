"""Dicts in the assigns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

from ..encoding import SCALARS, plain
from .node import Node, Undo, escape, kinds, place_of, pointer_of, untracked, wrap

#: In place of a value that is not there.
MISSING = object()


class Members(Node):
    """What dicts in the assigns and the assigns themselves have in common: members by subscript and by
    attribute. The methods of dict are functions below: for an ObservableDict they come first, and for the
    assigns, whose names are written in the program, a name that was assigned does."""

    __slots__ = ()

    def __getitem__(self, key: str) -> Any:
        return wrap(self._data[key], self, key)

    def __setitem__(self, key: str, value: Any) -> None:
        _require_name(key)
        self._set(key, self._prepared(key, value))

    def __delitem__(self, key: str) -> None:
        if key not in self._data:
            raise KeyError(key)
        self._remove(key)

    def __getattr__(self, name: str) -> Any:
        value = self._data.get(name, MISSING)
        if type(value) in SCALARS:
            return value
        if value is not MISSING:
            return wrap(value, self, name)
        raise AttributeError(f"there is no {name!r} in {sorted(self._data)}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name[0] == "_":
            raise AttributeError(f"{name}: set a member whose name starts with an underscore by [{name!r}]")
        self._set(name, self._prepared(name, value))

    def __delattr__(self, name: str) -> None:
        if name not in self._data:
            raise AttributeError(name)
        self._remove(name)

    def __dir__(self) -> list[str]:
        return [*object.__dir__(self), *METHODS, *self._data]

    def __contains__(self, key: object) -> bool:
        return key in self._data

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __reversed__(self) -> Iterator[str]:
        return iter(list(self._data)[::-1])

    def __or__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        return {**untracked(self), **other}

    def __ior__(self, other: Any) -> Any:  # type: ignore[misc]
        update(self, other)
        return self

    # -- one change

    def _prepared(self, key: str, value: Any) -> Any:
        """The value as it is kept. Raises EncodeError for what has no JSON form, before anything is
        changed."""
        if type(value) in SCALARS:
            return value
        if isinstance(value, Node) and value._data is self._data.get(key, value):
            return MISSING  # the second half of ``node.items += more``: what is put back is there already
        return plain(value, f"{pointer_of(self)}/{key}")

    def _set(self, key: str, value: Any) -> None:
        """Sets a value that was prepared."""
        if value is not MISSING:
            edits, pointer = place_of(self)
            edits.set(f"{pointer}/{escape(key)}".encode(), value)
            self._data[key] = value

    def _remove(self, key: str) -> None:
        edits, pointer = place_of(self)
        edits.remove(f"{pointer}/{escape(key)}".encode())
        del self._data[key]

    def _clear(self) -> None:
        edits, pointer = place_of(self)
        edits.set(pointer.encode(), {})
        self._data.clear()


def _require_name(key: Any) -> None:
    if type(key) is not str:
        raise TypeError(f"the name of a member must be a string, not {key!r}")


def keys(self: Members) -> Any:
    return self._data.keys()


def values(self: Members) -> list[Any]:
    return [self[key] for key in self._data]


def items(self: Members) -> list[tuple[str, Any]]:
    return [(key, self[key]) for key in self._data]


def get(self: Members, key: str, default: Any = None) -> Any:
    return self[key] if key in self._data else default


def pop(self: Members, key: str, default: Any = MISSING) -> Any:
    if key not in self._data and default is not MISSING:
        return default
    value = self._data[key]
    self._remove(key)
    return value


def popitem(self: Members) -> tuple[str, Any]:
    if not self._data:
        raise KeyError("popitem(): there is no member")
    key = next(reversed(self._data))
    return key, pop(self, key)


def setdefault(self: Members, key: str, default: Any = None) -> Any:
    if key not in self._data:
        self[key] = default
    return self[key]


def update(self: Members, other: Any = (), /, **members: Any) -> None:
    """All of the members, or none where one of them is refused."""
    changes = dict(other._data if isinstance(other, Node) else other, **members)
    for key in changes:
        _require_name(key)
    prepared = [(key, self._prepared(key, value)) for key, value in changes.items()]
    with Undo() as undo:
        for key, value in prepared:
            old = self._data.get(key, MISSING)
            self._set(key, value)
            if old is MISSING:
                undo.add(self._remove, key)
            else:
                undo.add(self._set, key, old)


def clear(self: Members) -> None:
    self._clear()


#: By their names: the methods of dict.
METHODS: dict[str, Callable[..., Any]] = {
    "keys": keys,
    "values": values,
    "items": items,
    "get": get,
    "pop": pop,
    "popitem": popitem,
    "setdefault": setdefault,
    "update": update,
    "clear": clear,
    "copy": untracked,
}


class ObservableDict(Members):
    """A dict in the assigns. Its members are attributes too: ``item["done"]`` is ``item.done``.

    A method of dict is never hidden by a member, because members may be a client's: ``order.items()`` is the
    method, and ``order["items"]`` the member. Names that start with an underscore are members by subscript
    only.
    """

    __slots__ = ()

    def __setattr__(self, name: str, value: Any) -> None:
        _refuse_method(name, "set")
        Members.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        _refuse_method(name, "remove")
        Members.__delattr__(self, name)

    keys = keys
    values = values
    items = items
    get = get
    pop = pop
    popitem = popitem
    setdefault = setdefault
    update = update
    clear = clear

    def copy(self) -> dict[str, Any]:
        """A plain copy, yours to change."""
        return dict(untracked(self))


def _refuse_method(name: str, what: str) -> None:
    if name in METHODS:
        raise AttributeError(f"{name} is a method of dict: {what} the member of that name by [{name!r}]")


kinds[dict] = ObservableDict
MutableMapping.register(ObservableDict)
