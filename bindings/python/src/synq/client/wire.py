"""Messages on the wire, as the serializer 2.0.0 of Phoenix writes them: a JSON array in a text frame or,
where the payload is bytes, a binary frame."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from ..encoding import to_text
from .frames import BINARY, TEXT

JOIN, LEAVE, REPLY, ERROR, CLOSE = "phx_join", "phx_leave", "phx_reply", "phx_error", "phx_close"
HEARTBEAT_TOPIC, HEARTBEAT = "phoenix", "heartbeat"
VERSION = "2.0.0"
_PUSH, _BINARY_REPLY, _BROADCAST = 0, 1, 2


class Message(NamedTuple):
    """One message; a payload of bytes is a binary one."""

    join_ref: str | None
    ref: str | None
    topic: str
    event: str
    payload: Any


class Dialect(NamedTuple):
    """The names of a line of clients and servers."""

    change: str
    patch: str
    operations: str
    error: str
    refresh: str
    #: Before the name of an event of the client.
    event_prefix: str = ""
    #: The event in which the server's own events come, as {name, detail}; None: by their own names.
    wrapping: str | None = None


DIALECTS = {
    "synq": Dialect("synq:change", "synq:patch", "operations", "synq:error", "synq:refresh"),
    "live_state": Dialect("state:change", "state:patch", "patch", "error", "lvs_refresh", "lvs_evt:"),
    "live_view_model": Dialect(
        "state:change", "state:patch", "operations", "error", "lvm_evt:lvm_refresh", "lvm_evt:", "event"
    ),
    "seance": Dialect(
        "seance:change",
        "seance:patch",
        "operations",
        "seance:error",
        "seance:refresh",
        "seance:event:",
        "seance:event",
    ),
}


def dialect(name: str) -> Dialect:
    if name not in DIALECTS:
        raise ValueError(f"dialect must be one of {', '.join(DIALECTS)}, not {name!r}")
    return DIALECTS[name]


def encode(message: Message) -> tuple[int, bytes]:
    """The opcode and the payload of the frame. Raises EncodeError for what has no JSON form."""
    if not isinstance(message.payload, (bytes, bytearray, memoryview)):
        return TEXT, to_text(list(message)).encode()
    parts = [(part or "").encode() for part in message[:4]]
    for part in parts:
        if len(part) > 255:
            raise ValueError(f"a binary message can name at most 255 bytes, not {part[:20]!r}…")
    head = bytes([_PUSH, *map(len, parts)])
    return BINARY, head + b"".join(parts) + bytes(message.payload)


def decode(opcode: int, data: bytes) -> Message:
    """The message of a frame. Raises ValueError for what is none."""
    if opcode == TEXT:
        parts = json.loads(data)
        if not isinstance(parts, list) or len(parts) < 5:
            raise ValueError("a message is an array of five")
        return Message(*parts[:5])
    counts = {_PUSH: 3, _BINARY_REPLY: 4, _BROADCAST: 2}
    if not data or data[0] not in counts:
        raise ValueError("a binary message of no known kind")
    at = 1 + counts[data[0]]
    texts = []
    for length in data[1:at]:
        texts.append(data[at : at + length].decode())
        at += length
    payload = data[at:]
    if data[0] == _PUSH:
        join_ref, topic, event = texts
        return Message(join_ref or None, None, topic, event, payload)
    if data[0] == _BINARY_REPLY:
        join_ref, ref, topic, status = texts
        return Message(join_ref or None, ref, topic, REPLY, {"status": status, "response": payload})
    topic, event = texts
    return Message(None, None, topic, event, payload)
