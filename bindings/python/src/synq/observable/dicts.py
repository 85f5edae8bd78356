"""Dicts in the assigns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

from ..encoding import SCALARS, plain
from .node import Node, escape, kinds, place_of, pointer_of, untracked, wrap

_MISSING = object()


class ObservableDict(Node):
    """A dict in the assigns. Its members are attributes too: ``item["done"]`` is ``item.done``.

    A member named like a method of dict hides that method (``order.items`` is the member, if there is one);
    names that start with an underscore are members by subscript only.
    """

    __slots__ = ()

    def __getitem__(self, key: str) -> Any:
        return wrap(self._data[key], self, key)

    def __setitem__(self, key: str, value: Any) -> None:
        if type(key) is not str:
            raise TypeError(f"the name of a member must be a string, not {key!r}")
        _set_member(self, key, value)

    def __delitem__(self, key: str) -> None:
        if key not in self._data:
            raise KeyError(key)
        self._edits.remove(f"{pointer_of(self)}/{escape(key)}".encode())
        del self._data[key]

    def __getattr__(self, name: str) -> Any:
        value = self._data.get(name, _MISSING)
        if type(value) in SCALARS:
            return value
        if value is not _MISSING:
            return wrap(value, self, name)
        method = _DICT_METHODS.get(name)
        if method is not None:
            return method.__get__(self)
        raise AttributeError(f"there is no {name!r} in {sorted(self._data)}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name[0] == "_":
            raise AttributeError(f"{name}: set a member whose name starts with an underscore by [{name!r}]")
        _set_member(self, name, value)

    def __delattr__(self, name: str) -> None:
        if name not in self._data:
            raise AttributeError(name)
        del self[name]

    def __dir__(self) -> list[str]:
        return [*object.__dir__(self), *_DICT_METHODS, *self._data]

    def __contains__(self, key: object) -> bool:
        return key in self._data

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __reversed__(self) -> Iterator[str]:
        return iter(list(self._data)[::-1])

    def __or__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        return {**untracked(self), **other}

    def __ior__(self, other: Any) -> ObservableDict:  # type: ignore[misc]
        _dict_update(self, other)
        return self


def _set_member(node: ObservableDict, key: str, value: Any) -> None:
    if type(value) not in SCALARS:
        if isinstance(value, Node) and value._data is node._data.get(key, value):
            return  # the second half of ``node.items += more``: what is put back is there already
        value = plain(value, f"/{key}")
    edits, pointer = place_of(node)
    edits.set(f"{pointer}/{escape(key)}".encode(), value)
    node._data[key] = value


def _dict_keys(self: ObservableDict) -> Any:
    return self._data.keys()


def _dict_values(self: ObservableDict) -> list[Any]:
    return [self[key] for key in self._data]


def _dict_items(self: ObservableDict) -> list[tuple[str, Any]]:
    return [(key, self[key]) for key in self._data]


def _dict_get(self: ObservableDict, key: str, default: Any = None) -> Any:
    return self[key] if key in self._data else default


def _dict_pop(self: ObservableDict, key: str, default: Any = _MISSING) -> Any:
    if key not in self._data and default is not _MISSING:
        return default
    value = self._data[key]
    del self[key]
    return value


def _dict_popitem(self: ObservableDict) -> tuple[str, Any]:
    if not self._data:
        raise KeyError("popitem(): there is no member")
    key = next(reversed(self._data))
    return key, _dict_pop(self, key)


def _dict_setdefault(self: ObservableDict, key: str, default: Any = None) -> Any:
    if key not in self._data:
        self[key] = default
    return self[key]


def _dict_update(self: ObservableDict, other: Any = (), /, **members: Any) -> None:
    changes = dict(other._data if isinstance(other, Node) else other, **members)
    for key, value in changes.items():
        self[key] = value


def _dict_clear(self: ObservableDict) -> None:
    if self._parent is None:  # the assigns themselves: there is no pointer at which they could be set
        for key in list(self._data):
            del self[key]
    else:
        self._edits.set(pointer_of(self).encode(), {})
        self._data.clear()


_DICT_METHODS: dict[str, Callable[..., Any]] = {
    "keys": _dict_keys,
    "values": _dict_values,
    "items": _dict_items,
    "get": _dict_get,
    "pop": _dict_pop,
    "popitem": _dict_popitem,
    "setdefault": _dict_setdefault,
    "update": _dict_update,
    "clear": _dict_clear,
    "copy": untracked,
}


kinds[dict] = ObservableDict
MutableMapping.register(ObservableDict)
