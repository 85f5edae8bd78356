"""Who may connect: origins, decisions that take their time, TLS."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import select
import ssl
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
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


def test_a_page_of_a_rebound_name_does_not_connect(synq_server: Serve, synq_client: Connect) -> None:
    server = synq_server(Me)
    mine, other = f"localhost:{server.port}", f"rebound.example:{server.port}"
    synq_client(server, headers={"host": mine, "origin": f"http://{mine}"}).join("me")
    assert "403" in status(synq_client, server, headers={"host": other, "origin": f"http://{other}"})
    assert "403" in status(synq_client, server, headers={"host": mine, "origin": "http://localhost:1"})
    named = synq_server(Me, allowed_hosts=["rebound.example"])
    synq_client(named, headers={"host": "rebound.example", "origin": "https://rebound.example"}).join("me")
    assert "403" in status(synq_client, named, headers={"host": mine, "origin": f"http://{mine}"})
    with pytest.raises(TypeError, match="allowed_hosts"):
        synq_server(Me, allowed_hosts="example.com")
    with pytest.raises(synq.SystemCallError, match="allowed host"):
        synq_server(Me, allowed_hosts=["http://example.com"])


def test_an_ipv6_address_stands_in_brackets_in_a_url() -> None:
    with synq.Server(host="::1", channels=[Me]) as server:
        assert server._origin == "http://[::1]"


@pytest.mark.parametrize("connecting", ["nothing", "plain", "async"])
def test_a_coroutine_decides_about_origins(
    synq_server: Serve, synq_client: Connect, caplog: pytest.LogCaptureFixture, connecting: str
) -> None:
    asked: list[str] = []

    async def check(origin: str) -> bool:
        asked.append(origin)
        if "later" in origin:
            await asyncio.sleep(0)
        if "crash" in origin:
            raise RuntimeError("on purpose")
        return origin.endswith(".example.com")

    def connect(connection: synq.Connection, params: dict[str, str]) -> None:
        connection.assign("user", connection.header("origin"))

    async def connect_later(connection: synq.Connection, params: dict[str, str]) -> None:
        await asyncio.sleep(0)
        connect(connection, params)

    server = synq_server(
        Me,
        check_origin=check,
        connect={"nothing": None, "plain": connect, "async": connect_later}[connecting],
    )
    for page in ("https://a.example.com", "https://later.example.com"):
        state = {} if connecting == "nothing" else {"user": page}
        assert synq_client(server, headers={"origin": page}).join("me").state == state
    for page in ("https://elsewhere.test", "https://later.test"):
        assert "403" in status(synq_client, server, headers={"origin": page})
        assert page in caplog.records[-1].getMessage()
    with caplog.at_level(logging.CRITICAL, "synq"):
        assert "500" in status(synq_client, server, headers={"origin": "https://crash.test"})
        asked.clear()
        assert "403" in status(synq_client, server, headers={"origin": "null"})  # names no host
    synq_client(server).join("me")  # a program
    assert asked == []


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


def test_a_client_that_never_closes_its_side_is_cut_off(synq_server: Serve, synq_client: Connect) -> None:
    def connect(connection: synq.Connection, params: dict[str, str]) -> None:
        connection.set_id("silent")

    server = synq_server(Me, connect=connect, limits=synq.Limits(close_timeout_ms=50))
    client = synq_client(server)
    client.join("me")
    server.disconnect("silent")
    assert client.expect_close() == 1001
    # It does not answer the farewell, and goes on to send pings until the system says that nobody is there
    # any more: by default for 5 s.
    tcp = client._socket._socket
    ends = select.poll()
    ends.register(tcp, select.POLLHUP | select.POLLERR)
    deadline = time.monotonic() + 4
    with contextlib.suppress(ConnectionError):
        while not ends.poll(10):
            assert time.monotonic() < deadline
            tcp.sendall(b"\x89\x80mask")


def make_certificate(folder: Path, name: str) -> None:
    """Makes a certificate whose subject is `name`, and its key."""
    options = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -keyout key.pem"
    command = ["openssl", *options.split(), "-out", "certificate.pem", "-subj", f"/CN={name}"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def shown(port: int) -> str:
    """The certificate that the server shows to who connects now."""
    return ssl.get_server_certificate(("127.0.0.1", port))


def test_a_renewed_certificate_is_used_from_its_reload_on(tmp_path: Path) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    make_certificate(tmp_path, "first")
    first = certificate.read_text()
    with synq.Server(channels=[Me], tls_certificate=certificate, tls_key=key) as server:
        assert shown(server.port) == first
        make_certificate(tmp_path, "second")
        second = certificate.read_text()
        assert shown(server.port) == first
        server.reload_tls()
        assert shown(server.port) == second
        key.write_text("nonsense")
        with pytest.raises(synq.SystemCallError, match="key file"):
            server.reload_tls()
        assert shown(server.port) == second
    with pytest.raises(synq.ClosedError):
        server.reload_tls()


def test_tls_options_are_checked() -> None:
    with pytest.raises(ValueError, match="tls_minimum_version"):
        synq.Server(tls_minimum_version="1.1")
    with synq.Server(tls_minimum_version="1.3") as server, pytest.raises(synq.StateError):
        server.reload_tls()
