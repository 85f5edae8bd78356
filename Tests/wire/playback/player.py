"""Plays a recording to a server: sends what was sent, byte for byte, and compares what comes back."""

import json
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from .compare import PatchError, apply, is_error, parse_response, response_differences, same
from .connection import (
    BINARY,
    CLOSE,
    OPCODES,
    PONG,
    TEXT,
    ClosedError,
    Connection,
    Frame,
    SilenceError,
    inflate,
)
from .message import STATE_CHANGES, STATE_PATCHES, V1, Message, MessageError, parse_binary, parse_text
from .polling import Polling
from .presence import DIFF, STATE, Refs, Watch
from .recording import NOTE, POLL, POSTED, RECEIVE, SEND, Recording, Step


class MismatchError(Exception):
    """What came is not what was expected."""


@dataclass
class Client:
    """One connection of the recording: what it still waits for, and its channels' states."""

    tcp: Connection | None  # none with long poll, where each request has its own
    vsn: int
    waiting: list[Step] = field(default_factory=list)
    states: dict[Any, Any] = field(default_factory=dict)  # by topic
    joined: dict[Any, Any] = field(default_factory=dict)  # join_ref by topic
    joins: dict[tuple[Any, str], Any] = field(default_factory=dict)  # join_ref by topic and ref of the join
    watches: dict[Any, Watch] = field(default_factory=dict)  # who is here, by topic
    closed: bool = False

    @property
    def connection(self) -> Connection:
        assert self.tcp is not None
        return self.tcp


@dataclass
class Player:
    """`stop_server` is called where the recording ended its server."""

    recording: Recording
    steps: list[Step]
    host: str
    port: int
    stop_server: Callable[[], None] | None = None
    clients: dict[str, Client] = field(default_factory=dict)
    polling: Polling | None = None
    refs: Refs = field(default_factory=Refs)
    is_leaving: bool = False  # the goodbyes are said: who is still here is told of them

    def play(self) -> None:
        """Raises MismatchError, ClosedError or SilenceError where the server does not do as expected."""
        try:
            for step in self.steps:
                try:
                    self._take(step)
                except (MismatchError, ClosedError, SilenceError, OSError) as error:
                    raise MismatchError(f"{self.recording.name}, {step}: {error}") from error
            self._finish()
        finally:
            for client in self.clients.values():
                if client.tcp is not None:
                    client.tcp.close()

    def _take(self, step: Step) -> None:
        if step.kind == NOTE:
            self._flush_all()
            self._note(step)
        elif step.kind == POLL:
            assert self.polling is not None
            self.polling.poll_with(step.data["http"])
        elif step.kind == POSTED:
            pass
        elif step.kind == SEND:
            self._flush_all()
            self._send(step)
        elif step.message is not None:
            client = self._client(step.conn)
            client.waiting.append(step)
            if step.message.event in {DIFF, STATE}:
                client.watches.setdefault(step.message.topic, Watch()).recorded.take(step.message)
        else:
            self._flush_all()
            self._receive_other(step)

    # ----------------------------------------------------------------------------------------------- sending

    def _client(self, name: str) -> Client:
        if name not in self.clients:
            if self.recording.is_http:
                self.polling = self.polling or Polling(self.host, self.port)
                self.clients[name] = Client(None, self.recording.vsn)
                return self.clients[name]
            client = self.clients[name] = Client(Connection.to(self.host, self.port), self.recording.vsn)
            if not any("http" in step.data and step.conn == name for step in self.steps):
                response = client.connection.upgrade(self.recording.path)
                if response.status != 101:
                    raise MismatchError(f"{self.recording.path} was not upgraded: {response.status}")
        return self.clients[name]

    def _send(self, step: Step) -> None:
        client, data = self._client(step.conn), step.data
        if "http" in data:
            if self.polling:
                self.polling.request(data["http"])
            else:
                client.connection.send(data["http"].encode("latin-1"))
            return
        if step.message is not None and step.message.event == "phx_join":
            client.joins[step.message.topic, repr(step.message.ref)] = step.message.join_ref
        if "frame" in data:
            text = data["frame"]
            if "padded_to_bytes" in data:
                text = text.replace('""', f'"{"x" * (data["padded_to_bytes"] - len(text))}"')
            self._send_frame(client, TEXT, text.encode())
            return
        opcode = OPCODES.get(data["op"], data["op"])
        payload = self._unrecorded_text(step) if "bytes" in data else bytes.fromhex(data["hex"])
        if "followed_by" in data:
            payload += bytes(int(data["followed_by"].split(" ")[0]))
        self._send_frame(
            client,
            opcode,
            payload,
            fin=data.get("fin", True),
            rsv=data.get("rsv", 0),
            masked=data.get("masked", True),
        )
        client.closed = client.closed or opcode == CLOSE

    def _send_frame(self, client: Client, opcode: int, payload: bytes, **how: Any) -> None:
        # A server that refuses a frame need not read it to the end; what it said about it is there to read.
        with suppress(ConnectionError):
            client.connection.send_frame(opcode, payload, **how)

    def _unrecorded_text(self, step: Step) -> bytes:
        """A fragment of which only the length was recorded: a push of reply_ok, padded."""
        lengths = [other.data["bytes"] for other in self.steps if "bytes" in other.data]
        text = '["1","2","plain:a","reply_ok",{"a":""}]'
        whole = text.replace('""', f'"{"x" * (sum(lengths) - len(text))}"').encode()
        return whole[: lengths[0]] if step.data["op"] == "text" else whole[lengths[0] :]

    def _note(self, step: Step) -> None:
        note = step.data["note"]
        if note.startswith("100 joins sent"):
            client = self._client(step.conn)
            for number in range(1, 101):
                client.connection.send_text(f'["{number}","{number}","plain:{number}","phx_join",{{}}]')
            replies = {str(self._next_message(client).topic) for _ in range(100)}
            if replies != {f"plain:{number}" for number in range(1, 101)}:
                raise MismatchError("not every join was answered")
            client.joined |= {f"plain:{number}": str(number) for number in range(1, 101)}
        elif note.startswith(("TCP closed by client", "TCP reset by client")):
            client = self._client(step.conn)
            if note.startswith("TCP reset"):
                client.connection.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.connection.close()
            client.closed = True
        elif note.startswith("SIGTERM"):
            assert self.stop_server is not None, "this recording ends its server"
            self.stop_server()
        elif not note.startswith("send failed"):
            raise ValueError(f"an unknown note: {note}")

    # --------------------------------------------------------------------------------------------- receiving

    def _flush_all(self) -> None:
        for client in self.clients.values():
            self._flush(client)

    def _flush(self, client: Client) -> None:
        """Reads until nothing is waited for that must come."""
        while any(not step.optional for step in client.waiting):
            self._match(client, self._next_message(client))

    def _next_message(self, client: Client) -> Message:
        if self.polling:
            return self.polling.next_message(client.vsn)
        frame = client.connection.receive_frame()
        message = self._message_in(client, frame)
        if message is None:
            raise MismatchError(f"got {describe(frame)}")
        return message

    @staticmethod
    def _message_in(client: Client, frame: Frame) -> Message | None:
        try:
            if frame.opcode == TEXT:
                payload = inflate(frame.payload) if frame.rsv else frame.payload
                return parse_text(payload.decode(), client.vsn)
            return parse_binary(frame.payload) if frame.opcode == BINARY else None
        except (MessageError, UnicodeDecodeError) as error:
            raise MismatchError(f"got no message: {error}") from error

    def _match(self, client: Client, message: Message) -> None:
        """Takes the step that `message` fulfils: the next of its topic, or any broadcast that is equal."""
        if message.event in {DIFF, STATE} and self._is_presence_taken(client, message):
            return
        problem = "nothing is waited for on this topic"
        for step in list(client.waiting):
            expected = step.message
            assert expected is not None
            if not same(expected.topic, message.topic) or expected.is_broadcast != message.is_broadcast:
                continue
            problem = self._problem(client, step, expected, message)
            if not problem:
                client.waiting.remove(step)
                self._note_membership(client, message)
                return
            if not (step.optional or expected.is_broadcast):
                break
        raise MismatchError(f"got {message}: {problem}")

    def _is_presence_taken(self, client: Client, message: Message) -> bool:
        """Whether it belongs to a burst: then only what all of it leads to is compared."""
        watch = client.watches.setdefault(message.topic, Watch())
        before = json.dumps(watch.server.presences)
        watch.server.take(message)
        if self.is_leaving:
            return True
        expected = [
            step
            for step in client.waiting
            if step.message and step.message.topic == message.topic and step.message.event in {DIFF, STATE}
        ]
        steps = [step for step in expected if step.merged]
        if not steps:
            # What a merged diff tells late is known already from the state.
            is_burst = any(step.merged for step in self.steps)
            return is_burst and not expected and before == json.dumps(watch.server.presences)
        if self.refs.same(watch.recorded.presences, watch.server.presences):
            client.waiting = [step for step in client.waiting if step not in steps]
        return True

    def _problem(self, client: Client, step: Step, expected: Message, message: Message) -> str:
        for name in ("join_ref", "ref", "event"):
            if not same(getattr(expected, name), getattr(message, name)):
                return f"{name} is not that of {expected}"
        if expected.event in STATE_PATCHES:
            return self._patch_problem(client, step, expected, message)
        if expected.event in STATE_CHANGES:
            client.states[message.topic] = message.payload.get("state")
        if step.error is not None:
            reply = message.event == "phx_reply"
            error = message.payload.get("response") if reply else message.payload
            if reply and message.payload.get("status") != "error":
                return "the status is not error"
            return "" if is_error(step.error, error) else f"not an error with {step.error}"
        is_presence = str(expected.topic).startswith("presence")
        compare = self.refs.same if is_presence else same
        return "" if compare(expected.payload, message.payload) else f"the payload is not that of {expected}"

    @staticmethod
    def _patch_problem(client: Client, step: Step, expected: Message, message: Message) -> str:
        """Patches are compared by where they lead."""
        if message.payload.keys() != expected.payload.keys():
            return f"the members are not those of {expected}"
        if not same(message.payload["version"], expected.payload["version"]):
            return f"the version is not {expected.payload['version']}"
        try:
            state = apply(message.operations, client.states.get(message.topic))
        except PatchError as error:
            return f"does not apply: {error}"
        client.states[message.topic] = state
        return "" if same(step.state, state) else f"leads to {json.dumps(state)[:300]}"

    @staticmethod
    def _note_membership(client: Client, message: Message) -> None:
        if message.event == "phx_reply":
            join = client.joins.pop((message.topic, repr(message.ref)), client)
            if join is not client and message.payload["status"] == "ok":
                client.joined[message.topic] = join
            return
        own = client.vsn == V1 or same(client.joined.get(message.topic), message.join_ref)
        if own and message.event in {"phx_close", "phx_error"}:
            client.joined.pop(message.topic, None)

    def _receive_other(self, step: Step) -> None:
        """HTTP, a control frame, the end of the connection."""
        client, data = self._client(step.conn), step.data
        if "http" in data:
            expected = parse_response(data["http"])
            actual = self.polling.response() if self.polling else client.connection.response()
            found = response_differences(expected, actual, any_body=data.get("any_body", False))
            if found:
                raise MismatchError("; ".join(found))
            client.closed = client.closed or actual.status != 101
        elif "eof" in data:
            if rest := client.connection.receive_eof():
                raise MismatchError(f"{rest[:100]!r} before the end")
            client.closed = True
        elif data["op"] == "close":
            self._receive_close(client, data)
        else:
            frame = client.connection.receive_frame()
            if data["op"] == "pong" and frame.opcode == PONG and frame.payload == bytes.fromhex(data["hex"]):
                return
            if data["op"] == "text" and frame.opcode == TEXT and bool(frame.rsv) == bool(data["rsv"]):
                # Compressed: the same bytes from another compressor are others.
                here = parse_text(inflate(bytes.fromhex(data["hex"])).decode(), client.vsn)
                there = parse_text(inflate(frame.payload).decode(), client.vsn)
                if here == there:
                    return
            raise MismatchError(f"got {describe(frame)}")

    def _receive_close(self, client: Client, data: dict[str, Any]) -> None:
        frame = client.connection.receive_frame()
        while client.waiting and frame.opcode in {TEXT, BINARY}:  # what may come and may not
            message = self._message_in(client, frame)
            assert message is not None
            self._match(client, message)
            frame = client.connection.receive_frame()
        client.waiting.clear()
        code = int.from_bytes(frame.payload[:2], "big") if len(frame.payload) >= 2 else None
        if frame.opcode != CLOSE or code != data.get("code"):
            raise MismatchError(f"got {describe(frame)}")
        if not client.closed:
            self._send_frame(client, CLOSE, frame.payload[:2])
        client.closed = True

    # ------------------------------------------------------------------------------------------------ the end

    def _finish(self) -> None:
        """Nothing more may have come: channels are left one by one, and only that is answered."""
        self._flush_all()
        self.is_leaving = True
        for client in self.clients.values():
            if not client.closed and not self.recording.is_http:
                for step in self._farewell(client):
                    client.waiting.append(step)
                    self._flush(client)

    def _farewell(self, client: Client) -> Iterator[Step]:
        """Says the goodbyes, last a heartbeat, and gives what each is answered with."""
        for number, (topic, join_ref) in enumerate([*client.joined.items(), ("phoenix", None)]):
            event = "heartbeat" if topic == "phoenix" else "phx_leave"
            join_ref = None if client.vsn == V1 else join_ref
            ref = f"end-{number}"
            v1 = {"topic": topic, "event": event, "payload": {}, "ref": ref}
            client.connection.send_text(
                json.dumps(v1 if client.vsn == V1 else [join_ref, ref, topic, event, {}])
            )
            payload = {"response": {}, "status": "ok"}
            yield Step(RECEIVE, 0, "", {}, Message(join_ref, ref, topic, "phx_reply", payload, client.vsn))
            if client.vsn == V1 and event == "phx_leave":
                # Its ref is the join_ref, which the client of version 1 does not know.
                if (closing := self._next_message(client)).event != "phx_close":
                    raise MismatchError(f"got {closing} after the reply to a leave")
            elif event == "phx_leave":
                yield Step(RECEIVE, 0, "", {}, Message(join_ref, join_ref, topic, "phx_close", {}))


def describe(frame: Frame) -> str:
    if frame.opcode == CLOSE:
        code = int.from_bytes(frame.payload[:2], "big") if len(frame.payload) >= 2 else "no code"
        return f"close {code} {frame.payload[2:]!r}"
    return f"opcode {frame.opcode} {frame.payload[:200]!r}"
