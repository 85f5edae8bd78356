"""Recordings: one JSON object a line, as the README beside the fixtures tells."""

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .message import V1, V2, Message, MessageError, parse_binary, parse_binary_push, parse_text

SEND: Final = "send"
RECEIVE: Final = "recv"
NOTE: Final = "note"
POSTED: Final = "posted"  # sent by the POST that follows
POLL: Final = "poll"  # a GET, as often as needed


@dataclass
class Step:
    """One line of a recording, one message of a poll, or what a difference put in."""

    kind: str
    line: int  # in the file, from 1
    conn: str
    data: dict[str, Any]
    message: Message | None = None  # if it is one
    optional: bool = False  # it may be missing
    error: dict[str, Any] | None = None  # the payload is an error with these members
    state: Any = None  # what the client's state is after this state message
    merged: bool = False  # a presence message of a burst, which may come in fewer

    def __str__(self) -> str:
        what = str(self.message) if self.message else json.dumps(self.data, ensure_ascii=False)[:300]
        return f"line {self.line} {self.kind} {what}"


@dataclass
class Recording:
    name: str
    steps: list[Step]
    path: str  # of the socket, for connections whose request is not recorded
    vsn: int

    @property
    def is_http(self) -> bool:
        """Whether it is long poll: requests and responses, no WebSocket."""
        return self.name.startswith("longpoll")


def socket_path(name: str) -> str:
    """Where a recording ran that does not hold its request."""
    if name.startswith("v1_"):
        return "/socket/websocket?vsn=1.0.0"
    if name.startswith("idle_"):
        return "/idle/websocket?vsn=2.0.0"
    if name.startswith(("frame_too_large", "frame_size_")):
        return "/smallframe/websocket?vsn=2.0.0"
    if name == "disconnect":
        return "/socket/websocket?vsn=2.0.0&user=42"
    return "/socket/websocket?vsn=2.0.0"


def load(path: Path) -> Recording:
    name = path.stem
    where = socket_path(name)
    vsn = V1 if "vsn=1" in where else V2
    steps: list[Step] = []
    for number, line in enumerate(path.read_text().rstrip("\n").split("\n"), 1):
        data = json.loads(line)
        step = Step(data["dir"], number, data.get("conn", "a"), data)
        step.message = message_of(step, vsn)
        steps.append(step)
    recording = Recording(name, steps, where, vsn)
    if recording.is_http:
        recording.steps = unroll_polls(steps, vsn)
    return recording


def message_of(step: Step, vsn: int) -> Message | None:
    """The message of a line, None for a control frame, a raw frame or HTTP."""
    data = step.data
    try:
        if "frame" in data:
            whole = restored(data) if "shortened_from_bytes" in data else data["frame"]
            return parse_text(whole, vsn)
        if data.get("op") == "binary":
            payload = bytes.fromhex(data["hex"])
            if step.kind == RECEIVE:
                return parse_binary(payload)
            return parse_binary_push(payload) if vsn == V2 else None
    except MessageError:
        return None
    return None


def restored(data: dict[str, Any]) -> str:
    """The whole of a frame that was cut: only the list of 1,000 items is so long, and it is known."""
    start: str = data["frame"]
    items = [
        {
            "done": False,
            "id": i,
            "tags": [f"tag{i % 7}", f"tag{i % 11}", f"tag{i % 13}"],
            "title": f"Item number {i}",
        }
        for i in range(1000)
    ]
    head = start[: start.index('{"state"')]
    body = json.dumps({"state": {"items": items}, "version": 0}, separators=(",", ":"))
    whole = f"{head}{body}]"
    if len(whole) != data["shortened_from_bytes"] or not whole.startswith(start):
        raise ValueError(f"cannot restore {start[:80]}")
    return whole


def unroll_polls(steps: list[Step], vsn: int) -> list[Step]:
    """Long poll as a conversation: what a POST carries was sent, and what polls brought came one by one.

    How messages are spread over polls is a matter of timing, so a poll that brought some becomes a POLL, and
    that stands for as many as it takes.
    """
    unrolled: list[Step] = []
    for sent, received in zip(steps[::2], steps[1::2], strict=True):
        body = sent.data["http"].partition("\r\n\r\n")[2]
        answer = received.data["http"].partition("\r\n\r\n")[2]
        messages = json.loads(answer).get("messages") if answer.startswith("{") else None
        if messages:
            sent.kind = POLL
            unrolled.append(sent)
            for text in messages:
                unrolled.append(Step(RECEIVE, received.line, received.conn, {}, parse_text(text, vsn)))
            continue
        for line in body.split("\n"):
            if message := posted(line, vsn):
                unrolled.append(Step(POSTED, sent.line, sent.conn, {}, message))
        unrolled += [sent, received]
    return unrolled


def posted(line: str, vsn: int) -> Message | None:
    """The message of one line of a POST: JSON, or base64 of a binary push."""
    try:
        if line.startswith(("[", "{")):
            return parse_text(line, vsn)
        return parse_binary_push(base64.b64decode(line, validate=True)) if line else None
    except ValueError:
        return None
