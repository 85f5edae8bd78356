"""What a channel class may look like, and what is refused when it is registered."""

from __future__ import annotations

import dataclasses
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


class NoMethod(synq.Channel):
    init = 5


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (TooMany, r"TooMany.say takes .*: expected \(self\) or \(self, payload\)"),
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
