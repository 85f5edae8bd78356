"""Payloads into the types that handlers annotate."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import uuid
from typing import Any, Literal, TypedDict

import pytest

import synq
from synq.decoding import decoder


class Size(enum.Enum):
    SMALL = "s"
    LARGE = "l"


@dataclasses.dataclass
class Line:
    title: str
    count: int = 1


@dataclasses.dataclass
class Order:
    lines: list[Line]
    size: Size
    price: float
    note: str | None = None
    kind: Literal["now", "later"] = "now"
    at: datetime.datetime | None = None
    parent: Order | None = None
    ids: dict[str, uuid.UUID] = dataclasses.field(default_factory=dict)
    total: decimal.Decimal = decimal.Decimal(0)


@dataclasses.dataclass
class Positive:
    n: int

    def __post_init__(self) -> None:
        if self.n <= 0:
            raise ValueError("n must be positive")


class Named(TypedDict):
    name: str


def decode(annotation: Any, value: Any) -> Any:
    convert = decoder(annotation)
    assert convert is not None
    return convert(value)


def test_a_whole_order() -> None:
    order = decode(
        Order,
        {
            "lines": [{"title": "a"}, {"title": "b", "count": 2, "unknown": 1}],
            "size": "l",
            "price": 3,
            "at": "2026-01-02T03:04:05Z",
            "kind": "later",
            "parent": {"lines": [], "size": "s", "price": 0.5},
            "ids": {"x": "00000000-0000-0000-0000-000000000001"},
            "total": "1.10",
        },
    )
    assert order == Order(
        [Line("a"), Line("b", 2)],
        Size.LARGE,
        3.0,
        None,
        "later",
        datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc),
        Order([], Size.SMALL, 0.5),
        {"x": uuid.UUID(int=1)},
        decimal.Decimal("1.10"),
    )
    assert type(order.price) is float


@pytest.mark.parametrize(
    ("annotation", "value", "message", "path"),
    [
        (Line, [], "expected an object, got an array", ""),
        (Line, {}, "/title: is missing", "/title"),
        (Line, {"title": 1}, "/title: expected a string, got a number", "/title"),
        (Line, {"title": "a", "count": True}, "/count: expected an integer, got a boolean", "/count"),
        (Line, {"title": "a", "count": 1.0}, "/count: expected an integer, got a number", "/count"),
        (
            Order,
            {"lines": [{"title": None}], "size": "s", "price": 1},
            "/lines/0/title: expected a string, got null",
            "/lines/0/title",
        ),
        (
            Order,
            {"lines": [], "size": "xl", "price": 1},
            "/size: expected one of ['s', 'l'], got 'xl'",
            "/size",
        ),
        (
            Order,
            {"lines": [], "size": "s", "price": 1, "note": 5},
            "/note: expected a string, got a number or expected null, got a number",
            "/note",
        ),
        (Positive, {"n": 0}, "n must be positive", ""),
        (dict[str, Any], None, "expected an object, got null", ""),
        (dict, [1], "expected an object, got an array", ""),
        (list[int], [1, "2"], "/1: expected an integer, got a string", "/1"),
        (Named, 5, "expected an object, got a number", ""),
        (str, {}, "expected a string, got an object", ""),
        (bytes, {}, "expected bytes, got an object", ""),
        (datetime.date, "tomorrow", "expected a date, got 'tomorrow'", ""),
    ],
)
def test_a_wrong_payload_is_a_declared_error(annotation: Any, value: Any, message: str, path: str) -> None:
    with pytest.raises(synq.Error) as caught:
        decode(annotation, value)
    assert (caught.value.code, caught.value.message) == ("invalid_payload", message)
    assert caught.value.details == {"path": path}


@pytest.mark.parametrize(
    ("annotation", "value"),
    [(dict[str, Any], {"a": 1}), (list, [1]), (tuple[int, ...], [1]), (float, 1), (bytes, b"x")],
)
def test_plain_types_pass(annotation: Any, value: Any) -> None:
    assert [decode(annotation, value)] == [tuple(value) if annotation == tuple[int, ...] else value]


def test_any_and_object_take_everything() -> None:
    assert decoder(Any) is None
    assert decoder(object) is None


def test_an_annotation_without_a_json_form_is_refused_at_once() -> None:
    with pytest.raises(TypeError, match="has no JSON form"):
        decoder(complex)


def test_a_pydantic_model_validates() -> None:
    pydantic = pytest.importorskip("pydantic")

    class Say(pydantic.BaseModel):  # type: ignore[name-defined,misc]
        text: str
        to: list[int]

    assert decode(Say, {"text": "hi", "to": [1]}) == Say(text="hi", to=[1])
    with pytest.raises(synq.Error) as caught:
        decode(Say, {"to": ["x"]})
    assert caught.value.code == "invalid_payload"
    assert [error["path"] for error in caught.value.details["errors"]] == ["/text", "/to/0"]
