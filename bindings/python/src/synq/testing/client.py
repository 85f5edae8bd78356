"""A Phoenix client (serializer V2) for tests: it blocks, and keeps what arrives until a test asks for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import urlencode

from ..client.replica import Replica
from ..client.wire import VERSION, Message, decode, dialect, encode
from ..encoding import to_text
from ._presences import Presences
from ._websocket import TEXT, ClosedByServerError, HandshakeError, WebSocket

ANY: Any = type(
    "ANY", (), {"__repr__": lambda self: "ANY", "__eq__": lambda self, other: True, "__hash__": None}
)()
DEFAULT_TIMEOUT_SECONDS = 5.0
REFUTE_SECONDS = 0.1


class Reply(NamedTuple):
    """The answer to a push."""

    status: str
    response: Any


class Patch(NamedTuple):
    """A change of the state."""

    operations: list[dict[str, Any]]
    version: int


class Client:
    """A connection. Use it as a context manager, or `close` it."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        path: str = "/socket",
        params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        dialect: str = "synq",
        has_state: Callable[[str], bool | None] | None = None,
    ) -> None:
        """Connects. Raises HandshakeError when the server refuses.

        `path`: of the socket, as in synq.Server and Server.mount.
        `params`: those of the connection, which `connect` gets.
        `headers`: of the request, such as ``{"origin": "https://example.com"}`` or a cookie.
        `timeout_seconds`: how long each expectation waits.
        `dialect`: whose names the channels speak, as in synq.channel.
        `has_state`: says of a topic whether its clients get a state, for which `join` then waits; the fixture
        knows it of its server. Default: `join` waits for the answer alone.
        """
        self._where = (host, port)
        self._path = f"{path}/websocket?{urlencode({'vsn': VERSION, **(params or {})})}"
        self._headers = headers or {}
        self.timeout_seconds = timeout_seconds
        self._names = _dialect(dialect)
        self._has_state = has_state
        self._refs = 0
        self._channels: list[TestChannel] = []
        #: Every text frame that arrived, as it came.
        self.frames: list[str] = []
        self._socket = self._connect()

    def _connect(self) -> WebSocket:
        return WebSocket(*self._where, self._path, self._headers, self.timeout_seconds)

    def join(self, topic: str, params: Any = None, *, wait_for_state: bool = True) -> TestChannel:
        """Joins a topic and waits for the answer, which must be ok, and for the first state where one comes:
        not of a channel that tracks nothing, or whose `init` fails, or with a message builder. What arrived
        meanwhile can be expected as ever. `wait_for_state`: False where `init` takes its time."""
        channel = self.attempt(topic, params)
        reply = channel.join_reply
        if reply.status != "ok":
            raise AssertionError(f"the join of {topic} was refused: {reply.response}")
        if wait_for_state and self._has_state is not None and self._has_state(topic):
            channel._wait_for_state()
        return channel

    def attempt(self, topic: str, params: Any = None) -> TestChannel:
        """Joins a topic and waits for the answer, whatever it is: `TestChannel.join_reply`."""
        channel = TestChannel(self, topic, {} if params is None else params)
        self._channels.append(channel)
        channel._join()
        return channel

    def reconnect(self, *, cleanly: bool = True) -> None:
        """Ends the connection (without a word if not `cleanly`), connects again and joins every channel
        again."""
        if cleanly:
            self._socket.close()
        else:
            self._socket.cut()
        self._socket = self._connect()
        for channel in self._channels:
            channel._join()

    def close(self) -> None:
        self._socket.close()

    def expect_close(self) -> int:
        """Waits until the server closes the connection, and gives the close code."""
        deadline = time.monotonic() + self.timeout_seconds
        try:
            while self._receive(deadline):
                pass
        except ClosedByServerError as closed:
            return closed.code
        raise AssertionError(f"the server did not close the connection within {self.timeout_seconds} s")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _next_ref(self) -> str:
        self._refs += 1
        return str(self._refs)

    def _send(self, message: Message) -> None:
        self._socket.send(*encode(message))

    def _receive(self, deadline: float) -> bool:
        """Gives the next message to its channel. False at the deadline."""
        received = self._socket.receive(deadline)
        if received is None:
            return False
        opcode, payload = received
        if opcode == TEXT:
            self.frames.append(payload.decode())
        message = decode(opcode, payload)
        for channel in self._channels:
            if channel._takes(message):
                channel._receive(message)
        return True


class TestChannel:
    """A joined topic. What arrives is kept in order; each expect_… takes the first of its kind and leaves the
    rest."""

    __test__ = False  # not a class of tests

    def __init__(self, client: Client, topic: str, params: Any) -> None:
        self.topic = topic
        self.params = params
        self._client = client
        self._join_ref = ""
        self._inbox: list[Message] = []
        self._names = client._names
        self._replica = Replica()
        self._presences = Presences()

    @property
    def _version(self) -> int | None:
        return self._replica.version

    @property
    def _state(self) -> Any:
        return self._replica.state

    def _join(self) -> None:
        self._inbox.clear()
        self._replica = Replica()
        self._presences = Presences()
        self._join_ref = self._client._next_ref()
        self._client._send(Message(self._join_ref, self._join_ref, self.topic, "phx_join", self.params))
        #: The answer to the join.
        self.join_reply = self.expect_reply(self._join_ref)

    def _takes(self, message: Message) -> bool:
        return message.topic == self.topic and message.join_ref in (None, self._join_ref)

    def _receive(self, message: Message) -> None:
        if message.event == self._names.change:
            self._replica.replace(message.payload["state"], message.payload["version"])
        elif message.event == self._names.patch:
            before, version = self._version, message.payload["version"]
            if not self._replica.patch(message.payload[self._names.operations], version):
                raise AssertionError(
                    f"{self.topic}: a patch to version {version} came at version {before}, or it does not "
                    f"apply: {message.payload}"
                )
        elif message.event == "presence_state":
            self._presences.take_state(message.payload)
        elif message.event == "presence_diff":
            self._presences.take_diff(message.payload)
        self._inbox.append(message)

    def _take(
        self, what: str, wanted: Callable[[Message], bool], timeout_seconds: float | None = None
    ) -> Message:
        timeout_seconds = self._client.timeout_seconds if timeout_seconds is None else timeout_seconds
        deadline = time.monotonic() + timeout_seconds
        seen = 0
        while True:
            for index in range(seen, len(self._inbox)):
                if wanted(self._inbox[index]):
                    return self._inbox.pop(index)
            seen = len(self._inbox)
            ending = self._ending
            if ending is not None:
                raise AssertionError(f"{self.topic}: no {what}, {ending}; there is{self._kept}")
            if not self._client._receive(deadline):
                raise AssertionError(
                    f"{self.topic}: no {what} within {timeout_seconds} s; there is{self._kept}"
                )

    @property
    def _ending(self) -> str | None:
        """How the channel ended, of which nobody asked yet: nothing follows."""
        for message in self._inbox:
            if message.event == "phx_error":
                return "because the channel ended by a failure (phx_error), which the server has logged"
            if message.event == "phx_close":
                return "because the channel was closed (phx_close)"
        return None

    def _wait_for_state(self) -> None:
        """Waits for the first state, or for what says that there is none."""
        deadline = time.monotonic() + self._client.timeout_seconds
        while self._version is None and self._no_state is None:
            if not self._client._receive(deadline):
                raise AssertionError(
                    f"{self.topic}: no first state within {self._client.timeout_seconds} s; if init takes "
                    f"longer, join with wait_for_state=False; there is{self._kept}"
                )

    @property
    def _no_state(self) -> str | None:
        """Why no state comes, if that is known."""
        if self._client._has_state is not None and self._client._has_state(self.topic) is False:
            return "because its channel tracks nothing"
        for message in self._inbox:
            if message.event == self._names.error:
                return f"because init answered {message.payload}"
        return self._ending

    @property
    def _kept(self) -> str:
        return "".join(f"\n  {message.event} {message.payload}" for message in self._inbox) or " nothing"

    # -- sending

    def push(self, event: str, payload: Any = None) -> str:
        """Sends an event and gives its ref, for expect_reply. Bytes are a binary push."""
        ref = self._client._next_ref()
        payload = {} if payload is None else payload
        self._client._send(Message(self._join_ref, ref, self.topic, event, payload))
        return ref

    def call(self, event: str, payload: Any = None, *, status: str | None = "ok") -> Reply:
        """Sends an event and waits for its answer, which must have that status; None takes any."""
        return self.expect_reply(self.push(event, payload), status)

    def refresh(self) -> None:
        """Asks for the full state, which arrives as after a join."""
        self.push(self._names.refresh)

    def leave(self) -> Reply:
        """Leaves the topic and waits for the answer."""
        reply = self.call("phx_leave")
        self._client._channels.remove(self)
        return reply

    # -- expecting

    def expect_reply(self, ref: str, status: str | None = None, response: Any = ANY) -> Reply:
        """Waits for the answer to a push; checks its status and response where they are given."""
        message = self._take(f"reply to {ref}", lambda each: each.event == "phx_reply" and each.ref == ref)
        reply = Reply(message.payload["status"], message.payload["response"])
        if status is not None and reply.status != status:
            raise AssertionError(
                f"{self.topic}: the reply is {reply.status} {reply.response}, expected {status}"
            )
        _compare(f"{self.topic}: the response", reply.response, response)
        return reply

    def expect_push(self, event: str, payload: Any = ANY) -> Any:
        """Waits for an event that the server pushes, and gives its payload."""
        message = self._take(f"push {event}", lambda each: each.event == event)
        _compare(f"{self.topic}: the payload of {event}", message.payload, payload)
        return message.payload

    def expect_patch(self, operations: Any = ANY) -> Patch:
        """Waits for the next patch."""
        payload = self._take("patch", lambda each: each.event == self._names.patch).payload
        found = payload[self._names.operations]
        _compare(f"{self.topic}: the operations", found, operations)
        return Patch(found, payload["version"])

    def expect_state(self, state: Any = ANY) -> Any:
        """Waits until the state, with all patches applied, is `state`; without an argument, for the first
        state. The patches that led there are not expected any more."""
        deadline = time.monotonic() + self._client.timeout_seconds
        while self._version is None or state != self._state:
            ending = self._no_state if self._version is None else self._ending
            if ending is not None or not self._client._receive(deadline):
                found = (
                    "there is no state" if self._version is None else f"the state is {to_text(self._state)}"
                )
                expected = "" if state is ANY else f", expected {state!r}"
                raise AssertionError(f"{self.topic}: {found}{expected}{f', {ending}' if ending else ''}")
        self._inbox = [one for one in self._inbox if one.event not in self._names[:2]]
        return self._state

    def expect_presence(self, presences: dict[str, list[Any]]) -> None:
        """Waits until the client has exactly these keys and metas, ``{"ann": [{"status": "online"}]}``:
        without refs, and the metas of a key in any order. The messages that led there are not expected any
        more."""
        deadline = time.monotonic() + self._client.timeout_seconds
        while not self._presences.has(presences):
            ending = self._ending
            if ending is not None or not self._client._receive(deadline):
                found = to_text(self._presences.without_refs())
                reason = f", {ending}" if ending else ""
                raise AssertionError(
                    f"{self.topic}: the presences are {found}, expected {presences!r}{reason}"
                )
        self._inbox = [one for one in self._inbox if one.event not in ("presence_state", "presence_diff")]

    @property
    def presences(self) -> dict[str, Any]:
        """Who is here as the client has it, ``{"ann": {"metas": [{"phx_ref": ...}]}}``."""
        return self._presences.keys

    def expect_close(self) -> str:
        """Waits until the server ends the channel, and gives the event: phx_close or phx_error."""
        return self._take(
            "phx_close or phx_error", lambda each: each.event in ("phx_close", "phx_error")
        ).event

    def refute_push(self, event: str, timeout_seconds: float = REFUTE_SECONDS) -> None:
        """Checks that an event is not pushed within a time."""
        self._refute(f"push {event}", lambda each: each.event == event, timeout_seconds)

    def refute_patch(self, timeout_seconds: float = REFUTE_SECONDS) -> None:
        """Checks that the state does not change within a time."""
        self._refute("patch", lambda each: each.event == self._names.patch, timeout_seconds)

    def _refute(self, what: str, wanted: Callable[[Message], bool], timeout_seconds: float) -> None:
        try:
            message = self._take(what, wanted, timeout_seconds)
        except AssertionError:
            return
        raise AssertionError(f"{self.topic}: there was a {what}: {message.payload}")

    @property
    def state(self) -> Any:
        """The state as far as it has arrived; waits for the first one."""
        return self.expect_state() if self._version is None else self._state

    @property
    def version(self) -> int:
        """The version of `state`."""
        if self._version is None:
            self.expect_state()
        assert self._version is not None
        return self._version


def _compare(what: str, found: Any, expected: Any) -> None:
    if not expected == found:
        raise AssertionError(f"{what} is {found!r}, expected {expected!r}")


_dialect = dialect

__all__ = ["ANY", "Client", "ClosedByServerError", "HandshakeError", "Patch", "Reply", "TestChannel"]
