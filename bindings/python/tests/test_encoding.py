"""What becomes which JSON, and what does not."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import uuid
from collections import OrderedDict, namedtuple
from typing import Any

import pytest

import synq
from synq.encoding import plain, to_bytes, to_text


class Color(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Word(str, enum.Enum):
    YES = "yes"


class Text(str):
    __slots__ = ()


@dataclasses.dataclass
class Item:
    title: str
    tags: set[str]


Point = namedtuple("Point", "x y")
UTC = datetime.timezone.utc


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (0, "0"),
        (-(2**70), "-1180591620717411303424"),
        (1.0, "1.0"),
        (0.1, "0.1"),
        (1e300, "1e+300"),
        ('ü\n"\\/\u2028', '"ü\\n\\"\\\\/\u2028"'),
        ("\x00\x1f", '"\\u0000\\u001f"'),
        ([], "[]"),
        ({}, "{}"),
        ((1, 2), "[1,2]"),
        ({"a": [1, {"b": None}]}, '{"a":[1,{"b":null}]}'),
        (Color.RED, '"red"'),
        (Level.HIGH, "3"),
        (Word.YES, '"yes"'),
        ({Word.YES: 1}, '{"yes":1}'),
        (Text("t"), '"t"'),
        (Item("x", {"b", "a"}), '{"title":"x","tags":["a","b"]}'),
        (Point(1, Point(2, 3)), '{"x":1,"y":{"x":2,"y":3}}'),
        ({3, 1, 2}, "[1,2,3]"),
        (frozenset([1, "a"]), '["a",1]'),
        (decimal.Decimal("1.10"), '"1.10"'),
        (uuid.UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        ({uuid.UUID(int=1): 1}, '{"00000000-0000-0000-0000-000000000001":1}'),
        (datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), '"2026-01-02T03:04:05Z"'),
        (datetime.datetime(2026, 1, 2, 3, 4, 5, 6), '"2026-01-02T03:04:05.000006"'),
        (datetime.date(2026, 1, 2), '"2026-01-02"'),
        (datetime.time(3, 4), '"03:04:00"'),
        (OrderedDict(b=1, a=2), '{"b":1,"a":2}'),
    ],
)
def test_encodes(value: Any, text: str) -> None:
    assert to_text(value) == text


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"photos": [{"raw": b"\x00"}]}, "bytes at /photos/0/raw"),
        ({"n": [float("nan")]}, "nan at /n/0"),
        (float("inf"), "inf has no JSON form"),
        ({"a": {1: 2}}, "the key 1 at /a is of type int"),
        ({None: 2}, "the key None is of type NoneType"),
        ([object()], "a value of type object at /0 has no JSON form"),
        (Item, "a value of type type has no JSON form"),
        ([1j], "a value of type complex at /0"),
        ("\ud800", "half of a surrogate pair"),
    ],
)
def test_refuses_and_names_the_place(value: Any, words: str) -> None:
    with pytest.raises(synq.EncodeError, match=words):
        to_bytes(value)


def test_a_value_that_contains_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(synq.EncodeError, match="contains itself"):
        to_text(value)


def test_a_registered_encoder_is_used_for_the_class_and_its_subclasses() -> None:
    class Money:
        def __init__(self, cents: int) -> None:
            self.cents = cents

    class Tip(Money):
        pass

    @synq.encoder(Money)
    def money(value: Money) -> Any:
        return {"cents": value.cents, "as": decimal.Decimal(value.cents) / 100}

    assert to_text([Money(250), Tip(1)]) == '[{"cents":250,"as":"2.5"},{"cents":1,"as":"0.01"}]'


def test_a_pydantic_model_encodes_itself() -> None:
    pydantic = pytest.importorskip("pydantic")

    class Order(pydantic.BaseModel):  # type: ignore[name-defined,misc]
        number: int
        at: datetime.date

    assert to_text({"order": Order(number=1, at="2026-01-02")}) == '{"order":{"number":1,"at":"2026-01-02"}}'


def test_plain_copies_so_that_later_changes_do_not_reach_it() -> None:
    value = {"a": [1]}
    copy = plain(value)
    value["a"].append(2)
    assert copy == {"a": [1]}


@pytest.mark.parametrize("value", [2**63, -(2**64), 2**70, 10**1022])
def test_long_integers_are_right_everywhere(value: int) -> None:
    assert synq.diff({"n": 0}, {"n": value}) == [{"op": "replace", "path": "/n", "value": value}]
    assert synq.diff([value], [value]) == []
    assert synq.apply({"n": value}, [{"op": "add", "path": "/m", "value": -value}]) == {
        "n": value,
        "m": -value,
    }


@pytest.mark.parametrize("size", [1024, 10000])
@pytest.mark.parametrize(
    ("make", "at"),
    [
        (lambda n: synq.diff({"a": [1, n]}, {}), " at /a/1"),
        (lambda n: synq.diff({}, {"a": n}), " at /a"),
        (lambda n: synq.apply({"a": n}, []), " at /a"),
        (lambda n: to_text(n), ""),
        (lambda n: to_text({"a": {"b": n}}), " at /a/b"),
        (lambda n: synq.Server().publish("t", "m", [n]), " at /0"),
        (lambda n: synq.Server().broadcast("t", "e", {"n": n}), " at /n"),
    ],
)
def test_an_integer_that_is_too_long_is_named(make: Any, at: str, size: int) -> None:
    with pytest.raises(synq.EncodeError, match=rf"^an integer of \d+ bits{at}: .* at most 1024 digits"):
        make(10**size)
