"""Handlers that are `async def`, and a server under a loop of the host."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

import synq
from synq.testing import Client

Serve = Callable[..., synq.Server]
Connect = Callable[..., Client]


@synq.channel("async:*", track=["n", "log"])
class Later(synq.Channel):
    closed: list[str] = []  # noqa: RUF012

    async def authorize(self, params: Any) -> Any:
        await asyncio.sleep(0)
        if params.get("refuse"):
            raise synq.Error("full")
        return synq.Reply("ok", {"async": True})

    async def init(self, params: Any) -> None:
        await asyncio.sleep(0)
        if params.get("crash"):
            raise RuntimeError("on purpose")
        self.assigns.n = 0
        self.assigns.log = []

    @synq.event("inc")
    async def inc(self) -> Any:
        self.assigns.n += 1
        await asyncio.sleep(0)
        self.assigns.log.append("after")
        return {"n": self.assigns.n}

    @synq.event("eager")
    async def eager(self) -> Any:
        return {"n": self.assigns.n}

    @synq.event("error")
    async def error(self) -> None:
        await asyncio.sleep(0)
        raise synq.Error("late", "too late", {"n": 1})

    @synq.event("crash")
    async def crash(self) -> None:
        self.assigns.n = 99
        await asyncio.sleep(0)
        raise RuntimeError("on purpose")

    @synq.event("cancel")
    async def cancel(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(0)

    @synq.event("forever")
    async def forever(self) -> None:
        self.push("waiting")
        await asyncio.get_running_loop().create_future()

    @synq.event("sync")
    def sync(self) -> Any:
        return {"thread": threading.current_thread().name}

    @synq.message("tick")
    async def tick(self) -> None:
        await asyncio.sleep(0)
        self.assigns.n += 10

    async def before_close(self, reason: str) -> None:
        await asyncio.sleep(0)
        self.closed.append(reason)


@pytest.fixture
def channel(synq_server: Serve, synq_client: Connect) -> Any:
    Later.closed = []
    return synq_client(synq_server(Later)).join("async:1")


def test_async_handlers_answer_in_order(channel: Any) -> None:
    assert channel.join_reply == ("ok", {"async": True})
    assert channel.state == {"n": 0, "log": []}
    refs = [channel.push("inc"), channel.push("eager"), channel.push("inc")]
    assert [channel.expect_reply(ref).response for ref in refs] == [{"n": 1}, {"n": 1}, {"n": 2}]
    channel.expect_state({"n": 2, "log": ["after", "after"]})


def test_errors_of_async_handlers_are_answers(channel: Any) -> None:
    reply = channel.call("error", status="error")
    assert (reply.status, reply.response["code"], reply.response["details"]) == ("error", "late", {"n": 1})
    assert channel._client.attempt("async:2", {"refuse": True}).join_reply.response["code"] == "full"


@pytest.mark.parametrize("event", ["crash", "cancel"])
def test_a_crash_of_an_async_handler_is_logged(
    channel: Any, caplog: pytest.LogCaptureFixture, event: str
) -> None:
    channel.call("inc")
    channel.push(event)
    assert channel.expect_close() == "phx_error"
    channel._client.reconnect()
    assert channel.state == {"n": 0, "log": []}
    assert Later.closed == ["crashed"]
    assert [vars(record)["event"] for record in caplog.records if record.exc_info] == [event]


def test_an_async_message_handler_changes_the_state(synq_server: Serve, synq_client: Connect) -> None:
    server = synq_server(Later)
    channel = synq_client(server).join("async:1")
    server.publish("async:1", "tick")
    channel.expect_state({"n": 10, "log": []})


def test_closing_cancels_what_waits_and_runs_every_before_close(
    synq_client: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    Later.closed = []
    with synq.Server(channels=[Later]) as server:
        waiting = synq_client(server).join("async:1")
        idle = synq_client(server).join("async:2")
        waiting.push("forever")
        waiting.expect_push("waiting")
        assert idle.call("sync").response == {"thread": "synq"}
        server.close(0.1)
    assert len(Later.closed) == 2
    assert "shutdown:draining" in Later.closed
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_a_server_under_a_running_loop() -> None:
    Later.closed = []

    def talk(port: int) -> Any:
        with Client("127.0.0.1", port) as client:
            channel = client.join("async:1")
            return [channel.call("inc").response, channel.call("sync").response, channel.leave().status]

    async def main() -> Any:
        async with synq.Server(channels=[Later]) as server:
            first = await asyncio.to_thread(talk, server.port)
            server.stop()
            await server.wait_stopped()
        return first

    assert asyncio.run(main()) == [{"n": 1}, {"thread": threading.current_thread().name}, "ok"]
    assert Later.closed == ["shutdown:left"]


def test_leaving_the_block_closes_the_server_with_its_channels() -> None:
    Later.closed = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with synq.Server(channels=[Later]) as server:
            client = await loop.run_in_executor(None, Client, "127.0.0.1", server.port)
            channel = await loop.run_in_executor(None, client.join, "async:1")
            channel.push("forever")
            await loop.run_in_executor(None, channel.expect_push, "waiting")
            server.stop(0.1)
        assert await loop.run_in_executor(None, client.expect_close) == 1012
        client.close()
        with pytest.raises(synq.ClosedError):
            server.publish("async:1", "tick")

    asyncio.run(main())
    assert len(Later.closed) == 1
