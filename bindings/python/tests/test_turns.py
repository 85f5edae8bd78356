"""Who may change assigns: the callback that runs, and nobody else, whatever the time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

import synq
from synq.testing import Client

Serve = Callable[..., synq.Server]
Connect = Callable[..., Client]


def try_to_set(channel: synq.Channel, value: Any) -> str:
    """What a setter answers here."""
    try:
        channel.assigns.n = value
    except synq.LibraryError as error:
        return type(error).__name__
    return "ok"


@synq.channel("turn", track=["n"])
class Turn(synq.Channel):
    instance: Turn
    deferred: synq.Deferred

    def init(self) -> None:
        type(self).instance = self
        self.assigns.n = 0

    @synq.event
    def plain(self) -> Any:
        seen = [try_to_set(self, 1)]
        thread = threading.Thread(target=lambda: seen.append(try_to_set(self, 99)))
        thread.start()
        thread.join()
        return seen

    @synq.event
    async def waiting(self) -> Any:
        seen = [try_to_set(self, 1)]
        self.push("suspended")
        outsider = await asyncio.wait_for(type(self).outsider, 5)
        seen += [outsider, try_to_set(self, 2)]
        seen.append(await asyncio.create_task(self.child()))
        seen.append(await asyncio.to_thread(try_to_set, self, 99))
        return seen

    outsider: asyncio.Future[str]

    async def child(self) -> str:
        return try_to_set(self, 3)

    @synq.event
    async def leaves_a_task(self) -> None:
        await asyncio.sleep(0)
        type(self).left = asyncio.create_task(self.later())

    left: asyncio.Task[str]

    async def later(self) -> str:
        await asyncio.sleep(0)
        while not type(self).may_go:
            await asyncio.sleep(0)
        return try_to_set(self, 99)

    may_go = False

    @synq.event
    async def what_was_left(self) -> Any:
        await asyncio.sleep(0)
        type(self).may_go = True
        return await self.left

    @synq.event
    def later_on(self) -> Any:
        type(self).deferred = self.defer()
        self.push("deferred")
        return type(self).deferred


@synq.channel("other")
class Other(synq.Channel):
    @synq.event
    def intrude(self) -> str:
        seen = try_to_set(Turn.instance, 99)
        if not Turn.outsider.done():
            Turn.outsider.set_result(seen)
        return seen

    @synq.event
    async def prepare(self) -> None:
        Turn.outsider = asyncio.get_running_loop().create_future()


@pytest.fixture
def joined(synq_server: Serve, synq_client: Connect) -> Any:
    server = synq_server(Turn, Other)
    other = synq_client(server).join("other")
    other.call("prepare")
    return synq_client(server).join("turn"), other


def test_a_def_handler_has_the_turn_on_its_own_thread(joined: Any) -> None:
    turn, _ = joined
    assert turn.call("plain").response == ["ok", "StateError"]
    turn.expect_state({"n": 1})


def test_nobody_else_has_the_turn_of_a_handler_that_waits(joined: Any) -> None:
    turn, other = joined
    ref = turn.push("waiting")
    turn.expect_push("suspended")
    assert try_to_set(Turn.instance, 99) == "StateError"
    assert other.call("intrude").response == "StateError"
    # Its own tasks have it, its threads have not.
    assert turn.expect_reply(ref).response == ["ok", "StateError", "ok", "ok", "StateError"]
    turn.expect_state({"n": 3})


def test_a_task_that_outlives_its_handler_has_no_turn_any_more(joined: Any) -> None:
    turn, _ = joined
    turn.call("leaves_a_task")
    assert turn.call("what_was_left").response == "StateError"
    turn.expect_state({"n": 0})


def test_a_deferred_gives_the_turn_to_its_block(joined: Any) -> None:
    turn, other = joined
    ref = turn.push("later_on")
    turn.expect_push("deferred")
    assert try_to_set(Turn.instance, 99) == "StateError"
    assert other.call("intrude").response == "StateError"
    with Turn.deferred as deferred:
        assert try_to_set(Turn.instance, 5) == "ok"
        deferred.ok({"n": 5})
        assert try_to_set(Turn.instance, 99) == "StateError"
    assert turn.expect_reply(ref).response == {"n": 5}
    turn.expect_state({"n": 5})
    assert other.call("intrude").response == "StateError"


def test_the_error_says_what_to_do(joined: Any) -> None:
    with pytest.raises(synq.StateError, match="use `update`"):
        Turn.instance.assigns.n += 1
    with pytest.raises(synq.StateError, match="use `update`"):
        Turn.instance.assigns.own = object()


def test_once_the_channel_is_gone_a_setter_says_so(synq_server: Serve, synq_client: Connect) -> None:
    server = synq_server(Turn)
    synq_client(server).join("turn")
    server.close()
    with pytest.raises(synq.ClosedError):
        Turn.instance.assigns.n += 1


def test_a_channel_class_may_use_names_of_its_own(synq_server: Serve, synq_client: Connect) -> None:
    @synq.channel("own", track=["n"])
    class Own(synq.Channel):
        def __init__(self) -> None:
            self.assigns.n = 1
            self._task = self._turns = self._deferred = self._late = "mine"

        @synq.event
        async def wait(self) -> str:
            await asyncio.sleep(0)
            self.assigns.n += 1
            return self._task + self._turns + self._deferred + self._late

    own = synq_client(synq_server(Own)).join("own")
    assert own.call("wait").response == "mine" * 4
    own.expect_state({"n": 2})
