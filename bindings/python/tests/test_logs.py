"""What goes to the log: no client can forge a line, fill it, or stop the loop unnoticed."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import synq
from synq import _logs, _running
from synq.testing import Client

Serve = Callable[..., synq.Server]
Connect = Callable[..., Client]

FORGED = "a\nERROR:root:forged\r\x1b[2J\u2028\x85"


@synq.channel("room:*")
class Room(synq.Channel):
    def authorize(self, params: Any) -> Any:
        return params

    def handle_event(self, event: str, payload: Any) -> None:
        raise RuntimeError(payload)


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What a plain handler writes."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logging.Formatter("%(levelname)s:%(name)s:%(message)s"))
    log = logging.getLogger("synq")
    log.addHandler(handler)
    yield written
    log.removeHandler(handler)


def test_what_clients_send_makes_no_line_of_its_own(
    synq_server: Serve, synq_client: Connect, lines: io.StringIO
) -> None:
    room = synq_client(synq_server(synq.channel("*")(type("Open", (Room,), {"authorize": None})))).join(
        FORGED
    )
    room.push(f"event {FORGED}", FORGED)
    assert room.expect_close() == "phx_error"
    written = lines.getvalue()
    assert "forged" in written
    assert "RuntimeError" in written
    for line in written.splitlines():  # which splits at all that any reader might take for a line's end
        assert line.startswith(("ERROR:synq:", "WARNING:synq:", "  ")), line
        assert line.isprintable()


def test_printable_text_is_cut_and_escaped() -> None:
    assert _logs.printable("plain ü 语") == "plain ü 语"
    assert _logs.printable("a\nb\x00\x7f\ud800\u202e") == "a\\nb\\x00\\x7f\\ud800\\u202e"
    assert _logs.printable("x" * 501) == "x" * 500 + "… (501 characters)"


def test_a_failure_keeps_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("synq.test")
    try:
        raise ValueError("two\nlines")
    except ValueError as error:
        _logs.failed(log, "room: say failed", error, {"topic": "room"})
    (record,) = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[0] is ValueError
    assert record.getMessage() == "room: say failed: ValueError('two\\nlines')"
    assert record.exc_text is not None
    assert record.exc_text.endswith("\n  ValueError: two\n  lines")
    with caplog.at_level(logging.CRITICAL, "synq.test"):
        _logs.failed(log, "room: say failed", ValueError())
    assert len(caplog.records) == 1


def test_a_handler_that_blocks_is_named(
    synq_server: Serve,
    synq_client: Connect,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    times = iter([0.0, 1.25])
    monkeypatch.setattr(_running, "clock", lambda: next(times, 5.0))

    @synq.channel("slow")
    class Slow(synq.Channel):
        @synq.event
        def work(self) -> None: ...

    slow = synq_client(synq_server(Slow)).join("slow")
    slow.call("work")
    slow.call("work")
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert ".work ran for 1.2 s, and nothing else did meanwhile" in record.getMessage()
    assert record.getMessage().startswith("slow: ")


@pytest.mark.skipif(not hasattr(sys, "set_int_max_str_digits"), reason="this Python reads any number")
@pytest.mark.parametrize("event", ["known", "other"])
def test_a_number_that_python_cannot_read_is_an_answer(
    synq_server: Serve, synq_client: Connect, caplog: pytest.LogCaptureFixture, event: str
) -> None:
    @synq.channel("big")
    class Big(synq.Channel):
        def handle_event(self, event: str, payload: Any) -> Any:
            return payload

        @synq.event
        def known(self, payload: Any) -> Any:
            return payload

    client = synq_client(synq_server(Big))
    big = client.join("big")
    most = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(640)
    try:
        number = "9" * 800
        client._socket.send(1, f'["{big._join_ref}","7","big","{event}",{number}]'.encode())
        reply = big.expect_reply("7")
        assert (reply.status, reply.response["code"]) == ("error", "invalid_payload")
        assert big.call(event, 10**600).response == 10**600
        client._socket.send(1, f'["9","9","big","phx_join",{{"n":{number}}}]'.encode())
        big._join_ref = "9"
        assert big.expect_reply("9").response["code"] == "invalid_payload"
    finally:
        sys.set_int_max_str_digits(most)
    assert caplog.records == []
