"""Programs that end: by a signal, by falling off their end, in a fork. Each is a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from synq.testing import Client

ROOT = Path(__file__).resolve().parents[3]
DEMO = ROOT / "examples/python/demo.py"

PROGRAM = """
import asyncio, logging, os, signal, sys, threading, time
import synq

# That a callback was slow is said of the machine, which others load too.
logging.getLogger("asyncio").setLevel(logging.ERROR)

@synq.channel("room:*", track=["n"])
class Room(synq.Channel):
    {DEF} init(self):
        self.assigns.n = 0

    @synq.event("block")
    {DEF} block(self):
        self.push("blocking")
        {WAIT}

    @synq.event("exit")
    {DEF} leave(self):
        sys.exit(3)

    {DEF} before_close(self, reason):
        print("closed", reason, flush=True)

server = synq.Server(channels=[Room]).start()
print(server.port, flush=True)
"""
FORMS = {
    "sync": PROGRAM.replace("{DEF}", "def").replace("{WAIT}", "time.sleep(60)"),
    "async": PROGRAM.replace("{DEF}", "async def").replace("{WAIT}", "await asyncio.sleep(60)"),
}


class Program:
    """A Python program that prints the port of its server first."""

    def __init__(self, *arguments: Any) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-X", "dev", "-W", "error", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        # Byte by byte: `communicate` does not see what a buffer has read ahead.
        descriptor, line = self.process.stdout.fileno(), b""
        while not line.endswith(b"\n") and (byte := os.read(descriptor, 1)):
            line += byte
        self.first = line.decode().strip()

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def end(self, number: int | None = None) -> tuple[int, str, str, float]:
        """Sends a signal and waits: the exit code, what was printed, and how long it took."""
        started = time.monotonic()
        if number is not None:
            self.process.send_signal(number)
        out, error = self.process.communicate(timeout=30)
        return self.process.returncode, out, error, time.monotonic() - started


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_run_at_once_with_every_before_close(form: str, number: int) -> None:
    with (
        Program("-c", FORMS[form] + "server.run(lambda: None)") as program,
        Client("127.0.0.1", int(program.first)) as one,
        Client("127.0.0.1", int(program.first)) as two,
    ):
        for client in (one, two):
            assert client.join("room:1").state == {"n": 0}
        code, out, error, seconds = program.end(number)
        assert (code, out, error) == (0, "closed shutdown:draining\n" * 2, "")
        assert seconds < 2  # a tenth for the server; the rest is Python's own end under -X dev
        assert (one.expect_close(), two.expect_close()) == (1012, 1012)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_taken_from_the_moment_the_start_is_told(form: str, number: int) -> None:
    code = FORMS[form] + f"server.run(started=lambda: os.kill(os.getpid(), {int(number)}))\nprint('ended')"
    with Program("-c", code) as program:
        assert program.end()[:3] == (0, "ended\n", "")


def test_a_second_signal_cancels_an_async_handler() -> None:
    with (
        Program("-c", FORMS["async"] + "server.run(lambda: None)") as program,
        Client("127.0.0.1", int(program.first)) as client,
    ):
        channel = client.join("room:1")
        channel.push("block")
        channel.expect_push("blocking")
        program.process.send_signal(signal.SIGTERM)
        code, out, error, _ = program.end(signal.SIGINT)
        assert (code, error) == (0, "")
        assert out.startswith("closed ")


@pytest.mark.parametrize("form", FORMS)
def test_exit_in_a_handler_ends_the_program_after_every_before_close(form: str) -> None:
    with (
        Program("-c", FORMS[form] + "server.run(lambda: None)") as program,
        Client("127.0.0.1", int(program.first)) as client,
    ):
        client.join("room:1").push("exit")
        code, out, error, _ = program.end()
        assert (code, out.splitlines()[0].split()[0], error) == (3, "closed", "")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "end",
    [
        "server.__enter__()\nsys.stdin.readline()",
        "server.__enter__()\nsys.stdin.readline()\ndel server",
        "with server: sys.stdin.readline()",
        "with server: server.stop(); server.stop(); server.close(); server.close()",
    ],
)
def test_a_program_that_falls_off_its_end_is_clean(form: str, end: str) -> None:
    with Program("-c", FORMS[form].replace("import asyncio", "import asyncio, sys") + end) as program:
        assert program.first.isdigit()
        code, out, error, _ = program.end()
        assert (code, out, error) == (0, "", "")


def test_run_says_where_it_listens() -> None:
    with Program("-c", FORMS["sync"] + "server.run()") as program:
        assert program.process.stderr is not None
        said = program.process.stderr.readline()
        assert said == f"listening on http://127.0.0.1:{program.first}/, until Ctrl-C\n"
        assert program.end(signal.SIGINT)[:3] == (0, "", "")


def test_a_server_that_never_ran_is_freed() -> None:
    with Program("-c", FORMS["sync"]) as program:
        code, _, error, _ = program.end()
        assert (code, error) == (0, "")


def test_a_forked_child_is_told_and_ends_cleanly() -> None:
    code = (
        FORMS["sync"]
        + """
with server:
    if os.fork() == 0:
        try:
            server.publish("room:1", "x")
        except synq.ForkedError:
            print("forked", flush=True)
            sys.exit(0)
        os._exit(1)
    print(os.wait()[1])
"""
    )
    with Program("-W", "ignore", "-c", code) as program:
        status, out, error, _ = program.end()
        assert (status, out.split(), error) == (0, ["forked", "0"], "")


def test_the_demo_from_the_start_to_the_end() -> None:
    with Program(DEMO, "--port", "0") as program:
        assert program.first.startswith("listening on http://127.0.0.1:")
        port = int(program.first.rstrip("/").rsplit(":", 1)[1])
        with Client("127.0.0.1", port) as first, Client("127.0.0.1", port) as second:
            ada = first.join("room:tea", {"user": "Ada"})
            assert ada.expect_push("welcome") == {"text": "Welcome, Ada!"}
            assert ada.state["room"] == "tea"
            bob = second.join("room:tea", {"user": "Bob"})
            assert [member["name"] for member in bob.state["members"]] == ["Ada", "Bob"]
            assert all(type(member["id"]) is str for member in bob.state["members"])
            assert ada.call("inc").response == {"count": 1}
            assert bob.call("inc").response == {"count": 2}
            said = ada.call("say", {"text": " hi "})
            assert said.status == "ok"
            message = {"id": said.response["id"], "from": "Ada", "text": "hi"}
            while ada.state["messages"] != [message] or ada.state["count"] != 2:
                ada.expect_patch()
            assert ada.call("say", {"text": " "}, status="error").response["code"] == "empty_message"
            assert ada.call("say", {"text": "x" * 501}, status="error").response["code"] == "message_too_long"
            bob.push("crash")
            assert bob.expect_close() == "phx_error"
            while len(ada.state["members"]) != 1:
                ada.expect_patch()
            seconds = ada.state["seconds"]
            while ada.state["seconds"] == seconds:
                ada.expect_patch()
            assert not any("never on the wire" in frame for frame in first.frames + second.frames)
        code, _, error, _ = program.end(signal.SIGTERM)
        assert code == 0
        assert error.count("Traceback") == 1
        assert "on purpose" in error
