"""Python values to JSON: dataclasses, pydantic models, datetime, Decimal, UUID, Enum, sets and named tuples
too."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import json
import math
import uuid
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from .errors import EncodeError

T = TypeVar("T")
Encoder = Callable[[Any], Any]

_encode = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), check_circular=False
).encode
# JSONEncoder makes this anew for each value, which takes twice as long as it takes to encode a small one.
_fast: Callable[[Any, int], tuple[str, ...]] | None = None
_string: Callable[[str], str] = json.encoder.encode_basestring
if _make := getattr(json.encoder, "c_make_encoder", None):
    _fast = _make(None, _encode, _string, None, ":", ",", False, False, False)
_MAX_DEPTH = 128
#: Of a number, in the library: JSONLimits.maxNumberLength.
_MAX_DIGITS = 1024
#: Integers below have a decimal text in any Python.
_SHORT = 2**64


#: The types that are copied and encoded without looking further.
SCALARS = frozenset({str, int, bool, type(None)})


def encoder(kind: type[T]) -> Callable[[Callable[[T], Any]], Callable[[T], Any]]:
    """Says how values of a class of yours, and of its subclasses, become JSON.

    >>> class Money:
    ...     def __init__(self, cents): self.cents = cents
    >>> @encoder(Money)
    ... def money(value):
    ...     return {"cents": value.cents}
    >>> to_text([Money(5)])
    '[{"cents":5}]'
    """

    def register(function: Callable[[T], Any]) -> Callable[[T], Any]:
        _encoders[kind] = function
        return function

    return register


def to_text(value: Any) -> str:
    """The compact JSON text of a value. Raises EncodeError naming the place of what has no JSON form."""
    return text_of(plain(value))


def text_of(value: Any) -> str:
    """The JSON text of a value that `plain` gave."""
    kind = type(value)
    if kind is int:
        return str(value) if -_SHORT < value < _SHORT else str(_integer(value, ""))
    if kind is bool:
        return "true" if value else "false"
    if kind is str:
        return _string(value)
    if _fast is not None and (kind is dict or kind is list):
        return "".join(_fast(value, 0))
    return _encode(value)


def bytes_of(value: Any) -> bytes:
    """The JSON text of a value that `plain` gave, in UTF-8."""
    try:
        return text_of(value).encode()
    except UnicodeEncodeError as failure:
        half = failure.object[failure.start]
        raise EncodeError(f"a string with half of a surrogate pair ({half!r}) has no JSON form") from None


def to_bytes(value: Any) -> bytes:
    """The compact JSON text of a value in UTF-8."""
    return bytes_of(plain(value))


def plain(value: Any, path: str = "") -> Any:
    """A copy of a value in which there is nothing but dict, list, str, int, float, bool and None.

    A set becomes a sorted list, so that equal sets are equal on the wire; a named tuple an object of its
    fields; a Decimal its exact text; a datetime ISO 8601. Not a number and bytes have no JSON form.
    """
    return _plain(value, path, 0)


def _plain(value: Any, path: str, depth: int) -> Any:
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return value
    if kind is int:
        return value if -_SHORT < value < _SHORT else _integer(value, path)
    if kind is float:
        if not math.isfinite(value):
            raise EncodeError(f"{value!r}{_at(path)} has no JSON form")
        return value
    if depth > _MAX_DEPTH:
        raise EncodeError(f"the value{_at(path)} is nested more than {_MAX_DEPTH} deep, or contains itself")
    if kind is dict:
        return _object(value, path, depth)
    if kind is list or kind is tuple:
        return [_plain(item, f"{path}/{index}", depth + 1) for index, item in enumerate(value)]
    return _plain(_convert(value, path), path, depth + 1)


def _integer(value: int, path: str) -> int:
    """A long integer, if it is not too long for Python (sys.set_int_max_str_digits) or for the library."""
    try:
        length = len(str(value))
    except ValueError:
        length = 0
    if not 0 < length <= _MAX_DIGITS:
        raise EncodeError(
            f"an integer of {value.bit_length()} bits{_at(path)}: a number has at most {_MAX_DIGITS} digits"
        )
    return value


def _object(value: Mapping[Any, Any], path: str, depth: int) -> dict[str, Any]:
    copy = {}
    for key, item in value.items():
        if type(key) is not str:
            key = _key(key, path)
        copy[key] = _plain(item, f"{path}/{key}", depth + 1)
    return copy


def _key(key: Any, path: str) -> str:
    if isinstance(key, enum.Enum):
        return _key(key.value, path)
    if isinstance(key, str):
        return str.__str__(key)
    if isinstance(key, uuid.UUID):
        return str(key)
    raise EncodeError(f"the key {key!r}{_at(path)} is of type {_name(key)}: JSON has only strings as keys")


def _convert(value: Any, path: str) -> Any:
    """One step from a value of another type towards a plain one."""
    for kind in type(value).__mro__:
        convert = _encoders.get(kind)
        if convert is not None:
            return convert(value)
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return value._asdict()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    model_dump = getattr(type(value), "model_dump", None)
    if model_dump is not None:
        return model_dump(value, mode="json")
    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        raise EncodeError(
            f"{_name(value)}{_at(path)}: JSON has no bytes; push or reply with bytes alone for a binary "
            "message, or encode them as text"
        )
    raise EncodeError(f"a value of type {_name(value)}{_at(path)} has no JSON form: see synq.encoder")


def _set(value: Any) -> list[Any]:
    try:
        return sorted(value)
    except TypeError:
        return sorted(value, key=to_text)


def _moment(value: Any) -> str:
    text: str = value.isoformat()
    return text[:-6] + "Z" if text.endswith("+00:00") else text


# Subclasses of the JSON types (an IntEnum, a str subclass) are cut down to the plain type; Enum comes before
# them in the class order of a mixed enum only by luck, so it is asked for by isinstance in its own encoder.
_encoders: dict[type, Encoder] = {
    enum.Enum: lambda value: value.value,
    uuid.UUID: str,
    decimal.Decimal: str,
    datetime.datetime: _moment,
    datetime.date: datetime.date.isoformat,
    datetime.time: _moment,
    set: _set,
    frozenset: _set,
    str: lambda value: value.value if isinstance(value, enum.Enum) else str.__str__(value),
    int: lambda value: value.value if isinstance(value, enum.Enum) else int(value),
    float: lambda value: value.value if isinstance(value, enum.Enum) else float(value),
}


def _name(value: Any) -> str:
    return type(value).__qualname__


def _at(path: str) -> str:
    return f" at {path}" if path else ""
