"""State that a topic owns: one mirror for all of its channels, one turn, updates from anywhere."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import synq
from synq.testing import Client

Serve = Callable[..., synq.Server]
Connect = Callable[..., Client]


class Log:
    """What the handlers saw; new for each test."""

    def __init__(self) -> None:
        self.lines: list[Any] = []
        self.fails: Any = None
        self.closed = threading.Event()


def board(log: Log, **options: Any) -> type[synq.Channel]:
    options = {"track": ["cards", "n", "filter"], "shared": ["cards", "n", "deck"], **options}

    class Board(synq.Channel):
        def open_topic(self) -> None:
            log.lines.append(f"open {self.topic}")
            assert "n" not in self.assigns
            self.assigns.cards = [{"title": "a", "done": False}, {"title": "b", "done": False}]
            self.assigns.n = 0
            self.assigns.deck = log
            if log.fails is not None:
                raise log.fails

        def close_topic(self) -> None:
            log.lines.append(("close", self.assigns.n, self.assigns.deck is log))
            log.closed.set()

        def init(self) -> None:
            self.assigns.filter = "all"

        @synq.event
        def done(self, *, at: int) -> Any:
            log.lines.append(f"done {at}")
            self.assigns.cards[at].done = True
            return {"cards": len(self.assigns.cards)}

        @synq.event
        def add(self, *, title: str) -> None:
            self.assigns.cards.append({"title": title, "done": False})

        @synq.event
        def own(self, *, filter: str) -> None:
            self.assigns.filter = filter

        @synq.event
        def inc(self) -> Any:
            self.assigns.n += 1
            return self.assigns.n

        @synq.event
        def crash(self) -> None:
            self.assigns.n = 99
            self.assigns.cards = []
            self.assigns.deck = None
            raise RuntimeError("on purpose")

        @synq.event
        def refuse(self) -> None:
            self.assigns.n += 1
            raise synq.Error("kept")

        @synq.event
        def names(self) -> Any:
            return [sorted(self.assigns), "cards" in self.assigns, len(self.assigns)]

    return synq.channel("board:*", **options)(Board)


DONE = [{"op": "replace", "path": "/cards/1/done", "value": True}]
CARDS = [{"title": "a", "done": False}, {"title": "b", "done": False}]


def test_all_channels_see_one_state_and_a_handler_runs_once(synq_server: Serve, synq_client: Connect) -> None:
    log = Log()
    server = synq_server(board(log))
    ann, bob = (synq_client(server).join("board:1") for _ in range(2))
    assert ann.state == bob.state == {"cards": CARDS, "n": 0, "filter": "all"}
    assert bob.call("done", {"at": 1}).response == {"cards": 2}
    ann.expect_patch(DONE)
    bob.expect_patch(DONE)
    ann.call("add", {"title": "c"})
    assert bob.call("done", {"at": 2}).response == {"cards": 3}
    ann.expect_state({"cards": [CARDS[0], {"title": "b", "done": True}, {"title": "c", "done": True}],
                      "n": 0, "filter": "all"})  # fmt: skip
    assert log.lines == ["open board:1", "done 1", "done 2"]
    ann.call("own", {"filter": "mine"})
    ann.expect_patch([{"op": "replace", "path": "/filter", "value": "mine"}])
    assert bob.call("names").response == [["cards", "deck", "filter", "n"], True, 4]
    assert bob.state["filter"] == "all"
    assert server.channel_count("board:1") == 2
    assert synq_client(server).join("board:2").state == {"cards": CARDS, "n": 0, "filter": "all"}


def test_nothing_is_read_back_for_an_event(
    synq_server: Serve, synq_client: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    from synq import _topics

    reads = 0
    members = _topics.members

    def counted(*arguments: Any) -> Any:
        nonlocal reads
        reads += 1
        return members(*arguments)

    monkeypatch.setattr(_topics, "members", counted)
    server = synq_server(board(Log()))
    ann, bob = (synq_client(server).join("board:1") for _ in range(2))
    for _ in range(3):
        ann.call("inc")
        bob.call("inc")
        bob.call("done", {"at": 0})
    assert reads == 0
    ann.push("crash")
    ann.expect_push("phx_error")
    assert bob.call("inc").response == 7
    assert reads == 1


def test_a_crash_is_undone_for_everybody(synq_server: Serve, synq_client: Connect) -> None:
    log = Log()
    server = synq_server(board(log))
    ann, bob = (synq_client(server).join("board:1") for _ in range(2))
    ann.push("crash")
    ann.expect_push("phx_error")
    assert bob.call("inc").response == 1
    bob.expect_patch([{"op": "replace", "path": "/n", "value": 1}])
    with server.topic("board:1") as topic:
        assert topic.assigns.deck is log
    assert bob.call("refuse", status="error").response["code"] == "kept"
    assert bob.call("inc").response == 3


def test_a_topic_closes_and_begins_anew(synq_server: Serve, synq_client: Connect) -> None:
    log = Log()
    server = synq_server(board(log))
    ann = synq_client(server).join("board:1")
    ann.call("inc")
    ann.leave()
    assert log.closed.wait(5)
    assert synq_client(server).join("board:1").state["n"] == 0
    assert log.lines == ["open board:1", ("close", 1, True), "open board:1"]


def test_a_topic_that_lingers_keeps_its_state(synq_server: Serve, synq_client: Connect) -> None:
    log = Log()
    server = synq_server(board(log, linger_seconds=60, patch_interval_seconds=0.001))
    ann = synq_client(server).join("board:1")
    ann.call("inc")
    ann.leave()
    assert synq_client(server).join("board:1").state["n"] == 1
    server.close()
    assert log.lines == ["open board:1", ("close", 1, True)]


@pytest.mark.parametrize(
    ("failure", "code"),
    [(synq.Error("no_board", "there is none"), "no_board"), (RuntimeError("oops"), "topic_unavailable")],
)
def test_a_failure_to_open_is_told_to_who_joins(
    synq_server: Serve, synq_client: Connect, failure: Exception, code: str
) -> None:
    log = Log()
    log.fails = failure
    server = synq_server(board(log))
    ann = synq_client(server).join("board:1", wait_for_state=False)
    assert ann.expect_push("synq:error")["code"] == code
    with pytest.raises(synq.NotFoundError, match="board:1"), server.topic("board:1", open=True):
        raise AssertionError
    log.fails = None
    assert synq_client(server).join("board:1").state["n"] == 0
    assert log.lines == ["open board:1"] * 3


def test_an_async_topic_and_its_handlers(synq_server: Serve, synq_client: Connect) -> None:
    seen: list[Any] = []
    closed: queue.Queue[int] = queue.Queue()

    @synq.channel("later:*", track=["n"], shared=["n"])
    class Later(synq.Channel):
        async def open_topic(self) -> None:
            await asyncio.sleep(0)
            self.assigns.n = 10

        async def close_topic(self) -> None:
            await asyncio.sleep(0)
            closed.put(self.assigns.n)

        @synq.event
        async def take(self) -> Any:
            before = self.assigns.n
            for _ in range(5):
                await asyncio.sleep(0)
            self.assigns.n = before - 1
            return before

        @synq.event
        async def fail(self) -> None:
            self.assigns.n = 99
            await asyncio.sleep(0)
            raise RuntimeError("on purpose")

        @synq.event
        def put_off(self) -> Any:
            deferred = self.defer()

            def work() -> None:
                with deferred:
                    self.assigns.n += 100

            threading.Thread(target=work).start()
            return deferred

        @synq.event
        async def update_itself(self) -> Any:
            await asyncio.sleep(0)
            for update in (self.server.topic(self.topic), self.server.update(self)):
                try:
                    async with update:
                        return "it did"
                except synq.StateError as error:
                    seen.append(str(error))
            return "refused"

        @synq.event
        def update_blocking(self) -> Any:
            try:
                with self.server.topic("later:other"):
                    return "it did"
            except synq.StateError:
                return "refused"

        @synq.event
        async def update_other(self) -> Any:
            async with self.server.topic("later:other", open=True) as other:
                other.assigns.n += 1
                return other.assigns.n

        async def leave_a_task(self) -> None:
            async with self.server.topic(self.topic) as topic:
                topic.assigns.n = -1

        @synq.event
        async def start_a_task(self) -> None:
            seen.append(asyncio.create_task(self.leave_a_task()))
            await asyncio.sleep(0.01)
            self.assigns.n = 1

    server = synq_server(Later)
    ann, bob = (synq_client(server).join("later:1") for _ in range(2))
    refs = [(who, who.push("take")) for who in (ann, bob, ann, bob)]
    assert sorted(who.expect_reply(ref).response for who, ref in refs) == [7, 8, 9, 10]
    ann.push("fail")
    ann.expect_push("phx_error")
    assert bob.call("take").response == 6
    assert bob.call("update_itself").response == "refused"
    assert bob.call("update_blocking").response == "refused"
    assert [text.partition(":")[0] for text in seen] == ["topic later", "update of later"]
    seen.clear()
    assert bob.call("update_other").response == 11
    bob.call("start_a_task")
    while bob.state["n"] != -1:
        bob.expect_patch()
    bob.call("put_off")
    bob.leave()
    assert sorted(closed.get(timeout=5) for _ in range(2)) == [11, 99]


def test_authorize_has_not_the_turn(synq_server: Serve, synq_client: Connect) -> None:
    seen: list[Any] = []

    @synq.channel("gate", track=["n"], shared=["n"])
    class Gate(synq.Channel):
        def open_topic(self) -> None:
            self.assigns.n = 0

        def authorize(self) -> bool:
            for do in (lambda: self.assigns.n, lambda: setattr(self.assigns, "n", 1)):
                try:
                    seen.append(do())
                except synq.StateError as error:
                    seen.append(str(error).partition(":")[0])
            seen.append(dict(self.assigns))
            return True

    server = synq_server(Gate)
    for _ in range(2):
        assert synq_client(server).join("gate").state == {"n": 0}
    assert seen == [*["n is shared"] * 2, {}] * 2


def test_the_class_of_the_assigns_is_that_of_the_topic_too(synq_server: Serve, synq_client: Connect) -> None:
    class Cards(synq.Assigns):
        cards: synq.ObservableList[synq.ObservableDict]

        @property
        def open(self) -> int:
            return sum(not card.done for card in self.cards)

    kind = board(Log())
    kind.__annotations__ = {"assigns": Cards}
    kind.count = synq.event("count")(lambda self: self.assigns.open)  # type: ignore[attr-defined]
    server = synq_server(kind)
    ann = synq_client(server).join("board:1")
    assert ann.call("count").response == 2
    with server.topic("board:1") as topic:
        topic.assigns.cards[0].done = True
        assert topic.assigns.open == 1


def test_what_cannot_be_is_refused_at_registration() -> None:
    with pytest.raises(ValueError, match="linger_seconds"):
        synq.channel("a", shared=["n"], linger_seconds=-1)
    with pytest.raises(TypeError, match="no `shared` assigns"):
        synq.Server(channels=[board(Log(), shared=[])])
    with pytest.raises(synq.LibraryError):
        synq.Server(channels=[synq.channel("a", linger_seconds=1)(type("A", (synq.Channel,), {}))])


def test_nothing_is_left_of_topics_that_closed(synq_server: Serve, synq_client: Connect) -> None:
    from synq._registration import registrations

    def left() -> Iterator[Any]:
        for registration in registrations.values():
            yield from registration._topics
            yield from registration._open

    server = synq_server(board(Log()))
    client = synq_client(server)
    for number in range(5):
        client.join(f"board:{number}").leave()
        with server.topic(f"board:u{number}", open=True):
            pass
    server.close()
    assert list(left()) == []
