"""A WebSocket client of chaos.py: blocking, without checks, as an attacker's is."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

UPGRADE = (
    "GET /socket/websocket?vsn=2.0.0 HTTP/1.1\r\nHost: localhost\r\n"
    "Connection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def frame(payload: str | bytes, opcode: int = 1) -> bytes:
    data = payload.encode() if isinstance(payload, str) else payload
    size = len(data)
    if size < 126:
        head = struct.pack("!BB", 0x80 | opcode, 0x80 | size)
    elif size < 65536:
        head = struct.pack("!BBH", 0x80 | opcode, 0xFE, size)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 0xFF, size)
    return head + b"\0\0\0\0" + data


def push(topic: str, event: str, payload: str = "{}", ref: str = "null") -> bytes:
    return frame(f'["1",{ref},"{topic}","{event}",{payload}]')


class Client:
    """One connection."""

    def __init__(self, port: int, timeout: float = 30, receive_buffer: int = 0) -> None:
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(UPGRADE.encode())
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            self._fill()
        self.buffer = self.buffer.split(b"\r\n\r\n", 1)[1]
        self.ref = 0

    def _fill(self) -> None:
        data = self.socket.recv(1 << 18)
        if not data:
            raise EOFError("closed")
        self.buffer += data

    def _need(self, size: int) -> None:
        while len(self.buffer) < size:
            self._fill()

    def receive(self) -> tuple[int, bytes]:
        self._need(2)
        size, start = self.buffer[1] & 127, 2
        if size == 126:
            self._need(4)
            size, start = struct.unpack("!H", self.buffer[2:4])[0], 4
        elif size == 127:
            self._need(10)
            size, start = struct.unpack("!Q", self.buffer[2:10])[0], 10
        self._need(start + size)
        opcode, payload = self.buffer[0] & 15, self.buffer[start : start + size]
        self.buffer = self.buffer[start + size :]
        return opcode, payload

    def call(self, topic: str, event: str, payload: str = "{}") -> Any:
        self.ref += 1
        ref = str(self.ref)
        self.send(push(topic, event, payload, f'"{ref}"'))
        while True:
            opcode, data = self.receive()
            if opcode == 8:
                raise EOFError(repr(data))
            message = json.loads(data)
            if message[3] == "phx_reply" and message[1] == ref:
                return message[4]["response"]

    def join(self, topic: str, payload: str = "{}") -> Any:
        return self.call(topic, "phx_join", payload)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def drain(self, seconds: float) -> None:
        """Reads what comes for some time, and drops it."""
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(1 << 20):
                pass
        except OSError:
            pass

    def close(self) -> None:
        self.socket.close()
