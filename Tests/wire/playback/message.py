"""Phoenix messages as values: version 1 and 2 of the text form, and the binary form."""

import json
from dataclasses import dataclass, replace
from typing import Any, Final

V1: Final = 1
V2: Final = 2

STATE_CHANGES: Final = frozenset({"synq:change", "seance:change", "state:change"})
STATE_PATCHES: Final = frozenset({"synq:patch", "seance:patch", "state:patch"})
ERRORS: Final = frozenset({"synq:error", "seance:error", "error"})

ANY: Final = "anything"  # as a member of an error: compared by shape


@dataclass(frozen=True)
class Message:
    """One message. In version 1 there is no join_ref: it is None."""

    join_ref: Any
    ref: Any
    topic: Any
    event: Any
    payload: Any
    vsn: int = V2

    @property
    def is_broadcast(self) -> bool:
        """Whether it went around the channel: its place among the channel's own messages is not fixed."""
        if self.vsn == V1:
            return self.ref is None and self.event in {"bc", "bcf", "bcb", "ep_bc"}
        return self.join_ref is None and self.ref is None and not str(self.event).startswith("phx_")

    @property
    def is_state(self) -> bool:
        return self.event in STATE_CHANGES or self.event in STATE_PATCHES

    @property
    def operations(self) -> Any:
        """The operations of a patch; live_state's clients have another name for them."""
        return self.payload.get("patch" if "patch" in self.payload else "operations")

    def with_payload(self, **members: Any) -> "Message":
        return replace(self, payload={**self.payload, **members})

    def __str__(self) -> str:
        if isinstance(self.payload, bytes):
            payload = f"<{self.payload.hex()}>"
        else:
            payload = json.dumps(self.payload, ensure_ascii=False, default=repr)
        text = f"[{self.join_ref!r}, {self.ref!r}, {self.topic!r}, {self.event!r}, {payload}]"
        return text if len(text) <= 400 else f"{text[:400]}…"


class MessageError(ValueError):
    """Bytes that are no Phoenix message."""


def parse_text(text: str, vsn: int) -> Message:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise MessageError(str(error)) from error
    if vsn == V1 and isinstance(value, dict) and {"topic", "event", "payload"} <= value.keys():
        return Message(None, value.get("ref"), value["topic"], value["event"], value["payload"], V1)
    if vsn == V2 and isinstance(value, list) and len(value) >= 5:
        return Message(*value[:5])
    raise MessageError(text[:200])


def parse_binary(data: bytes) -> Message:
    """The forms that a server sends: push (0), reply (1) and broadcast (2)."""
    kind = data[0] if data else None
    if kind == 0:
        (join_ref, topic, event), payload = _split(data, 3)
        return Message(join_ref, None, topic, event, payload)
    if kind == 1:
        (join_ref, ref, topic, status), payload = _split(data, 4)
        return Message(join_ref, ref, topic, "phx_reply", {"status": status, "response": payload})
    if kind == 2:
        (topic, event), payload = _split(data, 2)
        return Message(None, None, topic, event, payload)
    raise MessageError(data[:64].hex())


def parse_binary_push(data: bytes) -> Message:
    """What a client sends: a push with four lengths, where an empty join_ref is none."""
    if data[:1] != b"\0":
        raise MessageError(data[:64].hex())
    (join_ref, ref, topic, event), payload = _split(data, 4)
    return Message(join_ref or None, ref, topic, event, payload)


def _split(data: bytes, count: int) -> tuple[list[str], bytes]:
    """The first `count` fields, whose lengths follow the kind, and the rest."""
    lengths, start = data[1 : 1 + count], 1 + count
    if len(lengths) < count or len(data) < start + sum(lengths):
        raise MessageError(data[:64].hex())
    parts = []
    for length in lengths:
        try:
            parts.append(data[start : start + length].decode())
        except UnicodeDecodeError as error:
            raise MessageError(data[:64].hex()) from error
        start += length
    return parts, data[start:]
