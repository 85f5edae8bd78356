"""The client for services and bots, against this server."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import subprocess
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import pytest

import synq

PATIENCE = 5.0


class Room(synq.Channel):
    def authorize(self, params: Any) -> Any:
        return not params.get("refuse")

    def init(self, params: Any) -> None:
        if params.get("fail"):
            raise synq.Error("no_state", "there is none")
        self.assigns.n = params.get("n", 0)
        self.assigns.items = []
        self.push("welcome", {"user": params.get("user")})

    @synq.event("inc")
    def inc(self) -> Any:
        self.assigns.n += 1
        self.assigns.items.append(self.assigns.n)
        return {"n": self.assigns.n}

    @synq.event("echo")
    def echo(self, payload: Any) -> Any:
        return payload

    @synq.event("refuse")
    def refuse(self) -> None:
        raise synq.Error("no", "not now", {"a": 1})

    @synq.event("crash")
    def crash(self) -> None:
        raise RuntimeError("on purpose")

    @synq.event("stop")
    def halt(self) -> None:
        self.stop()

    @synq.event("never")
    def never(self) -> Any:
        self.keep = self.defer(detached=True)
        return self.keep

    @synq.event("tell")
    def tell(self, payload: Any) -> None:
        self.broadcast("told", payload)


def connect(connection: synq.Connection, params: dict[str, str]) -> Any:
    if params.get("refuse"):
        return connection.refuse(401, "who are you?")
    connection.set_id("client")
    seen.append((params, connection.header("x-bot"), connection.token))
    return None


seen: list[Any] = []


@contextlib.asynccontextmanager
async def served(kind: type[synq.Channel] = Room, **options: Any) -> AsyncIterator[synq.Server]:
    dialect = options.pop("dialect", "synq")
    made = synq.channel("room:*", track=["n", "items"], dialect=dialect)(type("Served", (kind,), {}))
    async with synq.Server(channels=[made], connect=connect, **options) as server:
        yield server


def url(server: synq.Server) -> str:
    return f"ws://127.0.0.1:{server.port}/socket"


def run(body: Coroutine[Any, Any, None]) -> None:
    seen.clear()
    asyncio.run(asyncio.wait_for(body, 20))


def test_joins_follows_the_state_and_pushes() -> None:
    async def body() -> None:
        async with served() as server, synq.Client(url(server)) as client:
            room = await client.join("room:1", {"user": "Ada"})
            welcomed: list[Any] = []
            room.on("welcome", welcomed.append)
            changes: list[synq.StateChange] = []
            room.on_state(changes.append)
            assert await room.wait_for_state() == {"n": 0, "items": []}
            assert (room.status, room.version, welcomed) == ("joined", 0, [{"user": "Ada"}])
            first = room.state
            assert await room.push("inc") == {"n": 1}
            assert await room.wait_for_state(lambda state: state["n"] == 1) == {"n": 1, "items": [1]}
            assert first == {"n": 0, "items": []}
            assert changes[-1].version == 1
            assert changes[-1].operations is not None
            for payload in (None, 2**70, "ü", [1, {"a": None}]):
                assert await room.push("echo", payload) == ({} if payload is None else payload)
            assert await room.push("echo", b"\x00\xff") == b"\x00\xff"
            with pytest.raises(synq.ReplyError) as refused:
                await room.push("refuse")
            error = refused.value
            assert (error.status, error.code, error.message) == ("error", "no", "not now")
            assert error.response["details"] == {"a": 1}
            await room.refresh()
            await room.leave()
            assert room.status == "closed"
            with pytest.raises(synq.DisconnectedError, match="closed"):
                await room.push("inc")

    run(body())


def test_what_is_refused_says_why() -> None:
    async def body() -> None:
        async with served() as server:
            with pytest.raises(synq.HandshakeError) as refused:
                await synq.Client(url(server), params={"refuse": "1"}).connect()
            assert (refused.value.status, refused.value.body) == (401, "who are you?")
            async with synq.Client(url(server)) as client:
                with pytest.raises(synq.JoinError, match="unauthorized"):
                    await client.join("room:1", {"refuse": True})
                with pytest.raises(synq.JoinError, match="unmatched topic"):
                    await client.join("nowhere")
                failing = await client.join("room:2", {"fail": True})
                errors: list[Any] = []
                failing.on_error(errors.append)
                with pytest.raises(synq.ReplyError, match="not_initialized"):
                    await failing.push("inc")
                assert [error.code for error in errors] == ["no_state"]
                assert client._channels.keys() == {"room:2"}
        with pytest.raises(OSError):  # noqa: PT011
            await synq.Client("ws://127.0.0.1:1/socket").connect()
        with pytest.raises(synq.DisconnectedError, match="not connected"):
            synq.Client("ws://host/socket").channel("room:1")

    run(body())


def test_params_headers_and_token_reach_connect() -> None:
    async def params() -> dict[str, str]:
        await asyncio.sleep(0)
        return {"user": "Ada & Bob"}

    async def body() -> None:
        async with (
            served() as server,
            synq.Client(
                url(server) + "?a=b", params=params, headers={"X-Bot": "yes"}, token="t/+ü"
            ) as client,
        ):
            assert "connected" in repr(client)
            got, header, token = seen[0]
            assert (got["user"], got["a"], header, token) == ("Ada & Bob", "b", "yes", "t/+ü")

    run(body())


def test_comes_back_after_the_connection_was_lost() -> None:
    async def body() -> None:
        async with served() as server, synq.Client(url(server)) as client:
            asked: list[int] = []

            def params() -> Any:
                asked.append(len(asked))
                return {"n": 10 * len(asked)}

            room = await client.join("room:1", params)
            statuses: list[Any] = []
            room.on_status(lambda status, resumed: statuses.append(status))
            await room.wait_for_state(lambda state: state["n"] == 10)
            server.disconnect("client")
            await room.wait_for_state(lambda state: state["n"] == 20)
            assert statuses == ["waiting", "joining", "joined"]
            assert await room.push("inc") == {"n": 21}
            # What is pushed while it is away waits; what was under way is told that nobody knows.
            waiting = asyncio.create_task(room.push("never"))
            await room.push("echo")
            assert client._socket is not None
            client._socket._writer.transport.abort()
            with pytest.raises(synq.DisconnectedError, match="disconnected"):
                await waiting
            assert await room.push("inc") == {"n": 31}

    run(body())


def test_without_reconnect_the_end_is_told() -> None:
    async def body() -> None:
        async with served() as server, synq.Client(url(server), reconnect=False) as client:
            room = await client.join("room:1")
            waiting = asyncio.create_task(room.push("never"))
            await room.push("echo")
            server.disconnect("client")
            with pytest.raises(synq.DisconnectedError):
                await waiting
            with pytest.raises(synq.ClosedByServerError, match="1001"):
                await client.wait_closed()
            assert room.status == "closed"
            assert [state async for state in room.states()] == []
            assert [event async for event in room.events()] == []

    run(body())


def test_a_crash_joins_again_and_a_stop_does_not(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "synq")

    async def body() -> None:
        async with served() as server, synq.Client(url(server)) as client:
            room = await client.join("room:1")
            errors: list[Any] = []
            room.on_error(errors.append)
            await room.push("inc")
            with pytest.raises(synq.DisconnectedError, match="crashed"):
                await room.push("crash")
            assert await room.push("inc") == {"n": 1}
            assert [error.code for error in errors] == ["crashed"]
            events = room.events("told")
            await room.push("tell", {"a": 1})
            with pytest.raises(synq.DisconnectedError, match="closed"):
                await room.push("stop")
            assert [event async for event in events] == [("told", {"a": 1})]
            assert room.status == "closed"

    run(body())


def test_who_does_not_take_events_is_told() -> None:
    async def body() -> None:
        async with served() as server, synq.Client(url(server), max_events=3) as client:
            room = await client.join("room:1")
            events = room.events("told")
            await room.push("tell", 0)
            assert await events.__anext__() == ("told", 0)
            for number in range(9):
                await room.push("tell", number)
            with pytest.raises(BufferError, match="more than 3 events wait"):
                await events.__anext__()

    run(body())


def test_a_push_has_its_time() -> None:
    async def body() -> None:
        async with served() as server, synq.Client(url(server)) as client:
            room = await client.join("room:1")
            with pytest.raises(asyncio.TimeoutError):
                await room.push("never", timeout_seconds=0.01)
            assert client._calls == {}
            assert room._calls == []
            with pytest.raises(asyncio.TimeoutError):
                await room.wait_for_state(lambda state: False, timeout_seconds=0.01)

    run(body())


@pytest.mark.parametrize("dialect", ["synq", "live_state", "live_view_model", "seance"])
def test_speaks_each_dialect(dialect: str) -> None:
    async def body() -> None:
        async with served(dialect=dialect) as server, synq.Client(url(server), dialect=dialect) as client:
            room = await client.join("room:1", {"user": "Ada"})
            welcomed = room.events("welcome")
            await room.wait_for_state()
            assert await welcomed.__anext__() == ("welcome", {"user": "Ada"})
            assert await room.push("inc") == {"n": 1}
            await room.wait_for_state(lambda state: state["n"] == 1)
            await room.refresh()

    run(body())
    with pytest.raises(ValueError, match="dialect must be one of"):
        synq.Client("ws://host/socket", dialect="morse")


def test_speaks_tls(tmp_path: Path) -> None:
    options = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -keyout key.pem"
    command = ["openssl", *options.split(), "-out", "certificate.pem", "-subj", "/CN=localhost"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"

    async def body() -> None:
        async with served(tls_certificate=certificate, tls_key=key) as server:
            address = f"wss://localhost:{server.port}/socket"
            with pytest.raises(ssl.SSLError):
                await synq.Client(address).connect()
            trusting = ssl.create_default_context(cafile=str(certificate))
            trusting.check_hostname = False
            async with synq.Client(address, tls=trusting) as client:
                assert await (await client.join("room:1")).push("inc") == {"n": 1}

    run(body())
