"""A client in a test: says messages as they are written there, and hears what comes as JSON."""

import json
from dataclasses import dataclass
from typing import Any, Self

from .compare import is_error, same
from .connection import BINARY, CLOSE, TEXT, Connection
from .host import Host

V1 = "vsn=1.0.0"
V2 = "vsn=2.0.0"
OK = {"status": "ok", "response": {}}
UNMATCHED = {"status": "error", "response": {"reason": "unmatched topic"}}


@dataclass
class AnError:
    """Stands for an error of the one shape with these members; clients of live_state get a type, too."""

    code: str
    message: str | None = None
    details: Any = None
    has_type: bool = False

    def matches(self, actual: Any) -> bool:
        wanted = {"code": self.code, "details": self.details}
        wanted |= {} if self.message is None else {"message": self.message}
        wanted |= {"type": self.code} if self.has_type else {}
        return is_error(wanted, actual) and ("type" in actual) is self.has_type


def refused(code: str, **members: Any) -> dict[str, Any]:
    """What a reply with an error carries."""
    return {"status": "error", "response": AnError(code, **members)}


def matches(expected: Any, actual: Any) -> bool:
    """Whether `actual` is what `expected` says, with each AnError in it standing for an error."""
    if isinstance(expected, AnError):
        return expected.matches(actual)
    if isinstance(expected, dict) and isinstance(actual, dict):
        return expected.keys() == actual.keys() and all(
            matches(expected[key], actual[key]) for key in expected
        )
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(map(matches, expected, actual))
    return same(expected, actual)


class Talk:
    """One WebSocket connection to the conformance host.

    Messages are lists as in version 2: join_ref, ref, topic, event, payload; in version 1 without the first.
    """

    def __init__(self, host: Host, query: str = V2, path: str = "/socket/websocket") -> None:
        self.connection = Connection.to(host.host, host.port)
        self.is_v1 = query.startswith(V1)
        self.beats = 0
        response = self.connection.upgrade(f"{path}?{query}")
        assert response.status == 101, response

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    # ------------------------------------------------------------------------------------------------ saying

    def says(self, *message: Any) -> None:
        if self.is_v1:
            ref, topic, event, payload = message
            self.says_text(json.dumps({"topic": topic, "event": event, "payload": payload, "ref": ref}))
        else:
            self.says_text(json.dumps(message))

    def says_text(self, text: str) -> None:
        self.connection.send_text(text)

    def says_bytes(self, join_ref: str, ref: str, topic: str, event: str, data: bytes = b"") -> None:
        self.connection.send_frame(BINARY, binary_push(join_ref, ref, topic, event, data))

    def joins(self, topic: str, params: Any = None, ref: str = "1", state: Any = None) -> None:
        """Joins with `ref` as both refs, and hears just that and the first state, if there is one."""
        change = "state:change" if topic.startswith("l") else "seance:change"
        join_ref = [] if self.is_v1 else [ref]
        self.says(*join_ref, ref, topic, "phx_join", {} if params is None else params)
        self.hears([*join_ref, ref, topic, "phx_reply", OK])
        if state is not None:
            self.hears([*join_ref, None, topic, change, {"state": state, "version": 0}])

    # ----------------------------------------------------------------------------------------------- hearing

    def hears(self, *messages: Any) -> None:
        """The next messages are these, in this order; bytes stand for a binary one."""
        for message in messages:
            actual = self.next_message()
            assert matches(message, actual), f"heard {actual}, not {message}"

    def next_message(self) -> Any:
        frame = self.connection.receive_frame()
        if frame.opcode == BINARY:
            return frame.payload
        assert frame.opcode == TEXT, frame
        value = json.loads(frame.payload)
        if not self.is_v1:
            return value
        assert value.keys() == {"topic", "event", "payload", "ref"}
        return [value["ref"], value["topic"], value["event"], value["payload"]]

    def hears_close(self, code: int) -> None:
        frame = self.connection.receive_frame()
        assert (frame.opcode, frame.payload[:2]) == (CLOSE, code.to_bytes(2, "big")), frame
        self.connection.send_frame(CLOSE, frame.payload[:2])
        assert self.connection.receive_eof() == b""

    def hears_no_more(self) -> None:
        """Nothing was on its way: the answer to a heartbeat is the next thing that comes."""
        self.beats += 1
        beat = [f"beat-{self.beats}", "phoenix"]
        join_ref = [] if self.is_v1 else [None]
        self.says(*join_ref, *beat, "heartbeat", {})
        self.hears([*join_ref, *beat, "phx_reply", OK])

    def leaves(self, topic: str, join_ref: Any = "1") -> None:
        """Leaves, and hears just that: all that callbacks of the channel had to say was heard before."""
        joined_as = [] if self.is_v1 else [join_ref]
        self.says(*joined_as, "bye", topic, "phx_leave", {})
        self.hears([*joined_as, "bye", topic, "phx_reply", OK])
        self.hears([*joined_as, None if self.is_v1 else join_ref, topic, "phx_close", {}])


def binary_push(join_ref: str, ref: str, topic: str, event: str, data: bytes = b"") -> bytes:
    parts = [part.encode() for part in (join_ref, ref, topic, event)]
    return bytes([0, *(len(part) for part in parts)]) + b"".join(parts) + data
