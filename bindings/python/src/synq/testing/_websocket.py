"""A WebSocket client (RFC 6455) that blocks, for tests: no extensions, and each message in one frame."""

from __future__ import annotations

import base64
import hashlib
import os
import select
import socket
import time

_ACCEPT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class HandshakeError(ConnectionError):
    """The server refused the upgrade; `status` is the HTTP status and `body` what it said."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"the server answered the upgrade with {status} {body}".rstrip())
        self.status = status
        self.body = body


class ClosedByServerError(ConnectionError):
    """The server closed the connection with a close code; 1006 if it said none."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"the server closed the connection: {code} {reason}".rstrip())
        self.code = code
        self.reason = reason


class WebSocket:
    def __init__(
        self, host: str, port: int, path: str, headers: dict[str, str], timeout_seconds: float
    ) -> None:
        self._socket = socket.create_connection((host, port), timeout_seconds)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray()
        try:
            self._upgrade(f"{host}:{port}", path, headers)
        except BaseException:
            self._socket.close()
            raise

    def _upgrade(self, host: str, path: str, headers: dict[str, str]) -> None:
        key = base64.b64encode(os.urandom(16))
        fields = {
            "Host": host,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": key.decode(),
            "Sec-WebSocket-Version": "13",
            **headers,
        }
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
        self._socket.sendall("\r\n".join(lines).encode())
        while b"\r\n\r\n" not in self._buffer:
            self._read()
        head, _, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        status = int(head.split(b" ", 2)[1])
        if status != 101:
            self._buffer = bytearray(rest)
            raise HandshakeError(status, self._body(head))
        accept = base64.b64encode(hashlib.sha1(key + _ACCEPT).digest())
        if b"sec-websocket-accept: " + accept.lower() not in head.lower():
            raise HandshakeError(status, "with a wrong Sec-WebSocket-Accept")
        self._buffer = bytearray(rest)

    def _body(self, head: bytes) -> str:
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
                while len(self._buffer) < length:
                    self._read()
                return bytes(self._buffer[:length]).decode("utf-8", "replace")
        return ""

    def _read(self) -> None:
        data = self._socket.recv(65536)
        if not data:
            raise ClosedByServerError(1006, "")
        self._buffer += data

    def send(self, opcode: int, payload: bytes) -> None:
        length = len(payload)
        if length < 126:
            header = bytes([0x80 | opcode, 0x80 | length])
        elif length < 65536:
            header = bytes([0x80 | opcode, 0x80 | 126]) + length.to_bytes(2, "big")
        else:
            header = bytes([0x80 | opcode, 0x80 | 127]) + length.to_bytes(8, "big")
        mask = os.urandom(4)
        repeated = int.from_bytes((mask * (length // 4 + 1))[:length], "big")
        masked = (int.from_bytes(payload, "big") ^ repeated).to_bytes(length, "big")
        self._socket.sendall(header + mask + masked)

    def receive(self, deadline: float) -> tuple[int, bytes] | None:
        """The next message, or None at the deadline (of time.monotonic). Pings are answered."""
        parts = b""
        first = 0
        while True:
            frame = self._frame(deadline)
            if frame is None:
                return None
            final, opcode, payload = frame
            if opcode == PING:
                self.send(PONG, payload)
            elif opcode == CLOSE:
                code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else 1005
                raise ClosedByServerError(code, payload[2:].decode("utf-8", "replace"))
            elif opcode != PONG:
                first = first or opcode
                parts += payload
                if final:
                    return first, parts

    def _frame(self, deadline: float) -> tuple[bool, int, bytes] | None:
        while True:
            buffer = self._buffer
            if len(buffer) >= 2:
                length, start = buffer[1] & 0x7F, 2
                if length >= 126:
                    start = 4 if length == 126 else 10
                    length = int.from_bytes(buffer[2:start], "big")
                if len(buffer) >= max(start + length, start):
                    payload = bytes(buffer[start : start + length])
                    first = buffer[0]
                    del buffer[: start + length]
                    return bool(first & 0x80), first & 0x0F, payload
            wait = deadline - time.monotonic()
            if wait <= 0 or not select.select([self._socket], [], [], wait)[0]:
                return None
            self._read()

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
