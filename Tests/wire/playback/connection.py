"""A connection that sends exactly the bytes that it is told to: HTTP and WebSocket by hand."""

import socket
import struct
import zlib
from dataclasses import dataclass, field
from typing import Final

TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10
OPCODES: Final = {"cont": 0, "text": TEXT, "binary": BINARY, "close": CLOSE, "ping": PING, "pong": PONG}
MASK: Final = b"\x12\x34\x56\x78"


class ClosedError(Exception):
    """The server ended the TCP connection."""


class SilenceError(Exception):
    """Nothing came within the time limit."""


@dataclass
class Frame:
    opcode: int
    payload: bytes
    rsv: int = 0
    fin: bool = True


@dataclass
class Response:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Connection:
    """One TCP connection, of either side. A read gives up after `timeout` seconds."""

    tcp: socket.socket
    host: str = ""
    port: int = 0
    timeout: float = 10
    buffer: bytearray = field(default_factory=bytearray)

    @classmethod
    def to(cls, host: str, port: int, timeout: float = 10) -> "Connection":
        tcp = socket.create_connection((host, port), timeout)
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(tcp, host, port, timeout)

    def close(self) -> None:
        self.tcp.close()

    def send(self, data: bytes) -> None:
        self.tcp.sendall(data)

    # ------------------------------------------------------------------------------------------------ HTTP

    def request(self, data: bytes) -> Response:
        """Sends a request and reads its response."""
        self.send(data)
        return self.response()

    def head(self) -> list[str]:
        """The lines before the body of what the peer sends."""
        while (end := self.buffer.find(b"\r\n\r\n")) < 0:
            self._read_more()
        lines = bytes(self.buffer[:end]).decode("latin-1").split("\r\n")
        del self.buffer[: end + 4]
        return lines

    def response(self) -> Response:
        head = self.head()
        status = int(head[0].split(" ")[1])
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])
        }
        body = b"" if status == 101 else self._read(int(headers.get("content-length", "0")))
        return Response(status, headers, body)

    def upgrade(self, path: str) -> Response:
        return self.request(
            f"GET {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    # ------------------------------------------------------------------------------------------- WebSocket

    def send_frame(
        self, opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0, masked: bool = True
    ) -> None:
        """Sends one frame; `rsv` holds the reserved bits where they stand in the first byte."""
        length = len(payload)
        bit = 0x80 if masked else 0
        head = bytes([(0x80 if fin else 0) | rsv | opcode])
        if length < 126:
            head += bytes([bit | length])
        elif length < 65536:
            head += bytes([bit | 126]) + struct.pack("!H", length)
        else:
            head += bytes([bit | 127]) + struct.pack("!Q", length)
        self.send(head + (MASK + masked_with(MASK, payload) if masked else payload))

    def send_text(self, text: str) -> None:
        self.send_frame(TEXT, text.encode())

    def receive_frame(self) -> Frame:
        first, second = self._read(2)
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", self._read(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._read(8))
        mask = self._read(4) if second & 0x80 else b""
        payload = masked_with(mask, self._read(length)) if mask else self._read(length)
        return Frame(first & 0x0F, payload, first & 0x70, bool(first & 0x80))

    def receive_eof(self) -> bytes:
        """Reads to the end of the connection and gives what came before it."""
        try:
            while True:
                self._read_more()
        except ClosedError:
            return bytes(self.buffer)

    # --------------------------------------------------------------------------------------------- reading

    def receive_exactly(self, count: int) -> bytes:
        return self._read(count)

    def _read(self, count: int) -> bytes:
        while len(self.buffer) < count:
            self._read_more()
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        return data

    def _read_more(self) -> None:
        try:
            data = self.tcp.recv(262144)
        except TimeoutError as error:
            raise SilenceError(f"nothing came for {self.timeout} seconds") from error
        except ConnectionError as error:
            raise ClosedError(str(error)) from error
        if not data:
            raise ClosedError("end of the connection")
        self.buffer += data


def masked_with(mask: bytes, payload: bytes) -> bytes:
    """RFC 6455, 5.3; as one large number, because a loop over 8 MB takes seconds."""
    length = len(payload)
    repeated = (mask * (length // 4 + 1))[:length]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(length, "big")


def inflate(payload: bytes) -> bytes:
    """The payload of a compressed message (RFC 7692)."""
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(payload + b"\x00\x00\xff\xff")
