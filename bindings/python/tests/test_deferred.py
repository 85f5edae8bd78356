"""Responses that are given later, from another thread."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

import synq
from synq.testing import Client

Serve = Callable[..., synq.Server]
Connect = Callable[..., Client]


def test_deferred_answers_later_from_another_thread(synq_server: Serve, synq_client: Connect) -> None:
    waiting: list[synq.Deferred] = []
    arrived = threading.Semaphore(0)

    @synq.channel("later", track=["n"])
    class Later(synq.Channel):
        def init(self) -> None:
            self.assigns.n = 0

        @synq.event("wait")
        def wait(self, payload: Any) -> Any:
            waiting.append(self.defer(detached=payload["detached"]))
            arrived.release()
            return waiting[-1]

        @synq.event("inc")
        def inc(self) -> None:
            self.assigns.n += 1

        @synq.event("drop")
        def drop(self) -> None:
            self.defer()

        @synq.event("both")
        def both(self) -> Any:
            self.defer()
            return {"a": 1}

    channel = synq_client(synq_server(Later)).join("later")
    ref = channel.push("wait", {"detached": False})
    behind = channel.push("inc")
    assert arrived.acquire(timeout=5)
    assert waiting[0].is_open
    waiting[0].reply("done", {"x": 1})
    assert channel.expect_reply(ref) == ("done", {"x": 1})
    assert channel.expect_reply(behind) == ("ok", {})
    with pytest.raises(synq.ClosedError):
        waiting[0].ok()

    ref = channel.push("wait", {"detached": True})
    assert channel.call("inc") == ("ok", {})
    waiting[1].error("late", "too late")
    assert channel.expect_reply(ref).response["code"] == "late"

    for event in ("drop", "both"):
        channel.push(event)
        assert channel.expect_close() == "phx_error"
        channel._client.reconnect()


@pytest.mark.parametrize("how", ["crash", "raise", "drop"])
@pytest.mark.parametrize("detached", [False, True])
def test_a_deferred_that_fails_ends_its_channel_and_is_logged_once(
    synq_server: Serve, synq_client: Connect, caplog: pytest.LogCaptureFixture, how: str, detached: bool
) -> None:
    threads: list[threading.Thread] = []

    @synq.channel("fail", track=[])
    class Fail(synq.Channel):
        @synq.event("fail")
        def fail(self) -> Any:
            deferred = self.defer(detached=detached)
            if how != "drop":
                threads.append(threading.Thread(target=finish, args=(deferred,)))
                threads[0].start()

    def finish(deferred: synq.Deferred) -> None:
        if how == "crash":
            deferred.crash("on purpose")
        else:
            with contextlib.suppress(RuntimeError), deferred:
                raise RuntimeError("on purpose")

    channel = synq_client(synq_server(Fail)).join("fail")
    channel.push("fail")
    assert channel.expect_close() == "phx_error"
    for thread in threads:
        thread.join()
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.getMessage().split(":")[0] for record in errors] == ["fail"]
