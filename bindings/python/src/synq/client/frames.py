"""WebSocket (RFC 6455) without a socket: the opening handshake and the frames of a client. No extensions, and
each message in one frame."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping
from typing import NamedTuple

from .failures import HandshakeError

_ACCEPT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # section 1.3
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
#: What a client takes of one message, and of the answer to its handshake.
MAX_MESSAGE_BYTES = 64 << 20
_MAX_HEAD_BYTES = 64 << 10


class ProtocolError(ConnectionError):
    """What the server sent is not WebSocket; `code` is what it is closed with (section 7.4.1)."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def check_headers(headers: Mapping[str, str]) -> None:
    """Raises ValueError for a header that would be more than one line."""
    for name, value in headers.items():
        if any(character in name + value for character in "\r\n\0"):
            raise ValueError(f"the header {name!r} has a line break in it")


class Handshake:
    """The request of an upgrade, and the check of its answer."""

    def __init__(self, host: str, target: str, headers: Mapping[str, str]) -> None:
        self._key = base64.b64encode(os.urandom(16))
        self._received = bytearray()
        self._looked_at = 0
        own = {
            "Host": host,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": self._key.decode(),
            "Sec-WebSocket-Version": "13",
        }
        given = {name.lower() for name in headers}
        fields = {name: value for name, value in own.items() if name.lower() not in given} | dict(headers)
        check_headers(fields)
        lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
        self.request = "\r\n".join(lines).encode()

    def feed(self, data: bytes) -> bytes | None:
        """What follows the answer, once it is whole. Raises HandshakeError if it refuses."""
        self._received += data
        end = self._received.find(b"\r\n\r\n", self._looked_at)
        if end < 0:
            self._looked_at = max(0, len(self._received) - 3)
            if len(self._received) > _MAX_HEAD_BYTES:
                raise HandshakeError(0, "a head without an end")
            return None
        head, rest = bytes(self._received[:end]), bytes(self._received[end + 4 :])
        status_line, *lines = head.split(b"\r\n")
        words = status_line.split(b" ", 2)
        if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
            raise HandshakeError(0, "and that is not HTTP")
        status = int(words[1])
        fields = {
            name.strip().lower(): value.strip() for name, _, value in (x.partition(b":") for x in lines)
        }
        if status != 101:
            length = fields.get(b"content-length", b"0")
            wanted = min(int(length), _MAX_HEAD_BYTES) if length.isdigit() else 0
            if len(rest) < wanted and not self._is_over:
                return None
            raise HandshakeError(status, rest[:wanted].decode("utf-8", "replace"))
        accept = base64.b64encode(hashlib.sha1(self._key + _ACCEPT).digest())
        if fields.get(b"sec-websocket-accept") != accept:
            raise HandshakeError(status, "with a wrong Sec-WebSocket-Accept")
        return rest

    _is_over = False

    def end(self) -> None:
        """The server has closed the connection. Raises HandshakeError with what there was of an answer."""
        self._is_over = True
        self.feed(b"")
        raise HandshakeError(0, "with the end of the connection")


class Message(NamedTuple):
    """A message, or a control frame."""

    opcode: int
    payload: bytes


class Frames:
    """Puts the messages of a server together from what arrives."""

    def __init__(self, max_message_bytes: int = MAX_MESSAGE_BYTES) -> None:
        self._max = max_message_bytes
        self._buffer = bytearray()
        self._at = 0
        self._opcode = 0
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> None:
        if self._at:
            del self._buffer[: self._at]
            self._at = 0
        self._buffer += data

    def next(self) -> Message | None:
        """The next message, if it has arrived. Raises ProtocolError."""
        while (frame := self._frame()) is not None:
            final, opcode, payload = frame
            if opcode >= CLOSE:
                return Message(opcode, payload)
            if (opcode == CONTINUATION) != bool(self._opcode):
                raise ProtocolError(1002, "a frame that does not continue the message before it")
            self._opcode = opcode or self._opcode
            self._parts.append(payload)
            self._size += len(payload)
            if final:
                message = Message(self._opcode, b"".join(self._parts))
                self._opcode, self._parts, self._size = 0, [], 0
                return message
        return None

    def _frame(self) -> tuple[bool, int, bytes] | None:
        buffer, at = self._buffer, self._at
        if len(buffer) < at + 2:
            return None
        first, length = buffer[at], buffer[at + 1]
        start = at + 2
        if length & 0x80:
            raise ProtocolError(1002, "a masked frame of a server")
        if length >= 126:
            start += 2 if length == 126 else 8
            if len(buffer) < start:
                return None
            length = int.from_bytes(buffer[at + 2 : start], "big")
        if first & 0x70 or first & 0x0F not in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):
            raise ProtocolError(1002, "a frame with bits or an opcode that were not agreed on")
        if first & 0x0F >= CLOSE and (length > 125 or not first & 0x80):
            raise ProtocolError(1002, "a control frame that is too long, or in parts")
        if self._size + length > self._max:
            raise ProtocolError(1009, f"a message of more than {self._max} bytes")
        if len(buffer) < start + length:
            return None
        self._at = start + length
        return bool(first & 0x80), first & 0x0F, bytes(buffer[start : self._at])


def encode(opcode: int, payload: bytes) -> bytes:
    """A frame of a client: masked, as section 5.3 wants it."""
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
    return header + mask + masked


def close_reason(payload: bytes) -> tuple[int, str]:
    """The code and the reason of a close frame; 1005 if it has none (section 7.1.5)."""
    if len(payload) < 2:
        return 1005, ""
    return int.from_bytes(payload[:2], "big"), payload[2:].decode("utf-8", "replace")
