"""JSON to annotated types: a handler that annotates its payload with a dataclass or a pydantic model gets
one."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import inspect
import json
import types
import typing
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .errors import Error

Decoder = Callable[[Any], Any]

# What json.loads calls, without its search for white space and for what follows the value.
_scan: Callable[[str, int], tuple[Any, int]] = json.JSONDecoder().scan_once  # type: ignore[attr-defined]


def from_text(text: str) -> Any:
    """The value of a JSON text that libsynq made: compact and valid."""
    return _scan(text, 0)[0]


class MismatchError(ValueError):
    """A value that is not of the annotated type; `path` is where."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path
        self.message = message


def decoder(annotation: Any) -> Decoder | None:
    """What makes a payload into the annotated type, or None where any payload will do (no annotation, Any).
    Raises TypeError, when the handler is registered, for an annotation that has no JSON form."""
    if annotation is Any or annotation is object:
        return None
    if hasattr(annotation, "model_validate"):
        return lambda value: _model(annotation, value)
    return _answering(_converter(annotation))


def members_decoder(function: Callable[..., Any], parameters: list[inspect.Parameter]) -> Decoder:
    """What makes a payload into the keyword arguments of a handler, which are its members. Raises TypeError,
    when the handler is registered, for an annotation that has no JSON form."""
    hints = typing.get_type_hints(function, include_extras=True)
    fields: _Fields = [
        (one.name, _converter(hints.get(one.name, Any)), one.default is one.empty) for one in parameters
    ]
    return _answering(lambda value, path: _members(fields, value, path))


def has_members(annotation: Any) -> bool:
    """Whether what is annotated like this may be an object, or bytes: what a payload is but for rare
    clients."""
    if annotation in (Any, object, dict, Mapping, bytes) or hasattr(annotation, "model_validate"):
        return True
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return has_members(typing.get_args(annotation)[0])
    if origin is typing.Union or origin is types.UnionType:
        return any(has_members(one) for one in typing.get_args(annotation))
    return (
        origin in (dict, Mapping) or typing.is_typeddict(annotation) or dataclasses.is_dataclass(annotation)
    )


def _answering(convert: _Convert) -> Decoder:
    """A decoder whose mismatches are answers to the client."""

    def decode(value: Any) -> Any:
        try:
            return convert(value, "")
        except MismatchError as mismatch:
            raise Error("invalid_payload", str(mismatch), {"path": mismatch.path}) from None

    return decode


def _model(annotation: Any, value: Any) -> Any:
    try:
        return annotation.model_validate(value)
    except ValueError as failure:
        errors = getattr(failure, "errors", None)
        if errors is None:
            raise Error("invalid_payload", str(failure)) from None
        found = [
            {"path": "".join(f"/{part}" for part in error["loc"]), "message": error["msg"]}
            for error in errors()
        ]
        message = "; ".join(f"{error['path']}: {error['message']}" for error in found)
        raise Error("invalid_payload", message, {"errors": found}) from None


_Convert = Callable[[Any, str], Any]
#: Names, what converts them, and whether they must be there.
_Fields = list[tuple[str, _Convert, bool]]


def _members(fields: _Fields, value: Any, path: str) -> dict[str, Any]:
    if type(value) is not dict:
        raise MismatchError(path, f"expected an object, got {_json_name(value)}")
    found = {}
    for name, convert, required in fields:
        if name in value:
            found[name] = convert(value[name], f"{path}/{name}")
        elif required:
            raise MismatchError(f"{path}/{name}", "is missing")
    return found


def _converter(annotation: Any) -> _Convert:
    if annotation is Any or annotation is object:
        return lambda value, path: value
    if annotation is None or annotation is type(None):
        return _exact("null", lambda value: value is None)
    if hasattr(annotation, "model_validate"):
        return lambda value, path: _nested_model(annotation, value, path)
    origin = typing.get_origin(annotation)
    arguments = typing.get_args(annotation)
    if origin is typing.Annotated:
        return _converter(arguments[0])
    if origin is typing.Union or origin is types.UnionType:
        return _union([_converter(argument) for argument in arguments])
    if origin is typing.Literal:
        return _exact(
            f"one of {list(arguments)}", lambda value: any(_same(value, choice) for choice in arguments)
        )
    if arguments and arguments[-1] is Any and origin in (list, dict):
        return _scalars[origin]
    if origin in (list, Sequence):
        return _array(_converter(arguments[0]), list)
    if origin in (set, frozenset):
        return _array(_converter(arguments[0]), origin)
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return _array(_converter(arguments[0]), tuple)
    if origin in (dict, Mapping):
        return _mapping(_converter(arguments[1]))
    if typing.is_typeddict(annotation) or annotation is Mapping:
        return _scalars[dict]
    if annotation in _scalars:
        return _scalars[annotation]
    if isinstance(annotation, type):
        if dataclasses.is_dataclass(annotation):
            return _Dataclass(annotation)
        if issubclass(annotation, enum.Enum):
            return _parsed(
                annotation, (str, int, float, bool), f"one of {[member.value for member in annotation]}"
            )
    raise TypeError(f"{annotation!r} has no JSON form: annotate payloads with dataclasses of JSON's types")


class _Dataclass:
    """Converts an object into a dataclass; its fields are looked at once, at the first use, so it may hold
    itself."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind
        self.fields: _Fields | None = None

    def __call__(self, value: Any, path: str) -> Any:
        if self.fields is None:
            hints = typing.get_type_hints(self.kind, include_extras=True)
            self.fields = [
                (
                    field.name,
                    _converter(hints[field.name]),
                    field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
                )
                for field in dataclasses.fields(self.kind)
                if field.init
            ]
        members = _members(self.fields, value, path)
        try:
            return self.kind(**members)
        except ValueError as failure:  # of a __post_init__ that checks
            raise MismatchError(path, str(failure)) from None


def _nested_model(annotation: Any, value: Any, path: str) -> Any:
    try:
        return annotation.model_validate(value)
    except ValueError as failure:
        raise MismatchError(path, str(failure)) from None


def _union(converters: list[_Convert]) -> _Convert:
    def convert(value: Any, path: str) -> Any:
        reasons: list[MismatchError] = []
        for candidate in converters:
            try:
                return candidate(value, path)
            except MismatchError as mismatch:
                reasons.append(mismatch)
        deepest = max(reasons, key=lambda mismatch: len(mismatch.path))
        if len(deepest.path) > len(path):
            raise deepest
        raise MismatchError(path, " or ".join(reason.message for reason in reasons))

    return convert


def _array(convert: _Convert, into: Callable[[list[Any]], Any]) -> _Convert:
    def converted(value: Any, path: str) -> Any:
        if type(value) is not list:
            raise MismatchError(path, f"expected an array, got {_json_name(value)}")
        return into([convert(item, f"{path}/{index}") for index, item in enumerate(value)])

    return converted


def _mapping(convert: _Convert) -> _Convert:
    def converted(value: Any, path: str) -> Any:
        if type(value) is not dict:
            raise MismatchError(path, f"expected an object, got {_json_name(value)}")
        return {key: convert(item, f"{path}/{key}") for key, item in value.items()}

    return converted


def _exact(expected: str, fits: Callable[[Any], bool]) -> _Convert:
    def convert(value: Any, path: str) -> Any:
        if not fits(value):
            raise MismatchError(path, f"expected {expected}, got {_json_name(value)}")
        return value

    return convert


def _parsed(parse: Callable[[Any], Any], kinds: tuple[type, ...], expected: str) -> _Convert:
    def convert(value: Any, path: str) -> Any:
        if type(value) not in kinds:
            raise MismatchError(path, f"expected {expected}, got {_json_name(value)}")
        try:
            return parse(value)
        except (ValueError, ArithmeticError):
            raise MismatchError(path, f"expected {expected}, got {value!r}") from None

    return convert


def _moment(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)


def _same(value: Any, choice: Any) -> bool:
    return type(value) is type(choice) and value == choice


def _json_name(value: Any) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", bytes: "bytes"}
    if value is None:
        return "null"
    return names.get(type(value), "a number")


_scalars: dict[Any, _Convert] = {
    str: _exact("a string", lambda value: type(value) is str),
    int: _exact("an integer", lambda value: type(value) is int),
    float: lambda value, path: float(
        _exact("a number", lambda number: type(number) in (int, float))(value, path)
    ),
    bool: _exact("a boolean", lambda value: type(value) is bool),
    dict: _exact("an object", lambda value: type(value) is dict),
    list: _exact("an array", lambda value: type(value) is list),
    bytes: _exact("bytes", lambda value: type(value) is bytes),
    datetime.datetime: _parsed(_moment, (str,), "a date and time"),
    datetime.date: _parsed(datetime.date.fromisoformat, (str,), "a date"),
    datetime.time: _parsed(datetime.time.fromisoformat, (str,), "a time"),
    decimal.Decimal: _parsed(
        lambda value: decimal.Decimal(str(value)), (str, int, float), "a decimal number"
    ),
    uuid.UUID: _parsed(uuid.UUID, (str,), "a UUID"),
}
