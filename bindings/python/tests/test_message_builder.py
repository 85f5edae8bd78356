"""Message builders: state messages of the host's own."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

import synq
from synq.testing import Client

Serve = Callable[..., synq.Server]
Connect = Callable[..., Client]


class Plain:
    """Sends the whole state, and says what it was."""

    def new_state(self, state: Any, version: int) -> Any:
        return "whole", {"now": state, "v": version}

    def update_state(self, old: Any, new: Any, version: int) -> Any:
        if new["n"] == 3:
            return new  # no message
        return "changed", [old, new, version]


class Counter(synq.Channel):
    def init(self) -> None:
        self.assigns.n = 0
        self.assigns.hidden = 0

    @synq.event("inc")
    def inc(self) -> None:
        self.assigns.n += 1


def test_a_builder_gives_both_messages(
    synq_server: Serve, synq_client: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    counter = synq.channel("counter:*", track=["n"], message_builder=Plain)(type("C", (Counter,), {}))
    channel = synq_client(synq_server(counter)).join("counter:1")
    assert channel.expect_push("whole") == {"now": {"n": 0}, "v": 0}
    channel.call("inc")
    assert channel.expect_push("changed") == [{"n": 0}, {"n": 1}, 1]
    channel.refresh()
    assert channel.expect_push("whole") == {"now": {"n": 1}, "v": 1}
    channel.call("inc")
    assert channel.expect_push("changed") == [{"n": 1}, {"n": 2}, 2]
    with caplog.at_level(logging.CRITICAL, "synq"):
        channel.push("inc")
        assert channel.expect_close() == "phx_error"


def test_what_a_builder_does_not_build_is_the_dialects(synq_server: Serve, synq_client: Connect) -> None:
    class First:
        def new_state(self, state: Any, version: int) -> Any:
            return "synq:change", {"state": state, "version": version}

    counter = synq.channel("counter:*", track=["n"], message_builder=First())(type("C", (Counter,), {}))
    channel = synq_client(synq_server(counter)).join("counter:1")
    assert channel.state == {"n": 0}
    channel.call("inc")
    channel.expect_patch([{"op": "replace", "path": "/n", "value": 1}])


class Later:
    async def new_state(self, state: Any, version: int) -> Any:
        return "x", state


@pytest.mark.parametrize("builder", [object(), Later, "no"])
def test_what_is_no_builder_is_refused(builder: Any) -> None:
    with pytest.raises(TypeError, match="message_builder"):
        synq.channel("counter:*", message_builder=builder)
