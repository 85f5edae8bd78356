"""Changes from anywhere: server.topic and server.update."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any

import pytest

import synq
from synq.testing import Client

Serve = Callable[..., synq.Server]
Connect = Callable[..., Client]
DONE = [{"op": "replace", "path": "/cards/1/done", "value": True}]


@synq.channel("board:*", track=["cards", "n"], shared=["cards", "n", "deck"])
class Board(synq.Channel):
    def open_topic(self) -> None:
        self.assigns.update(cards=[{"done": False}, {"done": False}], n=0, deck=object())

    @synq.event
    def inc(self) -> Any:
        self.assigns.n += 1
        return self.assigns.n


def test_updates_from_threads(synq_server: Serve, synq_client: Connect) -> None:
    server = synq_server(Board)
    with pytest.raises(synq.NotFoundError, match="board:1"), server.topic("board:1"):
        raise AssertionError
    with pytest.raises(synq.InvalidArgumentError, match="no channel"), server.topic("none"):
        raise AssertionError
    ann = synq_client(server).join("board:1")

    def work() -> None:
        for _ in range(20):
            with server.topic("board:1") as topic:
                topic.assigns.n += 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        ann.call("inc")
    for thread in threads:
        thread.join()
    while ann.state["n"] != 100:
        ann.expect_patch()
    with server.topic("board:1") as topic:
        topic.assigns.cards[1].done = True
        topic.broadcast("hello", {"a": 1})
        with pytest.raises(synq.StateError, match="would wait for itself"), server.topic("board:1"):
            raise AssertionError
        with pytest.raises(synq.StateError):
            topic.push("no client")
        with pytest.raises(AttributeError, match="'filter' is not shared"):
            topic.assigns.filter = "none"
        with server.topic("board:2", open=True) as other:
            other.assigns.n = 5
    assert ann.expect_push("hello") == {"a": 1}
    ann.expect_patch(DONE)
    with contextlib.suppress(ZeroDivisionError), server.topic("board:1") as topic:
        topic.assigns.n = 0
        topic.assigns.deck = None
        raise ZeroDivisionError
    with pytest.raises(synq.StateError):
        topic.assigns.n = 0
    update = server.topic("board:1")
    with update as topic:
        assert (topic.assigns.n, topic.assigns.deck is None) == (100, False)
    with pytest.raises(synq.StateError, match="used already"), update:
        raise AssertionError
    server.close()
    with pytest.raises(synq.ClosedError), server.topic("board:1"):
        raise AssertionError


def test_updates_from_tasks_on_two_loops(synq_client: Connect) -> None:
    async def main() -> None:
        async with synq.Server(channels=[Board]) as server:
            client = await asyncio.to_thread(synq_client, server)
            ann = await asyncio.to_thread(client.join, "board:1")

            async def work() -> None:
                for _ in range(10):
                    async with server.topic("board:1") as topic:
                        before = topic.assigns.n
                        await asyncio.sleep(0)
                        topic.assigns.n = before + 1

            other = asyncio.to_thread(asyncio.run, work())
            await asyncio.gather(other, *(work() for _ in range(3)))
            with pytest.raises(synq.StateError, match="use `async with`"), server.topic("board:1"):
                raise AssertionError

            # One that is given up while it waits leaves no trace.
            async with server.topic("board:1") as topic:
                waits = asyncio.create_task(work())
                await asyncio.sleep(0)
                waits.cancel()
                await asyncio.gather(waits, return_exceptions=True)
                assert topic.assigns.n == 40
            async with server.topic("board:1") as topic:
                topic.assigns.n += 1
            await asyncio.to_thread(ann.call, "inc")
            assert ann.state["n"] == 42 or ann.expect_patch()
            await asyncio.to_thread(client.close)

    asyncio.run(main())


def test_a_server_that_does_not_run_gives_no_turn() -> None:
    server = synq.Server(channels=[Board])
    with pytest.raises(synq.StateError, match="does not run"), server.topic("board:1"):
        raise AssertionError
    server.close()


def test_who_waits_when_the_server_stops_is_told(synq_server: Serve, synq_client: Connect) -> None:
    server = synq_server(Board)
    synq_client(server).join("board:1")
    told = threading.Event()
    entered = threading.Event()

    def wait() -> None:
        entered.set()
        try:
            with server.topic("board:1"):
                pass
        finally:
            told.set()

    with contextlib.suppress(synq.ClosedError), server.topic("board:1"):
        thread = threading.Thread(target=lambda: _quietly(wait))
        thread.start()
        entered.wait(5)
        server.close(0.2)
    assert told.wait(5)
    thread.join()


def _quietly(function: Callable[[], None]) -> None:
    with contextlib.suppress(synq.LibraryError):
        function()


def test_one_channel_is_updated(synq_server: Serve, synq_client: Connect) -> None:
    found: list[synq.Channel] = []

    @synq.channel("one", track=["n"])
    class One(synq.Channel):
        def init(self) -> None:
            self.assigns.n = 0
            found.append(self)

        @synq.event
        async def itself(self) -> Any:
            try:
                async with self.server.update(self):
                    return "it did"
            except synq.StateError:
                return "refused"

    server = synq_server(One)
    one = synq_client(server).join("one")
    with server.update(found[0]) as channel:
        assert channel is found[0]
        channel.assigns.n = 5
    one.expect_patch([{"op": "replace", "path": "/n", "value": 5}])
    assert one.call("itself").response == "refused"
    one.leave()
    with pytest.raises(synq.ClosedError), server.update(found[0]):
        raise AssertionError
