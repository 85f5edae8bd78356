"""Async handlers whose client goes, and whose server stops, while they wait for something."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import synq
from synq.testing import Client

Serve = Callable[..., synq.Server]
Connect = Callable[..., Client]


class Board(synq.Channel):
    """Its handlers tell what they do, and go on when the test says so."""

    def __init__(self) -> None:
        self.told: list[str] = []

    go: threading.Event
    order: list[str]
    ended: threading.Event

    def init(self) -> None:
        self.assigns.n = 0

    async def until_told(self) -> None:
        self.push("waiting")
        while not self.go.is_set():
            await asyncio.sleep(0.001)

    @synq.event("save")
    async def save(self) -> None:
        self.order.append("begins")
        await self.until_told()
        self.assigns.n += 1
        self.push("saved")
        self.publish("changed", {"n": 1})
        self.broadcast("shout", {"n": 2})
        self.broadcast("raw", b"3")
        self.order.append("ends")

    @synq.event("forever")
    async def forever(self) -> None:
        self.push("waiting")
        try:
            await asyncio.Event().wait()
        finally:
            self.order.append("cancelled")

    @synq.event("closed")
    async def closed(self) -> None:
        await self.until_told()
        raise synq.ClosedError("gone", synq.ClosedError.code)

    @synq.event("bug")
    async def bug(self) -> None:
        await self.until_told()
        raise RuntimeError("on purpose")

    @synq.event("block")
    def block(self) -> None:
        self.push("waiting")

    @synq.message("changed")
    def changed(self, payload: Any) -> None:
        self.push("changed", payload)

    def before_close(self, reason: str) -> None:
        self.order.append(f"before_close {reason}")
        self.publish("changed", {"n": 9})
        self.ended.set()


def board(**options: Any) -> type[Board]:
    return synq.channel("board", track=["n"], **options)(
        type(
            "Board",
            (Board,),
            {"go": threading.Event(), "order": [], "ended": threading.Event()},
        )
    )


def start(connect: Connect, server: synq.Server, event: str) -> Client:
    """A client whose handler waits."""
    client = connect(server)
    channel = client.join("board")
    channel.push(event)
    channel.expect_push("waiting")
    return client


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("how", ["close", "cut"])
def test_what_is_about_to_be_done_is_done_and_the_others_hear_of_it(
    synq_server: Serve, synq_client: Connect, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    kind = board(finish_seconds=None)
    server = synq_server(kind)
    other = synq_client(server).join("board")
    gone = start(synq_client, server, "save")
    if how == "close":
        gone.close()
    else:
        gone._socket.cut()
    while server.stats().connections > 1:
        time.sleep(0)
    kind.go.set()
    assert other.expect_push("changed") == {"n": 1}
    assert other.expect_push("shout") == {"n": 2}
    assert other.expect_push("raw") == b"3"
    assert other.expect_push("changed") == {"n": 9}
    assert kind.order == ["begins", "ends", "before_close shutdown:closed"]
    assert errors(caplog) == []


@pytest.mark.parametrize("end", ["close", "rejoin"])
def test_what_waits_for_ever_is_cancelled_before_before_close(
    synq_server: Serve, synq_client: Connect, caplog: pytest.LogCaptureFixture, end: str
) -> None:
    kind = board(finish_seconds=0.01)
    server = synq_server(kind)
    client = start(synq_client, server, "forever")
    if end == "close":
        client.close()
    else:
        client.join("board")
    assert kind.ended.wait(5)
    reason = {"close": "closed", "rejoin": "duplicate_join"}[end]
    assert kind.order == ["cancelled", f"before_close shutdown:{reason}"]
    assert errors(caplog) == []


def test_no_task_is_left_behind_without_before_close(synq_server: Serve, synq_client: Connect) -> None:
    tasks: list[asyncio.Task[Any]] = []

    @synq.channel("plain", finish_seconds=0)
    class Plain(synq.Channel):
        async def authorize(self, params: Any) -> bool:
            if params.get("wait"):
                await self.wait()
            return True

        @synq.event
        async def wait(self) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.append(task)
            await asyncio.Event().wait()

        @synq.event
        async def tasks(self) -> list[bool]:
            await asyncio.wait(tasks)
            return [task.cancelled() for task in tasks]

    server = synq_server(Plain)
    with Client("127.0.0.1", server.port) as one, Client("127.0.0.1", server.port) as two:
        channel = one.join("plain")
        channel.push("wait")
        joining = two._next_ref()
        two._socket.send(1, f'["{joining}","{joining}","plain","phx_join",{{"wait":1}}]'.encode())
        two._socket.send(1, b'[null,"9","phoenix","heartbeat",{}]')
        deadline = time.monotonic() + 5
        while len(tasks) < 2:
            assert time.monotonic() < deadline
            time.sleep(0)
    assert synq_client(server).join("plain").call("tasks").response == [True, True]


def test_only_what_says_that_the_client_has_gone_is_quiet(
    synq_server: Serve, synq_client: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    for event, expected in (("closed", []), ("bug", ["board: bug failed: RuntimeError('on purpose')"])):
        kind = board(finish_seconds=None)
        server = synq_server(kind)
        start(synq_client, server, event).close()
        while server.stats().connections:
            time.sleep(0)
        kind.go.set()
        assert kind.ended.wait(5)
        assert errors(caplog) == expected
        caplog.clear()


def test_before_close_of_a_task_waits_too(synq_server: Serve, synq_client: Connect) -> None:
    order: list[str] = []
    done = threading.Event()

    @synq.channel("slow", finish_seconds=0)
    class Slow(synq.Channel):
        @synq.event
        async def wait(self) -> None:
            self.push("waiting")
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                order.append("tidied up")

        async def before_close(self) -> None:
            await asyncio.sleep(0)
            order.append("before_close")
            done.set()

    client = synq_client(synq_server(Slow))
    channel = client.join("slow")
    channel.push("wait")
    channel.expect_push("waiting")
    client.close()
    assert done.wait(5)
    assert order == ["tidied up", "before_close"]


def test_a_stop_lets_handlers_end_in_its_time(synq_client: Connect) -> None:
    kind = board(finish_seconds=0)
    with synq.Server(channels=[kind]) as server:
        start(synq_client, server, "save")
        server.stop(30)
        deadline = time.monotonic() + 0.05
        while time.monotonic() < deadline:  # what a stop that cancels at once would need
            assert kind.order == ["begins"]
        kind.go.set()
    assert kind.order == ["begins", "ends", "before_close shutdown:draining"]


@pytest.mark.parametrize("how", ["thread", "loop"])
def test_a_stop_cancels_when_its_time_is_over(
    synq_client: Connect, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    kind = board()

    async def on_loop() -> None:
        async with synq.Server(channels=[kind]) as server:
            await asyncio.to_thread(start, synq_client, server, "forever")
            server.stop(0.1)

    if how == "loop":
        asyncio.run(on_loop())
    else:
        with synq.Server(channels=[kind]) as server:
            start(synq_client, server, "forever")
            server.close(0.1)
    assert kind.order == ["cancelled", "before_close shutdown:draining"]
    assert errors(caplog) == []


def test_publishing_works_from_a_channel_that_is_gone(synq_server: Serve, synq_client: Connect) -> None:
    kept: list[synq.Channel] = []
    kind = board()
    kind.init = lambda self: kept.append(self)  # type: ignore[method-assign]
    server = synq_server(kind)
    client = synq_client(server)
    client.join("board")
    other = synq_client(server).join("board")
    client.close()
    assert kind.ended.wait(5)
    kept[0].publish("changed", {"n": 5}, include_self=False)
    kept[0].broadcast("shout", {"n": 6})
    assert [other.expect_push("changed")["n"] for _ in "ab"] == [9, 5]
    assert other.expect_push("shout") == {"n": 6}
    with pytest.raises(synq.ClosedError):
        kept[0].push("x")


def test_finish_seconds_is_checked() -> None:
    with pytest.raises(ValueError, match="finish_seconds must be 0 or more, or None, not -1"):
        synq.channel("board", finish_seconds=-1)
