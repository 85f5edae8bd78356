"""Who is let in: nobody by accident."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Callable
from typing import Any

import pytest

import synq
from synq.testing import Client, HandshakeError

Serve = Callable[..., synq.Server]
Connect = Callable[..., Client]


@dataclasses.dataclass
class User:
    is_admin: bool


RESULTS: list[tuple[Any, bool]] = [
    (True, True),
    (synq.Reply("ok", {"a": 1}), True),
    (False, False),
    (None, False),
    (0, False),
    (1, False),
    ("", False),
    ("yes", False),
    ([], False),
    ({}, False),
    ({"a": 1}, False),
    (("ok", {}), False),
    (synq.Reply("error", {}), False),
    (synq.Reply("maybe"), False),
    (User(False), False),
    (User(True), False),
    (b"yes", False),
]


@pytest.mark.parametrize("form", ["def", "async def", "async def that waits"])
@pytest.mark.parametrize(("result", "lets_in"), RESULTS, ids=lambda value: repr(value)[:30])
def test_a_result_of_authorize(
    synq_server: Serve,
    synq_client: Connect,
    caplog: pytest.LogCaptureFixture,
    result: Any,
    lets_in: bool,
    form: str,
) -> None:
    class Plain(synq.Channel):
        def authorize(self) -> Any:
            return result

    class Later(synq.Channel):
        async def authorize(self) -> Any:
            if "waits" in form:
                await asyncio.sleep(0)
            return result

    kind = synq.channel("room")(Plain if form == "def" else Later)
    reply = synq_client(synq_server(kind)).attempt("room").join_reply
    if lets_in:
        assert reply == ("ok", result.payload if isinstance(result, synq.Reply) else {})
    else:
        assert (reply.status, reply.response["code"]) == ("error", "unauthorized")
    odd = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(odd) == (not lets_in and result is not False)
    assert all("authorize returned" in record.getMessage() for record in odd)


def test_a_method_that_returns_nothing_lets_in_unless_it_raises(
    synq_server: Serve, synq_client: Connect
) -> None:
    class Room(synq.Channel):
        def authorize(self, params: Any) -> None:
            with self.key(params):
                if params.get("leave"):
                    return
            if params.get("key") != "sesame":
                raise synq.Error("wrong_key")

        def key(self, params: Any) -> Any:
            import contextlib

            return contextlib.nullcontext()

    client = synq_client(synq_server(synq.channel("room")(Room)))
    assert client.attempt("room", {"key": "sesame"}).join_reply.status == "ok"
    assert client.attempt("room", {"leave": True}).join_reply.status == "ok"
    assert client.attempt("room", {"key": "?"}).join_reply.response["code"] == "wrong_key"


def test_an_unknown_user_is_not_let_in(synq_server: Serve, synq_client: Connect) -> None:
    users = {"ada": User(True), "bob": User(False)}

    class Room(synq.Channel):
        def authorize(self, params: Any) -> Any:
            user = users.get(params["user"])
            return user and user.is_admin

        def init(self) -> None:
            pass

    client = synq_client(synq_server(synq.channel("room")(Room)))
    statuses = [client.attempt("room", {"user": name}).join_reply.status for name in ("ada", "bob", "eve")]
    assert statuses == ["ok", "error", "error"]


@pytest.mark.parametrize("form", ["def", "async def", "async def that waits"])
@pytest.mark.parametrize("after", [None, True, "raise", "again"])
def test_a_refusal_is_final(
    synq_server: Serve, synq_client: Connect, caplog: pytest.LogCaptureFixture, form: str, after: Any
) -> None:
    def connect(connection: synq.Connection, params: dict[str, str]) -> Any:
        connection.refuse(401, "who are you?")
        if after == "raise":
            raise RuntimeError("on purpose")
        if after == "again":
            connection.refuse(418)
            return None
        return after

    async def connect_later(connection: synq.Connection, params: dict[str, str]) -> Any:
        if "waits" in form:
            await asyncio.sleep(0)
        return connect(connection, params)

    server = synq_server(connect=connect if form == "def" else connect_later)
    with pytest.raises(HandshakeError) as refused:
        synq_client(server)
    assert (refused.value.status, refused.value.body) == (401, "who are you?")
    assert ("connect failed" in caplog.text) == (after == "raise")


@pytest.mark.parametrize("result", [0, 1, "", "yes", {}, User(True)])
def test_an_odd_result_of_connect_refuses(
    synq_server: Serve, synq_client: Connect, caplog: pytest.LogCaptureFixture, result: Any
) -> None:
    server = synq_server(connect=lambda connection, params: result)
    with pytest.raises(HandshakeError) as refused:
        synq_client(server)
    assert refused.value.status == 403
    assert "connect returned a value of type" in caplog.text


def test_cookies_of_a_connection(synq_server: Serve, synq_client: Connect) -> None:
    seen: list[dict[str, str]] = []

    def connect(connection: synq.Connection, params: dict[str, str]) -> None:
        seen.append(connection.cookies)

    server = synq_server(connect=connect)
    synq_client(server)
    synq_client(server, headers={"Cookie": 'session=a=b%20c; theme="dark";empty=; session=second; novalue'})
    assert seen == [{}, {"session": "a=b%20c", "theme": "dark", "empty": ""}]
