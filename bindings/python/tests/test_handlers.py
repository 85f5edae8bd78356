"""What a channel class may look like, and what is refused when it is registered."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest

import synq
from synq._handlers import plan


@dataclasses.dataclass
class Say:
    text: str


def test_reads_every_kind_of_handler() -> None:
    class Room(synq.Channel):
        def authorize(self) -> bool:
            return True

        async def init(self, params: Any) -> None: ...

        @synq.event
        def inc(self) -> None: ...

        @synq.event("say", "shout")
        def speak(self, payload: Say) -> None: ...

        def handle_event(self, event: str, payload: Any) -> None: ...

        @synq.message("tick")
        def tick(self) -> None: ...

        def before_close(self, reason: str) -> None: ...

    found = plan(Room)
    assert found.is_async
    assert found.authorize is not None
    assert found.authorize.takes == 0
    assert found.init is not None
    assert (found.init.takes, found.init.is_async) == (1, True)
    assert sorted(found.events) == [b"inc", b"say", b"shout"]
    assert (found.events[b"inc"].takes, found.events[b"say"].takes) == (0, 1)
    decode = found.events[b"shout"].decode
    assert decode is not None
    assert decode({"text": "hi"}) == Say("hi")
    assert list(found.messages) == [b"tick"]
    assert found.handle_message is None


def test_takes_members_of_the_payload_by_name() -> None:
    class Room(synq.Channel):
        def init(self, *, name: str) -> Any:
            return name

        @synq.event
        async def move(self, *, to: list[int], by: Say | None = None, other: Any = 7) -> Any:
            return [to, by, other]

        @synq.message
        def tick(self, payload: int) -> int:
            return payload

    found = plan(Room)
    assert found.init is not None
    assert found.init.function(None, {"name": "Ada", "more": 1}) == "Ada"
    move = found.events[b"move"]
    assert (move.takes, move.is_async) == (1, True)
    assert asyncio.run(move.function(None, {"to": [1, 2]})) == [[1, 2], None, 7]
    moved = move.function(None, {"to": [], "by": {"text": "x"}, "other": None})
    assert asyncio.run(moved) == [[], Say("x"), None]
    for payload, message in [
        ({}, "/to: is missing"),
        ({"to": [1, "2"]}, "/to/1: expected an integer, got a string"),
        ([1], "expected an object, got an array"),
    ]:
        with pytest.raises(synq.Error) as refused:
            move.function(None, payload)
        assert (refused.value.code, refused.value.message) == ("invalid_payload", message)
    assert found.messages[b"tick"].decode is not None


@pytest.mark.parametrize("annotation", [dict, dict[str, int], Mapping[str, int], bytes, Say, Say | None, Any])
def test_a_payload_of_any_name_may_be_annotated(annotation: Any) -> None:
    class Room(synq.Channel):
        def say(self, what: Any) -> None: ...

    Room.say.__annotations__["what"] = annotation
    synq.event(Room.say)
    assert plan(Room).events[b"say"].takes == 1


def test_an_override_keeps_the_events_of_the_method() -> None:
    class Base(synq.Channel):
        @synq.event("inc")
        def inc(self) -> int:
            return 1

    class Derived(Base):
        def inc(self) -> int:
            return 2

    assert plan(Derived).events[b"inc"].function is Derived.inc
    assert not plan(Derived).is_async


class TooMany(synq.Channel):
    @synq.event("say")
    def say(self, payload: Any, more: Any) -> None: ...


class TooFew(synq.Channel):
    def handle_event(self, event: str) -> None: ...


class Twice(synq.Channel):
    @synq.event("say")
    def one(self) -> None: ...

    @synq.event("say")
    def two(self) -> None: ...


class Generator(synq.Channel):
    @synq.event("say")
    def say(self) -> Any:
        yield 1


class NoForm(synq.Channel):
    @synq.event("say")
    def say(self, payload: complex) -> None: ...


class Unknown(synq.Channel):
    @synq.event("say")
    def say(self, payload: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821


class Scalar(synq.Channel):
    @synq.event("say")
    def say(self, text: str) -> None: ...


class Both(synq.Channel):
    @synq.event("say")
    def say(self, payload: Any, *, text: str) -> None: ...


class Rest(synq.Channel):
    @synq.event("say")
    def say(self, **members: Any) -> None: ...


class CatchAll(synq.Channel):
    def handle_event(self, *, text: str) -> None: ...


class Elixir(synq.Channel):
    def init(self, topic: str, params: Any) -> None: ...


class NoMethod(synq.Channel):
    init = 5


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (TooMany, r"TooMany.say takes .*: expected \(self\) or \(self, payload\)"),
        (TooMany, r"; members of the payload by name: \(self, \*, payload: 'Any', more: 'Any'\)"),
        (Scalar, r"payload as \(text: 'str'\), .* for its member 'text' write \(self, \*, text: 'str'\)"),
        (Both, "Both.say takes .*: expected the payload, or members of the payload by name, not both"),
        (Rest, r"Rest.say takes .*: expected \(self\) or \(self, payload\)"),
        (CatchAll, r"CatchAll.handle_event takes .*: expected \(self, event, payload\)"),
        (Elixir, r"Elixir.init .*: expected \(self\) or \(self, params\); members of the params by name"),
        (TooFew, r"TooFew.handle_event takes .*: expected \(self, event, payload\)"),
        (Twice, "Twice: both one and two handle the event 'say'"),
        (Generator, "Generator.say is a generator"),
        (NoForm, "NoForm.say, the annotation of payload: .*complex"),
        (Unknown, "Unknown.say, the annotation of payload: name 'Nowhere' is not defined"),
        (NoMethod, "NoMethod.init must be a method, not int"),
    ],
)
def test_a_handler_that_cannot_be_called_is_refused(kind: type[synq.Channel], words: str) -> None:
    with pytest.raises(TypeError, match=words):
        plan(kind)


@pytest.mark.parametrize(
    "name", ["push", "send", "stop", "publish", "id", "topic", "assigns", "init", "authorize", "defer"]
)
@pytest.mark.parametrize("mark", [synq.event, synq.message])
@pytest.mark.parametrize("mixin", [False, True])
def test_a_handler_does_not_take_the_place_of_a_method(name: str, mark: Any, mixin: bool) -> None:
    def handler(self: Any) -> None: ...

    # What is meant to take its place is no handler.
    type("Room", (synq.Channel,), {name: handler})
    members = {name: mark("any")(handler)}
    bases = (type("Mixin", (), members), synq.Channel) if mixin else (synq.Channel,)
    with pytest.raises(TypeError, match=rf"Room\.{name} handles an event or message and is named like a "):
        type("Room", bases, {} if mixin else members)


def test_handle_message_may_leave_out_its_last_arguments() -> None:
    class One(synq.Channel):
        def handle_message(self, message: str) -> None: ...

    class Two(synq.Channel):
        def handle_message(self, message: str, payload: Say) -> None: ...

    one, two = plan(One).handle_message, plan(Two).handle_message
    assert one is not None
    assert two is not None
    assert (one.takes, one.decode) == (1, None)
    assert two.takes == 2
    assert two.decode is not None


@pytest.mark.parametrize("name", ["", 5, None])
def test_an_event_needs_a_name(name: Any) -> None:
    with pytest.raises(TypeError, match="the name of an event"):
        synq.event(name)(lambda self: None)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"track": "count"}, "track must be a list of names, not the string 'count'"),
        ({"track": [1]}, "track must be a list of names, and 1 is none"),
        (
            {"dialect": "morse"},
            "dialect must be one of synq, live_state, live_view_model, seance, not 'morse'",
        ),
    ],
)
def test_wrong_channel_options_are_named(options: dict[str, Any], error: str) -> None:
    with pytest.raises((TypeError, ValueError), match=error):
        synq.channel("room:*", **options)


def test_what_is_decorated_is_a_channel() -> None:
    with pytest.raises(TypeError, match=r"expected a topic pattern, as in @synq\.channel"):
        synq.channel(Twice)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"<class 'int'> is no class that derives from synq.Channel"):
        synq.channel("room:*")(int)  # type: ignore[type-var]


def test_a_declared_error_has_a_code() -> None:
    error = synq.Error("full", "no room", {"max": 2})
    assert (error.code, error.message, error.details, str(error)) == (
        "full",
        "no room",
        {"max": 2},
        "full: no room",
    )
    assert str(synq.Error("full")) == "full"
    with pytest.raises(TypeError, match="code must be a string"):
        synq.Error("")
