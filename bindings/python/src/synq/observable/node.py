"""A container in the assigns: what it holds, and where it is."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any, Protocol, SupportsIndex

from ..encoding import encoder
from ..errors import DetachedError, EncodeError


class Edits(Protocol):
    """Where changes go: the library, as synq_socket_set and its kin. `pointer` is UTF-8, `value` is one that
    `plain` gave."""

    def set(self, pointer: bytes, value: Any) -> None: ...
    def insert(self, pointer: bytes, value: Any) -> None: ...
    def append(self, pointer: bytes, value: Any) -> None: ...
    def remove(self, pointer: bytes) -> None: ...


def escape(token: str) -> str:
    """A member's name as a token of a JSON Pointer (RFC 6901, section 3)."""
    if "\0" in token:  # a pointer ends at the first one
        raise EncodeError(f"a change at {token!r}: the library takes no U+0000 in the name of a member")
    return token.replace("~", "~0").replace("/", "~1") if "~" in token or "/" in token else token


class Node:
    """A container and the way to it: `_parent` holds it under `_key`, which for a list is only where it was
    last. The assigns themselves have no parent, and know where changes go."""

    __slots__ = ("_data", "_key", "_parent")

    _data: Any
    _key: Any
    _parent: Node | None

    @property
    def _edits(self) -> Edits:
        node = self
        while node._parent is not None:
            node = node._parent
        return node._edits

    def __eq__(self, other: object) -> bool:
        return bool(self._data == (other._data if isinstance(other, Node) else other))

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return len(self._data)

    def __repr__(self) -> str:
        return repr(self._data)

    def _plain_copy(self, memo: Any = None) -> Any:
        return copy.deepcopy(self._data, memo)

    def __copy__(self) -> Any:
        return self._plain_copy()

    def __deepcopy__(self, memo: Any) -> Any:
        return self._plain_copy(memo)

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        return (copy.deepcopy, (self._plain_copy(),))


class Undo:
    """Steps that are made all, or none: where one is refused, those before it are taken back."""

    def __init__(self) -> None:
        self._steps: list[tuple[Callable[..., None], tuple[Any, ...]]] = []

    def add(self, back: Callable[..., None], *arguments: Any) -> None:
        """Notes what takes back the step that has just been made."""
        self._steps.append((back, arguments))

    def __enter__(self) -> Undo:
        return self

    def __exit__(self, kind: Any, error: Any, _: Any) -> None:
        if error is not None:
            for back, arguments in reversed(self._steps):
                back(*arguments)


def place_of(node: Node) -> tuple[Edits, str]:
    """Where changes of the container go, and the pointer to it there. Raises DetachedError when it is in the
    assigns no more."""
    pointer = ""
    while (parent := node._parent) is not None:
        siblings = parent._data
        key = node._key
        if type(siblings) is dict:
            if siblings.get(key) is not node._data:
                raise _detached(node)
            pointer = f"/{escape(key)}{pointer}"
        else:
            if key >= len(siblings) or siblings[key] is not node._data:
                key = _moved(node, siblings)
            pointer = f"/{key}{pointer}"
        node = parent
    return node._edits, pointer


def pointer_of(node: Node) -> str:
    """The pointer alone."""
    return place_of(node)[1]


def _moved(node: Node, siblings: list[Any]) -> int:
    data = node._data
    key = next((index for index, item in enumerate(siblings) if item is data), None)
    if key is None:
        raise _detached(node)
    set_key(node, key)
    return key


def _detached(node: Node) -> DetachedError:
    return DetachedError(
        f"this {type(node._data).__name__} is no longer in the assigns (removed or replaced), so a change of "
        "it would reach nobody; read it from the assigns again"
    )


#: The class for each kind of container, filled by the modules of these classes.
kinds: dict[type, type[Node]] = {}

# Setting through the slots themselves: an observable dict takes ``node._data = …`` for a member, and each
# read of a container makes a node.
_new = object.__new__
set_data = vars(Node)["_data"].__set__
set_parent = vars(Node)["_parent"].__set__
set_key = vars(Node)["_key"].__set__


def wrap(value: Any, parent: Node, key: Any) -> Any:
    """What a read gives: a scalar as it is, a container as one whose changes are seen."""
    kind = kinds.get(type(value))
    if kind is None:
        return value
    node = _new(kind)
    set_data(node, value)
    set_parent(node, parent)
    set_key(node, key)
    return node


def untracked(value: Any) -> Any:
    """A copy of a part of the assigns as plain dicts and lists that are yours to change.

    >>> untracked({"a": [1]})
    {'a': [1]}
    """
    return value._plain_copy() if isinstance(value, Node) else copy.deepcopy(value)


encoder(Node)(lambda node: node._data)


def _dumped_by_json() -> None:
    """Makes ``json.dumps(self.assigns.items)`` work. json asks `default` about what is no dict or list, and
    these containers are none (see this package's `__init__`), so the answer is added there: what had one
    before has the same."""
    ask = json.JSONEncoder.default

    def default(self: json.JSONEncoder, o: Any) -> Any:
        return o._data if isinstance(o, Node) else ask(self, o)

    json.JSONEncoder.default = default  # type: ignore[method-assign]


_dumped_by_json()
