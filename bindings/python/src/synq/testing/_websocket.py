"""A WebSocket client that blocks, for tests: the parts of `synq.client` on a socket of the system."""

from __future__ import annotations

import select
import socket
import time

from ..client import frames
from ..client.failures import ClosedByServerError, HandshakeError
from ..client.frames import BINARY, CLOSE, PING, PONG, TEXT, Frames, Handshake

__all__ = ["BINARY", "TEXT", "ClosedByServerError", "HandshakeError", "WebSocket"]
_READ_BYTES = 1 << 16


class WebSocket:
    def __init__(
        self, host: str, port: int, path: str, headers: dict[str, str], timeout_seconds: float
    ) -> None:
        handshake = Handshake(f"{host}:{port}", path, headers)
        self._frames = Frames()
        self._socket = socket.create_connection((host, port), timeout_seconds)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self._socket.sendall(handshake.request)
            rest = None
            while rest is None:
                data = self._socket.recv(_READ_BYTES)
                if not data:
                    handshake.end()
                rest = handshake.feed(data)
        except BaseException:
            self._socket.close()
            raise
        self._frames.feed(rest)

    def send(self, opcode: int, payload: bytes) -> None:
        self._socket.sendall(frames.encode(opcode, payload))

    def receive(self, deadline: float) -> tuple[int, bytes] | None:
        """The next message, or None at the deadline (of time.monotonic). Pings are answered."""
        while True:
            message = self._frames.next()
            if message is None:
                wait = deadline - time.monotonic()
                if wait <= 0 or not select.select([self._socket], [], [], wait)[0]:
                    return None
                data = self._socket.recv(_READ_BYTES)
                if not data:
                    raise ClosedByServerError(1006, "")
                self._frames.feed(data)
            elif message.opcode == PING:
                self.send(PONG, message.payload)
            elif message.opcode == CLOSE:
                raise ClosedByServerError(*frames.close_reason(message.payload))
            elif message.opcode != PONG:
                return message

    def close(self, code: int = 1000) -> None:
        """Says goodbye, without waiting for the answer."""
        try:
            self.send(CLOSE, code.to_bytes(2, "big"))
        except OSError:
            pass  # it is gone already
        finally:
            self._socket.close()

    def cut(self) -> None:
        """Ends the connection without a word, as a network does."""
        self._socket.close()
