"""A connection to a Phoenix server, and the topics that were joined on it."""

from __future__ import annotations

import asyncio
import base64
import inspect
import logging
import secrets
import ssl
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from .backoff import Backoff
from .channel import Call, ClientChannel
from .failures import ClosedByServerError, DisconnectedError, HandshakeError
from .frames import MAX_MESSAGE_BYTES, check_headers
from .socket import WebSocket, address
from .waiting import within
from .wire import HEARTBEAT, HEARTBEAT_TOPIC, REPLY, VERSION, Message, decode, dialect, encode

_log = logging.getLogger("synq.client")
Params = Mapping[str, str] | Callable[[], Any] | None
_AUTH_PREFIX = "base64url.bearer.phx."


class Client:
    """A client of a server of channels, on asyncio::

        async with synq.Client("ws://localhost:4000/socket") as client:
            room = await client.join("room:1", {"user": "Ada"})
            print(await room.wait_for_state())
            await room.push("say", {"text": "hi"})
            async for state in room.states():
                ...

    When the connection is lost it connects and joins again, with pauses that grow; on a server that keeps
    channels (`resume_ms`) they go on where they were, and an event whose answer was lost counts once.

    `url`: of the socket, as for phoenix.js: ``ws://host/socket``, ``wss://…``; /websocket is added.
    `params`: of the connection, or a function that gives them, also ``async``, asked at each attempt.
    `headers`: of the request: a cookie, an origin.
    `token`: the auth token (``authToken`` in phoenix.js).
    `dialect`: whose names are spoken: "synq", "live_state", "live_view_model" or "seance".
    `timeout_seconds`: of a push, a join, a connection.
    `heartbeat_seconds`: a server that does not answer one within that time is gone.
    `reconnect`: False: the end of the connection closes the client.
    `resume`: False: nothing of Synq's own is added to the params of joins.
    `tls`: an ssl.SSLContext for wss; default: that of Python, which checks certificates.
    `max_message_bytes`: of what the server sends.
    `max_waiting`: pushes of a channel that wait for the connection.
    `max_events`: events that wait for who takes them from `ClientChannel.events`.
    """

    def __init__(
        self,
        url: str,
        *,
        params: Params = None,
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
        dialect: str = "synq",
        timeout_seconds: float = 10.0,
        heartbeat_seconds: float = 30.0,
        reconnect: bool = True,
        resume: bool = True,
        tls: ssl.SSLContext | None = None,
        max_message_bytes: int = MAX_MESSAGE_BYTES,
        max_waiting: int = 1000,
        max_events: int = 10_000,
    ) -> None:
        self._address = address(url)
        self._names = _dialect(dialect)
        self._params = params
        self._headers = dict(headers or {})
        if token is not None:
            coded = base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")
            self._headers.setdefault("Sec-WebSocket-Protocol", f"phoenix, {_AUTH_PREFIX}{coded}")
        check_headers(self._headers)
        self.timeout_seconds = timeout_seconds
        self.max_waiting = max_waiting
        self.max_events = max_events
        self._heartbeat_seconds = heartbeat_seconds
        self._reconnects = reconnect
        self._resumes = resume
        self._tls = tls
        self._max_message_bytes = max_message_bytes
        #: Who joins, for servers that keep channels: nobody can guess it.
        self._identity = secrets.token_hex(16)
        self._last_ref = 0
        self._socket: WebSocket | None = None
        self._channels: dict[str, ClientChannel] = {}
        self._calls: dict[str, Call] = {}
        self._running: asyncio.Task[None] | None = None
        self._closing = False
        self._stopped: asyncio.Event | None = None
        self._end: Exception | None = None

    # -- the connection

    async def connect(self) -> Client:
        """Connects, once; ``async with`` does it. Raises OSError, HandshakeError when the server refuses, and
        asyncio.TimeoutError."""
        if self._running is not None:
            raise DisconnectedError("closed", "the client was connected before: make a new one")
        socket = await self._open()
        self._stopped = asyncio.Event()
        self._running = asyncio.create_task(self._run(socket), name="synq client")
        self._opened(socket)
        return self

    async def close(self) -> None:
        """Ends the connection and closes every channel; a second time nothing happens."""
        self._closing = True
        running, socket = self._running, self._socket
        if running is not None:
            running.cancel()
            await asyncio.wait([running])
        self._lost(for_now=False)
        if socket is not None:
            await socket.close()
        if self._stopped is not None:
            self._stopped.set()

    async def wait_closed(self) -> None:
        """Waits until the client is closed. Raises what ended it, if that was not `close`."""
        if self._stopped is not None:
            await self._stopped.wait()
        if self._end is not None:
            raise self._end

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection now."""
        return self._socket is not None

    async def __aenter__(self) -> Client:
        return await self.connect()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        await self.close()

    async def ping(self) -> float:
        """Sends a heartbeat, and gives the seconds until its answer."""
        if not self.is_connected:
            raise DisconnectedError("disconnected", "there is no connection")
        began = time.perf_counter()
        call = Call(HEARTBEAT, {})
        self._send(call, None, HEARTBEAT_TOPIC)
        try:
            await within(self.timeout_seconds, call.answer)
        finally:
            self._forget(call)
        return time.perf_counter() - began

    # -- topics

    async def join(
        self, topic: str, params: Any = None, *, timeout_seconds: float | None = None
    ) -> ClientChannel:
        """Joins a topic and waits for the answer. Raises JoinError when the server refuses. `params`: a value
        with a JSON form, or a function that gives it, asked at each join. What the server sends next is heard
        by all who listen before the caller waits again."""
        channel = self.channel(topic, params)
        channel._held = []
        try:
            await channel.joined(timeout_seconds=timeout_seconds)
        except BaseException:
            channel._close("left", "the join was given up")
            raise
        asyncio.get_running_loop().call_soon(channel._release)
        return channel

    def channel(self, topic: str, params: Any = None) -> ClientChannel:
        """The same without waiting: for what must listen before the answer comes. A channel of that topic
        that there is already ends."""
        if self._closing or self._running is None:
            raise DisconnectedError("closed", "the client is not connected")
        old = self._channels.get(topic)
        if old is not None:
            old._close("closed", "the topic was joined again")
        channel = ClientChannel(self, topic, params)
        self._channels[topic] = channel
        channel._connected()
        return channel

    def __repr__(self) -> str:
        state = "connected" if self.is_connected else "closed" if self._closing else "waiting"
        return f"<synq.Client {self._address.authority} {state}>"

    # -- inside

    def _time(self, timeout_seconds: float | None) -> float:
        return self.timeout_seconds if timeout_seconds is None else timeout_seconds

    async def _open(self) -> WebSocket:
        params = self._params() if callable(self._params) else self._params
        if inspect.isawaitable(params):
            params = await params
        connecting = WebSocket.connect(
            self._address,
            {**dict(params or {}), "vsn": VERSION},
            self._headers,
            self._tls,
            self._max_message_bytes,
        )
        return await within(self.timeout_seconds, connecting)

    async def _run(self, socket: WebSocket) -> None:
        """Reads from the connection, and from the ones after it."""
        backoff = Backoff()
        current: WebSocket | None = socket
        while True:
            if current is not None:
                try:
                    await self._serve(current, backoff)
                except ClosedByServerError as closed:
                    _log.debug("%s", closed)
                    self._end = closed
                current.abort()
                self._lost(for_now=self._reconnects)
            if not self._reconnects:
                break
            await asyncio.sleep(backoff.next())
            try:
                current = await self._open()
            except (OSError, asyncio.TimeoutError) as failure:
                refused = isinstance(failure, HandshakeError)
                _log.log(logging.WARNING if refused else logging.INFO, "no connection: %r", failure)
                current = None
            else:
                self._end = None
                self._opened(current)
        self._closing = True
        assert self._stopped is not None
        self._stopped.set()

    def _opened(self, socket: WebSocket) -> None:
        self._socket = socket
        for channel in list(self._channels.values()):
            channel._connected()

    def _lost(self, *, for_now: bool) -> None:
        self._socket = None
        calls, self._calls = self._calls, {}
        for channel in list(self._channels.values()):
            channel._disconnected(for_now=for_now)
        for call in calls.values():
            if call.event in ("phx_join", "phx_leave", HEARTBEAT):
                call.fail("disconnected", "the connection was lost")

    async def _serve(self, socket: WebSocket, backoff: Backoff) -> None:
        beating = asyncio.create_task(self._beat(socket), name="synq client heartbeat")
        try:
            while True:
                opcode, data = await socket.receive()
                backoff.succeeded()
                try:
                    self._receive(decode(opcode, data))
                except (ValueError, KeyError, TypeError, AttributeError) as failure:
                    raise ClosedByServerError(1006, f"a message that cannot be read: {failure!r}") from None
        finally:
            beating.cancel()

    async def _beat(self, socket: WebSocket) -> None:
        while True:
            await asyncio.sleep(self._heartbeat_seconds)
            call = Call(HEARTBEAT, {})
            self._send(call, None, HEARTBEAT_TOPIC)
            try:
                await within(self._heartbeat_seconds, call.answer)
            except DisconnectedError:
                return
            except asyncio.TimeoutError:
                _log.info("the server did not answer a heartbeat")
                socket._writer.transport.abort()
                return

    def _receive(self, message: Message) -> None:
        if message.event == REPLY and message.ref is not None:
            call = self._calls.pop(message.ref, None)
            if call is not None:
                call.settle(message.payload["status"], message.payload["response"])
            return
        channel = self._channels.get(message.topic)
        if channel is not None:
            channel._receive(message)

    def _send(self, call: Call, join_ref: str | None, topic: str) -> None:
        if call.ref is None:
            self._last_ref += 1
            call.ref = str(self._last_ref)
        self._calls[call.ref] = call
        if self._socket is not None:
            joins = join_ref if call.event != "phx_join" else call.ref
            self._socket.send(*encode(Message(joins, call.ref, topic, call.event, call.payload)))

    async def _drain(self) -> None:
        if self._socket is not None:
            await self._socket.drain()

    def _forget(self, call: Call) -> None:
        if call.ref is not None and self._calls.get(call.ref) is call:
            del self._calls[call.ref]

    def _closed(self, channel: ClientChannel) -> None:
        if self._channels.get(channel.topic) is channel:
            del self._channels[channel.topic]


_dialect = dialect
