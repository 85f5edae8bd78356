"""The command line: what it prints, and its exit status."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import synq
from synq.command import main
from synq.command.options import compact, indented

Serve = Callable[..., synq.Server]


@synq.channel("room:*", track=["n", "name"])
class Room(synq.Channel):
    def authorize(self, params: Any) -> Any:
        return params.get("key") != "wrong"

    def init(self, params: Any) -> None:
        self.assigns.n = params.get("n", 0)
        self.assigns.name = "ü"

    @synq.event("inc")
    def inc(self, payload: Any) -> Any:
        self.assigns.n += payload.get("by", 1)
        return {"n": self.assigns.n}

    @synq.event("tell")
    def tell(self, payload: Any) -> None:
        self.broadcast("told", payload)
        self.publish("inc")

    @synq.message("inc")
    def more(self) -> None:
        self.assigns.n += 1

    @synq.event("end")
    def end(self) -> None:
        self.publish("end")

    @synq.message("end")
    def ended(self) -> None:
        self.stop()

    @synq.event("bytes")
    def bytes(self) -> bytes:
        return b"\x00\xff"

    @synq.event("no")
    def no(self) -> None:
        raise synq.Error("no", "not now")


@pytest.fixture
def url(synq_server: Serve) -> str:
    return f"ws://127.0.0.1:{synq_server(Room).port}/socket"


def run(*arguments: str, given: bytes = b"") -> tuple[int, str, str]:
    """The exit status, the output and what was said on stderr."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "synq", *arguments],
        input=given,
        capture_output=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode()


def test_push_shows_the_answer(url: str) -> None:
    assert run("push", url, "room:1", "inc") == (0, '{\n  "n": 1\n}\n', "")
    sent = run("push", url, "room:1", "inc", '{"by": 5}', "--compact", "--params", '{"n": 2}')
    assert sent == (0, '{"n":7}\n', "")
    assert run("push", url, "room:1", "inc", "-", "--compact", given=b'{"by":3}') == (0, '{"n":3}\n', "")
    assert run("push", url, "room:1", "bytes")[:2] == (0, "\x00�")


def test_push_says_no(url: str) -> None:
    status, out, said = run("push", url, "room:1", "no", "--compact")
    assert (status, json.loads(out)["code"], said) == (1, "no", "no: error: no: not now\n")
    status, out, said = run("push", url, "room:1", "inc", "--params", '{"key":"wrong"}')
    assert (status, out) == (1, "")
    assert said.startswith("the join of room:1 was refused: unauthorized")
    assert run("push", url, "nowhere", "inc")[0] == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["push", "URL", "room:1", "inc", "{"], "the payload is not JSON"),
        (["push", "URL", "room:1", "inc", "NaN"], "NaN is not JSON"),
        (["push", "URL", "room:1", "inc", "--params", "x"], "--params is not JSON"),
        (["push", "room", "room:1", "inc"], "the URL of a socket is ws://host/path"),
        (["push", "URL", "room:1", "inc", "--header", "x"], "expected --header NAME:VALUE, not 'x'"),
        (["push", "URL", "room:1", "inc", "--header", "x:a\nb"], "line break"),
        (["push", "URL", "room:1", "inc", "--connect", "=x"], "expected --connect NAME=VALUE"),
        (["push", "URL", "room:1", "inc", "--ca", "no/such"], "--ca no/such"),
        (["push", "URL", "room:1", "inc", "--timeout", "0"], "0 is not a time in seconds"),
        (["watch", "URL", "room:1", "--count", "0"], "0 is not a number of at least 1"),
        (["bench", "URL", "room:1", "--dialect", "morse"], "invalid choice: 'morse'"),
        (["push", "URL", "room:1"], "EVENT"),
        (["nothing"], "invalid choice: 'nothing'"),
        ([], "COMMAND"),
        (["diff", "no/such", "no/such"], "no/such: No such file or directory"),
        (["diff", "-", "-"], "only one of the two can be the standard input"),
    ],
)
def test_wrong_usage_is_named(url: str, arguments: list[str], words: str) -> None:
    status, out, said = run(*(url if one == "URL" else one for one in arguments))
    assert (status, out) == (2, "")
    assert words in said
    assert "Traceback" not in said


@pytest.mark.parametrize("command", ["watch", "push", "bench"])
def test_no_connection_is_a_status_of_its_own(url: str, command: str) -> None:
    more = ["inc"] if command == "push" else []
    status, out, said = run(command, "ws://127.0.0.1:1/socket", "room:1", *more)
    assert (status, out) == (3, "")
    assert said.startswith(f"python -m synq {command}: ")
    assert "Traceback" not in said
    refused = url.replace("/socket", "/elsewhere")
    assert run(command, refused, "room:1", *more)[0] == 3


def test_watch_once_shows_the_state(url: str) -> None:
    assert run("watch", url, "room:1", "--once")[:2] == (0, 'version 0\n{\n  "n": 0,\n  "name": "ü"\n}\n')
    status, out, _ = run("watch", url, "room:1", "--once", "--json")
    lines = [json.loads(line) for line in out.splitlines()]
    assert status == 0
    assert lines[-1] == {"type": "state", "version": 0, "state": {"n": 0, "name": "ü"}}
    assert run("watch", url, "room:1", "--params", '{"key":"wrong"}')[0] == 1


class Watch:
    """A `watch` that runs."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", "synq", "watch", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def object(self) -> Any:
        """The next line that is no status."""
        while (found := json.loads(self.line()))["type"] == "status":
            pass
        return found

    def end(self) -> int:
        return self.process.wait(30)


def test_watch_follows_patches_and_events(url: str) -> None:
    with Watch(url, "room:1", "--json") as watch:
        assert watch.object()["state"] == {"n": 0, "name": "ü"}
        assert run("push", url, "room:1", "tell", '{"text":"\\u001b[2J\\u009b\\u2028"}')[0] == 0
        line = watch.line()
        while '"event"' not in line:
            line = watch.line()
        assert line == '{"type":"event","event":"told","payload":{"text":"\\u001b[2J\\u009b\\u2028"}}'
        operations = [{"op": "replace", "path": "/n", "value": 1}]
        assert watch.object() == {"type": "patch", "version": 1, "operations": operations}
        run("push", url, "room:1", "end")
        assert watch.end() == 0


def test_watch_is_readable_by_people(url: str) -> None:
    with Watch(url, "room:1", "--full", "--count", "3", "--no-events") as watch:
        assert [watch.line() for _ in range(5)] == ["version 0", "{", '  "n": 0,', '  "name": "ü"', "}"]
        run("push", url, "room:1", "tell")
        shown = [watch.line() for _ in range(6)]
        assert shown == ["version 1", "  replace /n 1", "{", '  "n": 1,', '  "name": "ü"', "}"]
        run("push", url, "room:1", "tell")
        assert watch.end() == 0


@pytest.mark.skipif(signal.getsignal(signal.SIGINT) is signal.SIG_IGN, reason="SIGINT is ignored here")
def test_watch_ends_by_ctrl_c_and_by_a_closed_pipe(url: str) -> None:
    with Watch(url, "room:1") as watch:
        assert watch.line() == "version 0"
        watch.process.send_signal(signal.SIGINT)
        assert watch.end() == 130
    with Watch(url, "room:1", "--json") as watch:
        watch.object()
        assert watch.process.stdout is not None
        watch.process.stdout.close()
        run("push", url, "room:1", "tell")
        assert watch.end() == 141


def test_watch_ends_with_the_connection_where_asked_to(synq_server: Serve) -> None:
    server = synq_server(Room, connect=lambda connection, params: connection.set_id("watch"))
    with Watch(f"ws://127.0.0.1:{server.port}/socket", "room:1", "--json", "--no-reconnect") as watch:
        watch.object()
        server.disconnect("watch")
        assert watch.end() == 3


def test_bench_counts_answers(url: str) -> None:
    common = ("--seconds", "0.05", "--clients", "3", "--json")
    for more in ([], ["--event", "inc", "--payload", '{"by":2}']):
        status, out, said = run("bench", url, "room:{}", *common, *more)
        figures = json.loads(out)
        assert (status, said, figures["errors"], figures["clients"]) == (0, "", {}, 3)
        assert figures["answers"] > 0
        assert figures["milliseconds"]["p50"] <= figures["milliseconds"]["max"]
    status, out, _ = run("bench", url, "room:1", "--seconds", "0.05", "--event", "no")
    assert status == 1
    assert "error no: " in out
    assert run("bench", url, "room:1", "--params", '{"key":"wrong"}')[0] == 1


OLD, NEW = b'{"a": 1.10, "b": [1, {}], "long": 99999999999999999999}', b'{"a": 1.20, "b": [1, {}, []]}'


def test_diff_and_apply(tmp_path: Path) -> None:
    old, new, patch = tmp_path / "old.json", tmp_path / "new.json", tmp_path / "patch.json"
    old.write_bytes(OLD)
    new.write_bytes(NEW)
    status, out, said = run("diff", str(old), str(new), "--compact")
    assert (status, said) == (1, "")
    assert "1.20" in out
    patch.write_text(out)
    assert run("diff", str(old), str(old)) == (0, "[]\n", "")
    assert run("diff", "-", str(new), given=NEW)[0] == 0
    applied = '{"a":1.20,"b":[1,{},[]]}'
    assert run("apply", str(old), "-", "--compact", given=out.encode()) == (0, applied + "\n", "")
    old.chmod(0o640)
    assert run("apply", str(old), str(patch), "-o", str(old)) == (0, "", "")
    assert old.read_text() == indented(applied) + "\n"
    assert old.stat().st_mode & 0o777 == 0o640
    failing = b'[{"op":"remove","path":"/nothing"}]'
    status, out, said = run("apply", str(old), "-", "-o", str(tmp_path / "never"), given=failing)
    assert (status, out) == (1, "")
    assert said.startswith("the patch does not apply: ")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["new.json", "old.json", "patch.json"]
    for broken in (b"{", b"\xff", b"[" * 500):
        status, out, said = run("apply", str(old), "-", given=broken)
        assert (status, out) == (2, "")
        assert "Traceback" not in said
    assert run("apply", str(old), str(new))[0] == 1  # a patch is a list
    assert run("apply", str(new), "-", "-o", str(tmp_path / "no/such"), given=b"[]")[0] == 2


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ([], ["watch"], ["push"], ["bench"], ["diff"], ["apply"]):
        with pytest.raises(SystemExit) as ended:
            main([*command, "--help"])
        assert ended.value.code == 0
        assert capsys.readouterr().out.startswith(f"usage: {' '.join(['python -m synq', *command])}")
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"synq {synq.__version__}\n"


def test_what_is_shown_is_json_on_a_line() -> None:
    value = {"a": "\x1b\x7f\x85\u2028\ud800\U000e0001ü語", "b": [1, {}, [], "a,b:{"], "c": None}
    text = compact(value)
    assert text.isprintable()
    assert json.loads(text) == value
    assert json.loads(indented(text)) == value
    assert indented('{"a":[1.10,{}],"b":"x\\"[,"}') == (
        '{\n  "a": [\n    1.10,\n    {}\n  ],\n  "b": "x\\"[,"\n}'
    )
    assert compact(b"\x01") == '{"bytes":"01"}'


def test_it_needs_no_library_to_watch(url: str) -> None:
    environment = {**os.environ, "SYNQ_LIBRARY": "/no/such"}
    command = [sys.executable, "-m", "synq", "watch", url, "room:1", "--once"]
    done = subprocess.run(command, env=environment, capture_output=True, timeout=30, check=False)
    assert done.returncode == 0
