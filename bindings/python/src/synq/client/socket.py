"""A WebSocket on asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from . import frames
from .failures import ClosedByServerError
from .frames import CLOSE, PING, PONG, Frames, Handshake, ProtocolError
from .waiting import within

_READ_BYTES = 1 << 16
_CLOSE_SECONDS = 1.0


class Address(NamedTuple):
    """Where a WebSocket is."""

    host: str
    port: int
    secure: bool
    #: What the Host header says.
    authority: str
    path: str
    query: list[tuple[str, str]]

    def target(self, params: Mapping[str, str]) -> str:
        """The path and query of the request."""
        return f"{self.path}?{urlencode([*self.query, *params.items()])}"


def address(url: str) -> Address:
    """Reads a URL as phoenix.js does: the path of the socket, to which /websocket is added."""
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss", "http", "https") or not parts.hostname:
        raise ValueError(f"the URL of a socket is ws://host/path or wss://host/path, not {url!r}")
    secure = parts.scheme in ("wss", "https")
    default = 443 if secure else 80
    port = parts.port or default
    shown = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    path = parts.path.rstrip("/")
    if not path.endswith("/websocket"):
        path += "/websocket"
    return Address(
        parts.hostname,
        port,
        secure,
        shown if port == default else f"{shown}:{port}",
        path,
        parse_qsl(parts.query, keep_blank_values=True),
    )


class WebSocket:
    """An open connection."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, max_message_bytes: int
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._frames = Frames(max_message_bytes)
        self._is_closing = False

    @classmethod
    async def connect(
        cls,
        where: Address,
        params: Mapping[str, str],
        headers: Mapping[str, str],
        tls: ssl.SSLContext | None,
        max_message_bytes: int,
    ) -> WebSocket:
        """Connects. Raises OSError, or HandshakeError when the server refuses."""
        handshake = Handshake(where.authority, where.target(params), headers)
        context = (tls or ssl.create_default_context()) if where.secure else None
        reader, writer = await asyncio.open_connection(where.host, where.port, ssl=context)
        try:
            raw = writer.get_extra_info("socket")
            if raw is not None:
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            writer.write(handshake.request)
            rest = None
            while rest is None:
                data = await reader.read(_READ_BYTES)
                if not data:
                    handshake.end()
                rest = handshake.feed(data)
        except BaseException:
            writer.transport.abort()
            raise
        made = cls(reader, writer, max_message_bytes)
        made._frames.feed(rest)
        return made

    def send(self, opcode: int, payload: bytes) -> None:
        """Sends a message; what the server does not read yet waits in memory, see `drain`."""
        if not self._is_closing:
            self._writer.write(frames.encode(opcode, payload))

    async def drain(self) -> None:
        """Waits until not much is waiting."""
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()

    async def receive(self) -> frames.Message:
        """The next message. Raises ClosedByServerError at the end. Pings are answered."""
        while True:
            try:
                message = self._frames.next()
            except ProtocolError as failure:
                self.send(CLOSE, failure.code.to_bytes(2, "big"))
                self.abort()
                raise ClosedByServerError(1006, str(failure)) from None
            if message is None:
                try:
                    data = await self._reader.read(_READ_BYTES)
                except OSError as failure:
                    raise ClosedByServerError(1006, str(failure)) from None
                if not data:
                    raise ClosedByServerError(1006, "")
                self._frames.feed(data)
            elif message.opcode == PING:
                self.send(PONG, message.payload)
            elif message.opcode == CLOSE:
                code, reason = frames.close_reason(message.payload)
                self.send(CLOSE, message.payload[:2])
                self._is_closing = True
                raise ClosedByServerError(code, reason)
            elif message.opcode != PONG:
                return message

    async def close(self) -> None:
        """Says goodbye, and waits for the answer, but not for long."""
        self.send(CLOSE, (1000).to_bytes(2, "big"))
        self._is_closing = True
        with contextlib.suppress(ClosedByServerError, asyncio.TimeoutError):
            await within(_CLOSE_SECONDS, self._until_closed())
        self.abort()

    async def _until_closed(self) -> None:
        while True:
            await self.receive()

    def abort(self) -> None:
        """Ends the connection at once; what was written is still sent where that is possible."""
        self._is_closing = True
        self._writer.close()
