"""What the commands have in common: a connection's options, and JSON that is read and written."""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import ssl
import sys
from pathlib import Path
from typing import Any

from ..client import Client
from ..client.wire import DIALECTS

#: What ends in "no connection".
FAILED = (OSError, asyncio.TimeoutError)


class UsageError(Exception):
    """What the user has to correct."""


def add_connection(parser: argparse.ArgumentParser) -> None:
    """The options of a command that connects."""
    parser.add_argument("url", metavar="URL", help="of the socket, as for phoenix.js: ws://host/socket")
    parser.add_argument("topic", metavar="TOPIC", help='such as "room:1"')
    group = parser.add_argument_group("connection")
    group.add_argument("--params", metavar="JSON", default="{}", help="of the join")
    group.add_argument(
        "--connect", metavar="NAME=VALUE", action="append", default=[], help="a parameter of the connection"
    )
    group.add_argument(
        "--header", metavar="NAME:VALUE", action="append", default=[], help="of the request, such as a cookie"
    )
    group.add_argument("--token", help="the auth token (authToken in phoenix.js)")
    group.add_argument("--dialect", choices=list(DIALECTS), default="synq", help="default: synq")
    group.add_argument(
        "--timeout", metavar="SECONDS", type=seconds, default=10.0, help="of each answer; default: 10"
    )
    group.add_argument("--ca", metavar="FILE", help="certificates to trust, for wss")
    group.add_argument("--insecure", action="store_true", help="trust any certificate")
    group.add_argument("-v", "--verbose", action="store_true", help="tell what the connection does")


def client(given: argparse.Namespace, **options: Any) -> Client:
    """The client that the options ask for."""
    try:
        return Client(
            given.url,
            params=dict(_pair(one, "=", "--connect NAME=VALUE") for one in given.connect),
            headers=dict(_pair(one, ":", "--header NAME:VALUE") for one in given.header),
            token=given.token,
            dialect=given.dialect,
            timeout_seconds=given.timeout,
            tls=_tls(given),
            **options,
        )
    except ValueError as error:
        raise UsageError(str(error)) from None


def _pair(text: str, separator: str, form: str) -> tuple[str, str]:
    name, found, value = text.partition(separator)
    if not found or not name.strip():
        raise UsageError(f"expected {form}, not {text!r}")
    return name.strip(), value.strip() if separator == ":" else value


def _tls(given: argparse.Namespace) -> ssl.SSLContext | None:
    if not given.ca and not given.insecure:
        return None
    try:
        context = ssl.create_default_context(cafile=given.ca)
    except OSError as error:
        raise UsageError(f"--ca {given.ca}: {error}") from None
    if given.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def parsed(text: str, what: str) -> Any:
    """A JSON text of the user's."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{what} is not JSON: {error}") from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def read(path: str) -> bytes:
    """The bytes of a file, or of the standard input for "-"."""
    try:
        if path == "-":
            return sys.stdin.buffer.read()
        return Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None


def seconds(text: str) -> float:
    """For argparse: a time that is more than nothing."""
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a time in seconds")
    return value


def count(text: str) -> int:
    """For argparse: a number of at least one."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number of at least 1")
    return value


def compact(value: Any) -> str:
    """A value on one line, in which all that a terminal might take for a command is escaped."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_bytes)
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(one: str) -> str:
    return one if one.isprintable() else json.dumps(one)[1:-1] if ord(one) != 0x7F else "\\u007f"


def _bytes(value: Any) -> Any:
    return {"bytes": value.hex()} if isinstance(value, bytes) else str(value)


def indented(text: str, width: int = 2) -> str:
    """A compact JSON text on many lines, numbers as they are written."""
    pieces: list[str] = []
    depth, at, in_string = 0, 0, False
    while at < len(text):
        one = text[at]
        if in_string:
            if one == "\\":
                pieces.append(text[at : at + 2])
                at += 2
                continue
            in_string = one != '"'
            pieces.append(one)
        elif one in "[{":
            if text[at + 1] in "]}":
                pieces.append(text[at : at + 2])
                at += 2
                continue
            depth += 1
            pieces.append(f"{one}\n{' ' * (depth * width)}")
        elif one in "]}":
            depth -= 1
            pieces.append(f"\n{' ' * (depth * width)}{one}")
        elif one == ",":
            pieces.append(f",\n{' ' * (depth * width)}")
        elif one == ":":
            pieces.append(": ")
        else:
            in_string = one == '"'
            pieces.append(one)
        at += 1
    return "".join(pieces)
