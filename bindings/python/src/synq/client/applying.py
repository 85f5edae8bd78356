"""JSON Patch (RFC 6902) for plain values: what a patch changes is copied, all else is shared, so a state that
was given away never changes."""

from __future__ import annotations

import re
from typing import Any

from ..errors import PatchError


def apply(document: Any, patch: Any) -> Any:
    """A new document. Raises PatchError with the number of the operation that does not apply."""
    working = _Working(document)
    if not isinstance(patch, list):
        raise PatchError("a patch is a list of operations")
    for number, operation in enumerate(patch):
        try:
            working.carry_out(operation)
        except (KeyError, IndexError, TypeError, ValueError) as failure:
            said = failure.args[0] if failure.args else type(failure).__name__
            raise PatchError(f"operation {number}: {said}: {operation!r}"[:500]) from None
    return working.root


def same(one: Any, other: Any) -> bool:
    """Equality of JSON values: True is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


class _Working:
    """A document in the middle of a patch."""

    def __init__(self, root: Any) -> None:
        self.root = root
        #: The containers that this patch has copied already, kept so that their ids stay theirs.
        self._copied: dict[int, Any] = {}

    def carry_out(self, operation: Any) -> None:
        kind, path = operation["op"], _tokens(operation["path"])
        if kind == "add":
            self._add(path, operation["value"])
        elif kind == "replace":
            self._replace(path, operation["value"])
        elif kind == "remove":
            self._remove(path)
        elif kind == "move":
            source = _tokens(operation["from"])
            if path[: len(source)] == source and path != source:
                raise ValueError("a value cannot move into itself")
            value = self._value(source)
            if path != source:
                self._remove(source)
                self._add(path, value)
        elif kind == "copy":
            value = self._value(_tokens(operation["from"]))
            self._copied.clear()  # a container that is in two places is nobody's own
            self._add(path, value)
        elif kind == "test":
            if not same(self._value(path), operation["value"]):
                raise ValueError("the test failed")
        else:
            raise ValueError("no such operation")

    def _value(self, path: list[str]) -> Any:
        value = self.root
        for token in path:
            value = value[_place(value, token)]
        return value

    def _own(self, value: Any) -> Any:
        """The container, or a copy of it if this patch has made none yet."""
        if id(value) in self._copied:
            return value
        copy = value.copy()
        self._copied[id(copy)] = copy
        return copy

    def _container(self, path: list[str]) -> Any:
        """The container that the last token is in, with all above it copied."""
        if not isinstance(self.root, (dict, list)):
            raise TypeError("there is no container")
        self.root = container = self._own(self.root)
        for token in path[:-1]:
            place = _place(container, token)
            if not isinstance(container[place], (dict, list)):
                raise TypeError("there is no container")
            container[place] = self._own(container[place])
            container = container[place]
        return container

    def _add(self, path: list[str], value: Any) -> None:
        if not path:
            self.root = value
            return
        container = self._container(path)
        if isinstance(container, list):
            container.insert(len(container) if path[-1] == "-" else _index(path[-1], len(container)), value)
        else:
            container[path[-1]] = value

    def _replace(self, path: list[str], value: Any) -> None:
        if not path:
            self.root = value
            return
        container = self._container(path)
        container[_place(container, path[-1])] = value

    def _remove(self, path: list[str]) -> None:
        if not path:
            raise ValueError("the whole document cannot be removed")
        container = self._container(path)
        del container[_place(container, path[-1])]


def _tokens(pointer: Any) -> list[str]:
    if not isinstance(pointer, str) or (pointer and pointer[0] != "/"):
        raise ValueError("not a JSON Pointer")
    if re.search(r"~(?![01])", pointer):
        raise ValueError("not a JSON Pointer")
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def _place(container: Any, token: str) -> Any:
    """The key or index of what is there."""
    if isinstance(container, dict):
        if token not in container:
            raise KeyError("there is no such member")
        return token
    if not isinstance(container, list):
        raise TypeError("there is no container")
    return _index(token, len(container) - 1)


def _index(token: str, most: int) -> int:
    if not token.isascii() or not token.isdigit() or (len(token) > 1 and token[0] == "0"):
        raise ValueError("not an index")
    if len(token) > 18 or int(token) > most:
        raise IndexError("beyond the end of the list")
    return int(token)
