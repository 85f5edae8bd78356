"""Who may connect: origins, decisions that take their time, TLS."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

import synq
from synq.testing import Client
from synq.testing.client import HandshakeError

Serve = Callable[..., synq.Server]
Connect = Callable[..., Client]


@synq.channel("me", track=["user"])
class Me(synq.Channel):
    pass


def status(connect: Connect, server: synq.Server, **options: Any) -> str:
    with pytest.raises(HandshakeError) as refused:
        connect(server, **options)
    return str(refused.value)


def test_a_function_decides_about_origins(
    synq_server: Serve, synq_client: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    asked = []

    def check(origin: str) -> bool:
        asked.append(origin)
        if "crash" in origin:
            raise RuntimeError("on purpose")
        return origin.endswith(".example.com")

    server = synq_server(Me, check_origin=check)
    synq_client(server, headers={"origin": "https://a.example.com"}).join("me")
    with caplog.at_level(logging.CRITICAL, "synq"):
        assert "403" in status(synq_client, server, headers={"origin": "https://elsewhere.test"})
        assert "500" in status(synq_client, server, headers={"origin": "https://crash.test"})
    synq_client(server).join("me")  # a program: no origin, nobody is asked
    assert asked == ["https://a.example.com", "https://elsewhere.test", "https://crash.test"]
    with pytest.raises(synq.InvalidArgumentError):
        synq_server(Me, check_origin=check, origins=["*"])


def test_check_origin_is_a_plain_function() -> None:
    async def check(origin: str) -> bool:
        return True

    with pytest.raises(TypeError, match="check_origin must be a plain function"):
        synq.Server(check_origin=check)  # type: ignore[arg-type]


def test_an_async_connect_decides_at_once_or_later(
    synq_server: Serve, synq_client: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    async def connect(connection: synq.Connection, params: dict[str, str]) -> Any:
        if params["when"] == "later":
            await asyncio.sleep(0)
        match params["mode"]:
            case "in":
                connection.assign("user", {"peer": connection.peer, "agent": connection.header("agent")})
                connection.set_id("ada")
            case "no":
                return False
            case "teapot":
                return connection.refuse(418)
            case "error":
                raise synq.Error("nobody", "who are you?")
            case _:
                raise RuntimeError("on purpose")
        return None

    server = synq_server(Me, connect=connect)
    for when in ("now", "later"):
        client = synq_client(server, params={"when": when, "mode": "in"}, headers={"agent": "test"})
        assert client.join("me").state == {"user": {"peer": "127.0.0.1", "agent": "test"}}
        with caplog.at_level(logging.CRITICAL, "synq"):
            for mode, expected in (("no", "403"), ("teapot", "418"), ("error", "403"), ("crash", "500")):
                assert expected in status(synq_client, server, params={"when": when, "mode": mode})


def test_a_stop_gives_up_what_still_decides() -> None:
    asked = asyncio.Event()

    async def connect(connection: synq.Connection, params: dict[str, str]) -> None:
        asked.set()
        await asyncio.Event().wait()

    async def conversation() -> None:
        async with synq.Server(channels=[Me], connect=connect) as server:
            attempt = asyncio.create_task(asyncio.to_thread(refused, server.port))
            await asked.wait()
        await attempt

    def refused(port: int) -> None:
        with pytest.raises((HandshakeError, OSError)):
            Client("127.0.0.1", port)

    asyncio.run(conversation())


def test_tls_options_are_checked() -> None:
    with pytest.raises(ValueError, match="tls_minimum_version"):
        synq.Server(tls_minimum_version="1.1")
    with synq.Server(tls_minimum_version="1.3") as server, pytest.raises(synq.StateError):
        server.reload_tls()
