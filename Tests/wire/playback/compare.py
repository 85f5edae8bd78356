"""Comparison by value: JSON, patches by their effect, errors by their shape, HTTP by what a client reads."""

import copy
import json
import re
from typing import Any, Final

from .connection import Response
from .message import ANY

TIMESTAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
# What a client of HTTP acts on. The others (date, server, vary, cache-control) are not compared.
HEADERS: Final = (
    "upgrade",
    "connection",
    "sec-websocket-accept",
    "sec-websocket-protocol",
    "sec-websocket-extensions",
    "content-type",
    "access-control-allow-origin",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-max-age",
)


def same(expected: Any, actual: Any) -> bool:
    """Whether two JSON values are the same; 1, 1.0 and true are three values, -0.0 and 0.0 are one."""
    if type(expected) is not type(actual):
        return False
    if isinstance(expected, dict):
        return expected.keys() == actual.keys() and all(same(expected[key], actual[key]) for key in expected)
    if isinstance(expected, list):
        return len(expected) == len(actual) and all(map(same, expected, actual))
    return bool(expected == actual)


def is_error(expected: dict[str, Any], actual: Any) -> bool:
    """Whether `actual` has the one shape of errors, and the members that `expected` gives."""
    if not isinstance(actual, dict) or not {"code", "message", "details", "timestamp"} <= actual.keys():
        return False
    if actual.keys() - {"code", "message", "details", "timestamp", "type"}:
        return False
    if not (isinstance(actual["code"], str) and isinstance(actual["message"], str)):
        return False
    if not (actual["details"] is None or isinstance(actual["details"], dict)):
        return False
    if not (isinstance(actual["timestamp"], str) and TIMESTAMP.fullmatch(actual["timestamp"])):
        return False
    return all(value == ANY or same(value, actual.get(key)) for key, value in expected.items())


# ---------------------------------------------------------------------------------------------------- patches


class PatchError(ValueError):
    """A patch that does not apply."""


def apply(operations: Any, document: Any) -> Any:
    """RFC 6902, written from the RFC so that it shares no mistake with the library under test."""
    document = copy.deepcopy(document)
    if not isinstance(operations, list):
        raise PatchError(f"not a list: {operations!r}")
    for operation in operations:
        try:
            document = _apply_one(operation, document)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise PatchError(f"{operation!r}: {error!r}") from error
    return document


def _apply_one(operation: dict[str, Any], document: Any) -> Any:
    kind = operation["op"]
    tokens = _tokens(operation["path"])
    if kind == "add":
        return _add(document, tokens, copy.deepcopy(operation["value"]))
    if kind == "remove":
        return _remove(document, tokens)[0]
    if kind == "replace":
        if not tokens:
            return copy.deepcopy(operation["value"])
        return _add(_remove(document, tokens)[0], tokens, copy.deepcopy(operation["value"]))
    if kind == "move":
        document, value = _remove(document, _tokens(operation["from"]))
        return _add(document, tokens, value)
    if kind == "copy":
        return _add(document, tokens, copy.deepcopy(_get(document, _tokens(operation["from"]))))
    if kind == "test":
        if not same(operation["value"], _get(document, tokens)):
            raise ValueError("the test failed")
        return document
    raise ValueError(f"no operation {kind!r}")


def _tokens(pointer: str) -> list[str]:
    if pointer and not pointer.startswith("/"):
        raise ValueError(f"not a pointer: {pointer!r}")
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def _index(token: str, limit: int) -> int:
    if not re.fullmatch(r"0|[1-9]\d*", token) or int(token) > limit:
        raise IndexError(token)
    return int(token)


def _get(document: Any, tokens: list[str]) -> Any:
    for token in tokens:
        if isinstance(document, list):
            document = document[_index(token, len(document) - 1)]
        elif isinstance(document, dict):
            document = document[token]
        else:
            raise KeyError(token)
    return document


def _add(document: Any, tokens: list[str], value: Any) -> Any:
    if not tokens:
        return value
    parent = _get(document, tokens[:-1])
    if isinstance(parent, list):
        parent.insert(len(parent) if tokens[-1] == "-" else _index(tokens[-1], len(parent)), value)
    elif isinstance(parent, dict):
        parent[tokens[-1]] = value
    else:
        raise KeyError(tokens[-1])
    return document


def _remove(document: Any, tokens: list[str]) -> tuple[Any, Any]:
    if not tokens:
        raise ValueError("the whole cannot be removed")
    parent = _get(document, tokens[:-1])
    if isinstance(parent, list):
        return document, parent.pop(_index(tokens[-1], len(parent) - 1))
    if isinstance(parent, dict):
        return document, parent.pop(tokens[-1])
    raise KeyError(tokens[-1])


# ------------------------------------------------------------------------------------------------------- HTTP


def parse_response(text: str) -> Response:
    """A response as it was recorded."""
    head, _, body = text.partition("\r\n\r\n")
    lines = head.split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    return Response(int(lines[0].split(" ")[1]), headers, body.encode("latin-1"))


def _words(value: str) -> list[str]:
    return sorted(re.sub(r"\s+", "", word).lower() for word in value.split(","))


def response_differences(expected: Response, actual: Response, *, any_body: bool = False) -> list[str]:
    """What differs for a client: status, headers that it acts on, body; a `token` by its shape."""
    found = []
    if expected.status != actual.status:
        found.append(f"status {actual.status} for {expected.status}")
    for name in HEADERS:
        if name == "content-type" and (any_body or not expected.body):
            continue
        here, there = expected.headers.get(name), actual.headers.get(name)
        keep_case = name in {"sec-websocket-accept", "sec-websocket-protocol"}
        equal = here == there
        if here is not None and there is not None and not keep_case:
            equal = _words(here) == _words(there)
        if not equal:
            found.append(f"{name}: {there!r} for {here!r}")
    if not any_body and not _same_body(expected.body, actual.body):
        found.append(f"body {actual.body[:200]!r} for {expected.body[:200]!r}")
    return found


def _same_body(expected: bytes, actual: bytes) -> bool:
    if expected == actual:
        return True
    try:
        here, there = json.loads(expected), json.loads(actual)
    except ValueError:
        return False
    for value in (here, there):
        if isinstance(value, dict) and isinstance(value.get("token"), str) and value["token"]:
            value["token"] = "a token"
    return same(here, there)
