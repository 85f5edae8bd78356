"""Clients of the conformance host's ledger, written out by hand: a broken connection shows as what it is."""

import json
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playback.connection import CLOSE, PING, PONG, TEXT, ClosedError, Connection

MOUNT = "/ledger"
TARGET = f"{MOUNT}/websocket?vsn=2.0.0"


class Lost(Exception):  # noqa: N818
    """The connection is gone: what was not answered may or may not have been done."""


class Encrypted:
    """What a connection needs of a socket, over TLS. An SSLSocket that is reset while it is made leaks."""

    def __init__(self, tcp: socket.socket, certificate: Path) -> None:
        self.tcp = tcp
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context(cafile=certificate)
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")

    def sendall(self, data: bytes) -> None:
        self._exchange(lambda: self.tls.write(data))

    def recv(self, count: int) -> bytes:
        return self._exchange(lambda: self.tls.read(count))

    def close(self) -> None:
        self.tcp.close()

    def _exchange(self, act: Callable[[], Any]) -> Any:
        """Acts, as soon as the peer has sent what that needs: the handshake comes with the first write."""
        while True:
            try:
                result = act()
            except ssl.SSLWantReadError:
                self._flush()
                data = self.tcp.recv(65536)
                if not data:
                    raise ConnectionResetError("the connection ended within TLS") from None
                self.incoming.write(data)
            else:
                self._flush()
                return result

    def _flush(self) -> None:
        if data := self.outgoing.read():
            self.tcp.sendall(data)


class Client:
    """One WebSocket with one channel."""

    def __init__(self, host: str, port: int, *, certificate: Path | None = None) -> None:
        try:
            self.connection = Connection.to(host, port)
        except OSError as error:
            raise Lost from error
        if certificate is not None:
            self.connection.tcp = Encrypted(self.connection.tcp, certificate)  # type: ignore[assignment]
        self.ref = 0
        self.topic = ""
        self.state: Any = None
        self.events: deque[tuple[str, Any]] = deque()
        self.close_code: int | None = None

    def upgrade(self) -> None:
        try:
            response = self.connection.upgrade(TARGET)
        except (ClosedError, OSError) as error:
            raise Lost from error
        # Half of a request, and the end of our side behind it.
        if response.status == 400:
            raise Lost
        assert response.status == 101

    def send(self, opcode: int, payload: bytes) -> None:
        try:
            self.connection.send_frame(opcode, payload)
        except OSError as error:
            raise Lost from error

    def message(self, event: str, payload: Any) -> bytes:
        self.ref += 1
        return json.dumps(["1", str(self.ref), self.topic, event, payload]).encode()

    def receive(self) -> tuple[Any, str, Any]:
        """The next message: its ref, event and payload. Patches change the state."""
        while True:
            try:
                frame = self.connection.receive_frame()
            except (ClosedError, OSError) as error:
                raise Lost from error
            if frame.opcode == CLOSE:
                self.close_code = int.from_bytes(frame.payload[:2], "big")
                raise Lost
            if frame.opcode == TEXT:
                break
            assert frame.opcode == PONG
        _, ref, topic, event, payload = json.loads(frame.payload)
        assert topic == self.topic
        if event == "synq:change":
            self.state = payload["state"]
        elif event == "synq:patch":
            (operation,) = payload["operations"]
            assert operation["path"] == "/count"
            self.state = {"count": operation["value"]}
        return ref, event, payload

    def reply(self) -> Any:
        """The response to the last push."""
        while True:
            ref, event, payload = self.receive()
            if event == "phx_reply" and ref == str(self.ref):
                assert payload["status"] == "ok", payload
                return payload["response"]
            self.events.append((event, payload))

    def join(self, topic: str) -> None:
        self.topic = topic
        self.send(TEXT, self.message("phx_join", {}))
        self.reply()

    def push(self, event: str, payload: Any = None) -> Any:
        self.send(TEXT, self.message(event, payload or {}))
        return self.reply()

    def add(self, pad: int = 0) -> int:
        """Adds one, and gives the count that the server confirms; `pad` bytes make the message larger."""
        return int(self.push("add", {"pad": "x" * pad})["count"])

    def until(self, event: str) -> Any:
        """Waits for an event of the server."""
        while True:
            name, payload = self.events.popleft() if self.events else self.receive()[1:]
            if name == event:
                return payload

    def ping(self) -> None:
        self.send(PING, b"still there?")

    def close(self) -> None:
        """Says goodbye, and waits for the answer."""
        try:
            self.send(CLOSE, (1000).to_bytes(2, "big"))
            while True:
                self.receive()
        except Lost:
            self.connection.close()

    def abort(self) -> None:
        self.connection.close()


def connect(host: str, port: int, topic: str, *, certificate: Path | None = None) -> Client:
    """A client that has joined."""
    client = Client(host, port, certificate=certificate)
    client.upgrade()
    client.join(topic)
    return client


class PollClient:
    """The same over long poll: one connection for its requests, one after the other."""

    def __init__(self, host: str, port: int) -> None:
        try:
            self.connection = Connection.to(host, port)
        except OSError as error:
            raise Lost from error
        self.token = ""
        self.messages: list[Any] = []

    def request(self, method: str, body: str = "") -> Any:
        token = f"&token={self.token}" if self.token else ""
        try:
            response = self.connection.request(
                f"{method} {MOUNT}/longpoll?vsn=2.0.0{token} HTTP/1.1\r\nHost: x\r\n"
                f"Content-Type: application/x-ndjson\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
            )
        except (ClosedError, OSError) as error:
            raise Lost from error
        # Half of a request, and the end of our side behind it.
        if response.status == 400:
            raise Lost
        assert response.status == 200
        return json.loads(response.body)

    def begin(self) -> None:
        answer = self.request("GET")
        assert answer["status"] == 410
        self.token = answer["token"]

    def send(self, *messages: Any) -> None:
        """Sends messages, and returns when the server has confirmed that it has them."""
        answer = self.request("POST", "\n".join(map(json.dumps, messages)))
        assert answer == {"status": 200}

    def poll(self) -> None:
        answer = self.request("GET")
        assert answer["status"] in (200, 204)
        self.messages += map(json.loads, answer["messages"])

    def replies(self) -> dict[str, Any]:
        """The responses that came, by ref."""
        return {message[1]: message[4]["response"] for message in self.messages if message[3] == "phx_reply"}

    def close(self) -> None:
        self.connection.close()


class Ledger(Client):
    """A watcher beside the connections that are broken, and what the host counted."""

    def __init__(self, host: str, port: int, *, certificate: Path | None = None) -> None:
        super().__init__(host, port, certificate=certificate)
        self.address = (host, port)
        self.certificate = certificate
        self.upgrade()
        self.join("ledger:watch")
        self.first = self.push("report")

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def connect(self, topic: str) -> Client:
        return connect(*self.address, topic, certificate=self.certificate)

    def reason_of(self, topic: str) -> str:
        """Waits for the end of a channel of this topic, and gives the reason that before_close was told."""
        while True:
            closed = self.until("closed")
            if closed["topic"] == topic:
                return str(closed["reason"])

    def report_once(self, *, channels: int = 1, connections: int = 1) -> dict[str, int]:
        """The books, once no more connections and channels are open than these."""
        patience = time.monotonic() + 10
        # Each turn waits for an answer; the host's other threads go on meanwhile.
        while time.monotonic() < patience:
            books: dict[str, int] = self.push("report")
            open_ones = books["opened"] - books["closed"]
            if (books["connections"], books["channels"], open_ones) == (connections, channels, channels):
                return books
        raise AssertionError(f"something is left over: {books}")

    def expect_memory(self, limit: int) -> None:
        """The host's memory is back below a limit, once the last connection's end has reached its loop."""
        patience = time.monotonic() + 10
        while (books := self.report_once())["bytes"] > limit:
            assert time.monotonic() < patience, f"{books['bytes']} bytes are more than {limit}"

    def expect_balance(self) -> None:
        """Every channel that was let in has ended once, and what it kept was freed."""
        self.report_once()
        books = self.push("report")
        while books["freed"] != books["closed"]:
            books = self.push("report")
        assert books["closed_again"] == 0
        assert books["crashes"] == self.first["crashes"]


__all__ = ["MOUNT", "TARGET", "Client", "Ledger", "Lost", "PollClient", "connect"]
