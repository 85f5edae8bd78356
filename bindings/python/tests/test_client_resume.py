"""The client, against a server that does what the test says: going on where it was, and a server that is
silent."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest

import synq


class Connection:
    """A client as its server sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def upgrade(self) -> None:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        key = head.partition("Sec-WebSocket-Key: ")[2].partition("\r\n")[0].encode()
        digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
        lines += [f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}", "", ""]
        self.writer.write("\r\n".join(lines).encode())

    async def receive(self) -> list[Any]:
        """The next message."""
        first, length = await self._reader.readexactly(2)
        length &= 0x7F
        if length == 126:
            length = int.from_bytes(await self._reader.readexactly(2), "big")
        mask = await self._reader.readexactly(4)
        payload = await self._reader.readexactly(length)
        data = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
        assert first == 0x81, (first, data)
        message: list[Any] = json.loads(data)
        return message

    def send(self, *message: Any) -> None:
        data = json.dumps(message).encode()
        head = bytes([len(data)]) if len(data) < 126 else bytes([126]) + len(data).to_bytes(2, "big")
        self.writer.write(b"\x81" + head + data)

    def reply(self, message: list[Any], response: Any = None, status: str = "ok") -> None:
        payload = {"status": status, "response": {} if response is None else response}
        self.send(message[0], message[1], message[2], "phx_reply", payload)

    def cut(self) -> None:
        self.writer.transport.abort()


class Server:
    """Gives the connections of clients, one after another."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[Connection] = asyncio.Queue()
        self._all: list[Connection] = []

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator[str]:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connection = Connection(reader, writer)
            self._all.append(connection)
            await connection.upgrade()
            self._waiting.put_nowait(connection)

        async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
            try:
                yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/socket"
            finally:
                for connection in self._all:
                    connection.cut()

    async def next(self) -> Connection:
        return await self._waiting.get()


@pytest.fixture(autouse=True)
def no_goodbye(monkeypatch: pytest.MonkeyPatch) -> None:
    """These servers do not answer a close."""
    monkeypatch.setattr("synq.client.socket._CLOSE_SECONDS", 0.0)


def run(body: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(body, 20))


async def joined(server: Server, client: synq.Client) -> tuple[Connection, list[Any], synq.ClientChannel]:
    """A channel at version 4 of the epoch "e"."""
    joining = asyncio.create_task(client.join("room:1", {"user": "Ada"}))
    connection = await server.next()
    join = await connection.receive()
    connection.reply(join)
    connection.send(join[0], None, "room:1", "synq:change", {"state": {"n": 4}, "version": 4, "epoch": "e"})
    connection.send(join[0], None, "room:1", "said", {"text": "hi"})
    room = await joining
    await room.wait_for_state()
    return connection, join, room


def test_goes_on_where_it_was_and_sends_again_what_has_no_answer() -> None:
    async def body() -> None:
        server = Server()
        async with server.run() as url, synq.Client(url) as client:
            connection, join, room = await joined(server, client)
            statuses: list[Any] = []
            room.on_status(lambda status, resumed: statuses.append((status, resumed)))
            identity = join[4]["synq"]["client"]
            assert join[3:] == ["phx_join", {"user": "Ada", "synq": {"client": identity}}]
            assert len(identity) == 32
            first = asyncio.create_task(room.push("inc", {"by": 1}))
            lost = await connection.receive()
            assert lost == [join[0], "2", "room:1", "inc", {"by": 1}]
            connection.cut()
            again = await server.next()
            second = asyncio.create_task(room.push("inc", {"by": 2}))
            rejoin = await again.receive()
            position = {
                "client": identity,
                "epoch": "e",
                "version": 4,
                "base": True,
                "pushes": 1,
                "ref": "1",
            }
            assert rejoin == [rejoin[1], rejoin[1], "room:1", "phx_join", {"user": "Ada", "synq": position}]
            again.reply(rejoin, {"synq": {"resumed": True, "ref": "2"}})
            patch = {"operations": [{"op": "replace", "path": "/n", "value": 7}], "version": 7, "base": 4}
            again.send(rejoin[0], None, "room:1", "synq:patch", patch)
            assert await again.receive() == [rejoin[0], "2", "room:1", "inc", {"by": 1}]
            later = await again.receive()
            assert later[3:] == ["inc", {"by": 2}]
            assert int(later[1]) > int(rejoin[1])
            again.reply([rejoin[0], "2", "room:1"], {"n": 5})
            again.reply(later, {"n": 7})
            assert (await first, await second) == ({"n": 5}, {"n": 7})
            assert (room.state, room.version) == ({"n": 7}, 7)
            assert statuses == [("waiting", False), ("joining", False), ("joined", True)]
            assert client._calls == {}

    run(body())


def test_starts_over_where_the_server_cannot_go_on() -> None:
    async def body() -> None:
        server = Server()
        async with server.run() as url, synq.Client(url) as client:
            connection, _, room = await joined(server, client)
            lost = asyncio.create_task(room.push("inc"))
            await connection.receive()
            connection.cut()
            again = await server.next()
            rejoin = await again.receive()
            again.reply(rejoin, {"synq": {"resumed": False}})
            with pytest.raises(synq.DisconnectedError, match="disconnected"):
                await lost
            again.send(rejoin[0], None, "room:1", "synq:change", {"state": {"n": 0}, "version": 0})
            assert await room.wait_for_state() == {"n": 0}
            again.cut()
            # A server without epochs is not asked to go on.
            rejoin = await (await server.next()).receive()
            assert list(rejoin[4]["synq"]) == ["client"]

    run(body())


def test_without_resume_nothing_is_added() -> None:
    async def body() -> None:
        server = Server()
        async with server.run() as url, synq.Client(url, resume=False) as client:
            channel = client.channel("room:1", {"user": "Ada"})
            connection = await server.next()
            join = await connection.receive()
            assert join == ["1", "1", "room:1", "phx_join", {"user": "Ada"}]
            connection.reply(join, {"reason": "full"}, "error")
            with pytest.raises(synq.JoinError, match="full"):
                await channel.joined()
            assert channel.status == "closed"

    run(body())


def test_a_gap_asks_for_the_full_state_once() -> None:
    async def body() -> None:
        server = Server()
        async with server.run() as url, synq.Client(url) as client:
            connection, join, room = await joined(server, client)

            def patch(version: int) -> None:
                operations = [{"op": "replace", "path": "/n", "value": version}]
                payload = {"operations": operations, "version": version}
                connection.send(join[0], None, "room:1", "synq:patch", payload)

            patch(6)
            patch(7)
            refresh = await connection.receive()
            assert refresh[3] == "synq:refresh"
            change = {"state": {"n": 7}, "version": 7, "epoch": "e"}
            connection.send(join[0], None, "room:1", "synq:change", change)
            connection.reply(refresh)
            patch(8)
            assert await room.wait_for_state(lambda state: state["n"] == 8) == {"n": 8}
            asyncio.get_running_loop().call_soon(connection.reply, [join[0], "3", "room:1"])
            await room.push("echo")

    run(body())


def test_presence_is_followed_from_the_join_on() -> None:
    async def body() -> None:
        server = Server()
        async with server.run() as url, synq.Client(url) as client:
            joining = asyncio.create_task(client.join("room:1"))
            connection = await server.next()
            join = await connection.receive()
            ada, bob = {"phx_ref": "1"}, {"phx_ref": "2"}
            diff = {"joins": {"ada": {"metas": [ada]}}, "leaves": {}}
            connection.reply(join)
            # Of the same burst, and the diff before its list, as Phoenix does.
            connection.send(None, None, "room:1", "presence_diff", diff)
            connection.send(join[0], None, "room:1", "presence_state", {"ada": {"metas": [ada]}})
            room = await joining
            here = room.presence()
            changes: asyncio.Queue[Any] = asyncio.Queue()
            here.on_change(changes.put_nowait)
            while here.keys() != ["ada"]:
                await changes.get()
            diff = {"joins": {"bob": {"metas": [bob]}}, "leaves": {"ada": {"metas": [ada]}}}
            connection.send(None, None, "room:1", "presence_diff", diff)
            while "bob" not in here:
                await changes.get()
            assert here.members == {"bob": {"metas": [bob]}}
            assert (len(here), room.presence() is here) == (1, True)

    run(body())


def test_a_server_that_answers_no_heartbeat_is_gone() -> None:
    async def body() -> None:
        server = Server()
        async with (
            server.run() as url,
            synq.Client(url, heartbeat_seconds=0.01, reconnect=False) as client,
        ):
            connection = await server.next()
            heartbeat = await connection.receive()
            assert heartbeat[2:] == ["phoenix", "heartbeat", {}]
            with pytest.raises(synq.ClosedByServerError):
                await client.wait_closed()

    run(body())


@pytest.mark.parametrize(
    "data",
    [b"\x81\x02{}", b"\x81\x01[", b"\x82\x01\x09", b"\xc1\x00", b'\x81\x13["1","1","t","e",{}]'],
)
def test_a_server_that_sends_nonsense_is_left(data: bytes) -> None:
    async def body() -> None:
        server = Server()
        async with server.run() as url, synq.Client(url, reconnect=False) as client:
            connection = await server.next()
            connection.writer.write(data)
            if data.endswith(b"}]"):
                connection.writer.close()  # a message of a topic that nobody joined is none of our business
            with pytest.raises(synq.ClosedByServerError):
                await client.wait_closed()

    run(body())
