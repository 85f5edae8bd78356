"""Assigns that are not tracked, and assigns with a class of their own."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import time
from typing import Any

import pytest

import synq
from synq import connection
from synq.client import HandshakeError
from synq.observable import Assigns, forget


class Recorder:
    """Takes the edits of assigns, which are all at names, as the library does."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.document: Any = {}

    def set(self, pointer: bytes, value: Any) -> None:
        self.calls.append(("set", pointer.decode()))
        self.document[pointer.decode()[1:]] = value

    def remove(self, pointer: bytes) -> None:
        del self.document[pointer.decode()[1:]]

    def insert(self, pointer: bytes, value: Any) -> None: ...
    def append(self, pointer: bytes, value: Any) -> None: ...


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


class Session:
    """An object without a JSON form, and without a copy."""

    def __deepcopy__(self, memo: Any) -> Any:
        raise TypeError("no copy of a session")


def kept(recorder: Recorder) -> Assigns:
    return Assigns(recorder, lambda: copy.deepcopy(recorder.document), {"count", "items"})


def test_an_untracked_assign_is_any_object_and_stays_itself(recorder: Recorder) -> None:
    recorder.document = {"connection": {"name": "Ada"}}
    assigns = kept(recorder)
    session, seen = Session(), [object()]
    assigns.count = 1
    assigns.session = session
    assigns["seen"] = seen
    assigns.update(other=seen, count=2)
    assert assigns.session is assigns["session"] is session
    assert assigns.seen is assigns.other is assigns.get("seen") is seen
    assert dict(assigns.items())["session"] is session
    assert assigns.connection.name == "Ada"
    assert [call[1] for call in recorder.calls] == ["/count", "/count"]
    assert sorted(assigns) == ["connection", "count", "other", "seen", "session"]
    assert synq.untracked(assigns)["session"] is session
    assert assigns.pop("session") is session
    del assigns.seen
    assert sorted(assigns) == ["connection", "count", "other"]
    assigns.connection = session  # in place of what the connection has
    assert assigns.connection is session
    assert recorder.document == {"count": 2}
    assigns.clear()
    assert (dict(assigns), recorder.document) == ({}, {})


def test_a_tracked_assign_has_a_json_form(recorder: Recorder) -> None:
    assigns = kept(recorder)
    with pytest.raises(synq.EncodeError, match="at /count"):
        assigns.count = Session()
    with pytest.raises(synq.EncodeError, match="at /count/a/1"):
        assigns.update(own=Session(), count={"a": [1, Session()]})
    assert dict(assigns) == recorder.document == {}


def test_what_a_failed_callback_made_of_untracked_assigns_is_dropped(recorder: Recorder) -> None:
    class Turn:
        serial = 1

        def require(self) -> None: ...

    turn = Turn()
    assigns = Assigns(recorder, lambda: copy.deepcopy(recorder.document), {"count"}, turn)
    assigns.user = "ada"
    turn.serial = 2
    assigns.user = "bob"
    assigns.more = object()
    forget(assigns)
    assert dict(assigns) == {"user": "ada"}
    turn.serial = 3
    forget(assigns)
    assert dict(assigns) == {"user": "ada"}


def test_assigns_have_a_class_of_their_own(synq_server: Any, synq_client: Any) -> None:
    class Board(Assigns):
        title: str
        cards: synq.ObservableList[synq.ObservableDict]
        user: object

        @property
        def open_cards(self) -> list[synq.ObservableDict]:
            return [card for card in self.cards if not card.done]

    @synq.channel("board", track=["title", "cards"])
    class BoardChannel(synq.Channel):
        assigns: Board

        def init(self) -> None:
            assert type(self.assigns) is Board
            self.assigns.title = "todo"
            self.assigns.user = Session()
            self.assigns["cards"] = [{"done": False}, {"done": True}]
            for card in self.assigns.open_cards:
                card.done = None

    # Annotations are read where the class is made.
    BoardChannel.__annotations__["assigns"] = Board
    board = synq_client(synq_server(BoardChannel)).join("board")
    assert board.state == {"title": "todo", "cards": [{"done": None}, {"done": True}]}
    with pytest.raises(TypeError, match=r"Bad\.count has a value: assign it in init"):
        type("Bad", (Assigns,), {"count": 0})


@dataclasses.dataclass
class User:
    name: str

    def greeting(self) -> str:
        return f"hi {self.name}"


@pytest.mark.parametrize("form", ["def", "async def", "async def that waits"])
def test_what_connect_assigns_stays_itself_where_it_is_not_tracked(
    synq_server: Any, synq_client: Any, form: str
) -> None:
    ada, session, seen = User("Ada"), Session(), []

    def connect(client: synq.Connection, params: dict[str, str]) -> Any:
        client.assign("user", ada)
        client.assign("session", session)
        client.assign("plain", {"a": [1]})
        return not params.get("refuse")

    async def connect_later(client: synq.Connection, params: dict[str, str]) -> Any:
        if "waits" in form:
            await asyncio.sleep(0)
        return connect(client, params)

    class Own(synq.Channel):
        def init(self) -> None:
            seen.append((self.assigns.user, self.assigns.session, self.assigns.plain.a[0]))
            assert self.assigns.user.greeting() == "hi Ada"
            del self.assigns.session
            assert "session" not in self.assigns

    class Tracked(synq.Channel):
        def init(self) -> None:
            assert self.assigns.user.name == "Ada"

    server = synq_server(
        synq.channel("own:*", track=["plain"])(Own),
        synq.channel("tracked", track=["user"])(Tracked),
        synq.channel("no-form", track=["session"])(type("NoForm", (synq.Channel,), {})),
        connect=connect if form == "def" else connect_later,
    )
    client = synq_client(server)
    assert client.join("own:1").state == {"plain": {"a": [1]}}
    client.join("own:2")
    for user, kept, number in seen:
        assert user is ada
        assert kept is session
        assert number == 1
    assert client.join("tracked").state == {"user": {"name": "Ada"}}
    assert client.attempt("no-form").join_reply.status == "error"
    assert len(connection.objects) == 1
    with pytest.raises(HandshakeError):
        synq_client(server, params={"refuse": "1"})
    client.close()
    deadline = time.monotonic() + 5
    while connection.objects:
        assert time.monotonic() < deadline
        time.sleep(0)
