"""Messages that are delayed, and can be taken back, and messages that replace one another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import synq
from synq.testing import Client

Serve = Callable[..., synq.Server]
Connect = Callable[..., Client]


@synq.channel("timers:*")
class Timers(synq.Channel):
    @synq.event("never")
    def never(self) -> Any:
        timer = self.send_after(0, "never")
        kept = self.send_after(0.001, "later", [1])
        return [timer.cancel(), timer.cancel(), isinstance(kept, synq.Timer)]

    @synq.event("too_many")
    def too_many(self) -> Any:
        for _ in range(2):
            self.send_after(3600, "much later")
        with pytest.raises(synq.LimitError, match="max_timers"):
            self.send_after(3600, "much later")
        self.subscribe("a")
        with pytest.raises(synq.LimitError, match="max_subscriptions"):
            self.subscribe("b")

    @synq.event("prices")
    def prices(self) -> None:
        for price in range(5):
            self.publish("price", price, key="ACME")

    def handle_message(self, message: str, payload: Any) -> None:
        self.push(message, payload)


def test_a_delayed_message_can_be_taken_back(synq_server: Serve, synq_client: Connect) -> None:
    channel = synq_client(synq_server(Timers)).join("timers:1")
    assert channel.call("never").response == [True, False, True]
    assert channel.expect_push("later") == [1]


def test_timers_and_subscriptions_have_a_limit(synq_server: Serve, synq_client: Connect) -> None:
    server = synq_server(Timers, limits=synq.Limits(max_timers=2, max_subscriptions=1))
    channel = synq_client(server).join("timers:1")
    assert channel.call("too_many") == ("ok", {})


def test_the_newest_message_of_a_key_wins(synq_server: Serve, synq_client: Connect) -> None:
    channel = synq_client(synq_server(Timers)).join("timers:1")
    channel.call("prices")
    assert [channel.expect_push("price"), channel.expect_push("price")] == [0, 4]
